// What a service manager hands to a daemon and wants to hear from it: sockets that are open already, and how it is.
internal import Glibc

/// The service manager that started this process, by the protocols of sd_listen_fds(3) and sd_notify(3). Where there is
/// none, there are no sockets and nothing is said.
public struct Supervisor: Sendable {
  /// How the daemon is.
  public enum State: String, Sendable {
    case ready = "READY=1"
    case reloading = "RELOADING=1"
    case stopping = "STOPPING=1"
  }

  /// The first descriptor that is passed (sd_listen_fds(3)).
  private static let firstDescriptor: Int32 = 3
  /// More sockets than that nobody listens at.
  private static let descriptorLimit: Int32 = 64

  /// Sockets that are bound and listening.
  public let sockets: [FileDescriptor]
  /// Where the manager put what it hands over (systemd.exec(5), LoadCredential); nil when it hands over nothing.
  public let credentials: String?
  private let address: String?

  /// Reads what the environment tells, and takes it out of it: what this process starts is none of the manager's business.
  public init() {
    address = getenv("NOTIFY_SOCKET").map { String(cString: $0) }
    credentials = getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) }
    let isForUs = getenv("LISTEN_PID").flatMap { Int32(String(cString: $0)) } == getpid()
    let count = getenv("LISTEN_FDS").flatMap { Int32(String(cString: $0)) } ?? 0
    let isSane = isForUs && count > 0 && count <= Self.descriptorLimit
    sockets = (isSane ? 0..<count : 0..<0).map { FileDescriptor(number: Self.firstDescriptor + $0) }
    for socket in sockets { _ = fcntl(socket.number, F_SETFD, FD_CLOEXEC) }
    for name in ["NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
  }

  /// Tells the manager; a manager that does not listen is no failure of ours.
  /// - Parameter words: for a person who asks the manager, as in "42 connections".
  public func tell(_ state: State, _ words: String? = nil) {
    guard let address, address.hasPrefix("/") || address.hasPrefix("@") else { return }
    var text = state.rawValue
    if let words { text += "\nSTATUS=\(Diagnostics.oneLine(words))" }
    send(Array(text.utf8), to: address)
  }

  private func send(_ bytes: [UInt8], to address: String) {
    var place = sockaddr_un()
    place.sun_family = sa_family_t(AF_UNIX)
    var name = Array(address.utf8)
    guard name.count < MemoryLayout.size(ofValue: place.sun_path) else { return }
    // An abstract name begins with a zero byte, which is written as @.
    if name[0] == UInt8(ascii: "@") { name[0] = 0 }
    withUnsafeMutableBytes(of: &place.sun_path) { $0.copyBytes(from: name) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let length = MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + name.count } ?? 0
    withUnsafePointer(to: &place) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
        _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), place, socklen_t(length))
      }
    }
  }
}
