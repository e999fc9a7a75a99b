// Reading and writing file descriptors: whole writes, EINTR, and the reader that left.
internal import Glibc

/// The standard file descriptors, as values.
public struct FileDescriptor: Sendable, Equatable {
  /// The number that the kernel knows it by.
  public let number: Int32

  public init(number: Int32) { self.number = number }

  public static let standardInput = FileDescriptor(number: STDIN_FILENO)
  public static let standardOutput = FileDescriptor(number: STDOUT_FILENO)
  public static let standardError = FileDescriptor(number: STDERR_FILENO)

  /// Whether a person sits at the other end.
  public var isTerminal: Bool { isatty(number) == 1 }

  /// Writes all the bytes, however many calls it takes.
  /// - Throws: `GibseyError.readerLeft` on EPIPE, else `cannotWrite`.
  public func write(_ bytes: [UInt8], named name: String = "standard output") throws {
    if let failure = writeUntilFailure(bytes, named: name).failure { throw failure }
  }

  /// The same, for who goes on after a failure.
  /// - Returns: how many bytes were written, and what kept the others from being.
  func writeUntilFailure(_ bytes: [UInt8], named name: String) -> (count: Int, failure: GibseyError?) {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = Glibc.write(number, rest.base.baseAddress! + rest.startIndex, rest.count)
        if count >= 0 {
          rest = rest.dropFirst(count)
        } else if errno == EPIPE {
          return (rest.startIndex, .readerLeft)
        } else if errno == EAGAIN {
          var waiting = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
          _ = poll(&waiting, 1, -1)
        } else if errno != EINTR {
          return (rest.startIndex, .cannotWrite(what: name, reason: SystemCall.reason(errno)))
        }
      }
      return (bytes.count, nil)
    }
  }

  /// Reads at most `limit` bytes; an empty array is the end.
  /// - Throws: `GibseyError.cannotRead`.
  public func read(limit: Int, named name: String = "standard input") throws -> [UInt8] {
    while true {
      var failure: Int32 = 0
      let block = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        let got = Glibc.read(number, buffer.baseAddress!, limit)
        failure = got < 0 ? errno : 0
        count = max(got, 0)
      }
      if failure == 0 { return block }
      if failure != EINTR {
        throw GibseyError.cannotRead(path: name, reason: SystemCall.reason(failure))
      }
    }
  }
}

/// What the kernel's error numbers mean.
enum SystemCall {
  /// A new pipe that no program started by us inherits; nil when there are no more descriptors.
  static func pipe() -> (readEnd: Int32, writeEnd: Int32)? {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// The kernel's words for why no descriptor can be opened now; nil when one can.
  static var descriptorShortage: String? {
    let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard descriptor < 0 else {
      close(descriptor)
      return nil
    }
    return errno == EMFILE || errno == ENFILE ? reason(errno) : nil
  }

  /// The kernel's words for why the last call failed.
  static var lastReason: String { reason(errno) }

  /// The kernel's words for an error number, as in "permission denied".
  static func reason(_ number: Int32) -> String {
    let text = String(cString: strerror(number))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
