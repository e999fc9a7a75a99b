// A socket file: made for whoever may use it, taken over from a daemon that died, never from one that lives.
import GibseyKit
import Glibc

/// A bound socket in the file system. Its identity is the file; `remove` takes it away again.
struct SocketFile: Sendable {
  /// Its owner and the group may connect: whoever can connect may ask.
  static let mode: mode_t = 0o660
  private static let backlog: Int32 = 1024

  let descriptor: FileDescriptor
  private let path: String
  private let device: dev_t
  private let number: ino_t

  /// - Throws: `GibseyError.cannotCreate` when the path is too long, holds something else, or somebody listens there.
  init(path: String) throws {
    func wrong(_ reason: String) -> GibseyError { .cannotCreate(path: path, reason: reason) }
    let place = try Self.place(path)
    var facts = stat()
    if lstat(path, &facts) == 0 {
      guard facts.st_mode & S_IFMT == S_IFSOCK else { throw wrong("something else is there, and no socket") }
      guard !Self.isAnswered(at: place) else { throw wrong("another program listens there") }
      unlink(path)
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw wrong(SystemReason.words(errno)) }
    // On Linux the file gets the mode of the socket, less the umask: nobody slips in before the right one is set.
    fchmod(descriptor, Self.mode)
    let code = Self.with(place) { bind(descriptor, $0, $1) }
    guard code == 0, chmod(path, Self.mode) == 0, listen(descriptor, Self.backlog) == 0, lstat(path, &facts) == 0 else {
      let reason = SystemReason.words(errno)
      close(descriptor)
      throw wrong(reason)
    }
    self.descriptor = FileDescriptor(number: descriptor)
    self.path = path
    (device, number) = (facts.st_dev, facts.st_ino)
  }

  /// Takes the file away, unless another has come in its place.
  func remove() {
    var facts = stat()
    guard lstat(path, &facts) == 0, facts.st_dev == device, facts.st_ino == number else { return }
    unlink(path)
  }

  private static func place(_ path: String) throws -> sockaddr_un {
    var place = sockaddr_un()
    place.sun_family = sa_family_t(AF_UNIX)
    let limit = MemoryLayout.size(ofValue: place.sun_path) - 1
    let bytes = Array(path.utf8)
    guard bytes.count <= limit else {
      throw GibseyError.cannotCreate(path: path, reason: "the path of a socket has \(limit) bytes at most")
    }
    withUnsafeMutableBytes(of: &place.sun_path) { $0.copyBytes(from: bytes) }
    return place
  }

  /// Whether somebody accepts connections there. A socket file outlives its program.
  private static func isAnswered(at place: sockaddr_un) -> Bool {
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    defer { close(probe) }
    // EAGAIN: it lives, and its queue is full.
    return with(place) { connect(probe, $0, $1) } == 0 || errno != ECONNREFUSED
  }

  private static func with(_ place: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    withUnsafePointer(to: place) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}
