// Where the daemon listens.
import ArgumentParser
import NIOCore

/// A host and a port, as in `127.0.0.1:8000`, `[::1]:8000` or `story.example:80`; port 0 is any that is free.
struct ListenAddress: Sendable, Equatable, ExpressibleByArgument, CustomStringConvertible {
  let host: String
  let port: Int

  static let usual = [ListenAddress(host: "127.0.0.1", port: 8000), ListenAddress(host: "::1", port: 8000)]

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  init?(argument: String) {
    guard let colon = argument.lastIndex(of: ":"), let port = UInt16(argument[colon...].dropFirst()) else { return nil }
    var host = argument[..<colon]
    if host.first == "[", host.last == "]" {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty, !host.contains("*") else { return nil }
    self.init(host: String(host), port: Int(port))
  }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether only this machine can reach it: a name counts as what it leads to.
  var isLoopback: Bool { (try? resolved().ipAddress).map { Self.isLoopback($0) } ?? false }

  /// The address that the host has.
  func resolved() throws -> SocketAddress { try SocketAddress.makeAddressResolvingHost(host, port: port) }

  /// Whether an address, as text, is of this machine alone.
  static func isLoopback(_ ip: String) -> Bool {
    ip == "::1" || ip.hasPrefix("127.") || ip.lowercased().hasPrefix("::ffff:127.")
  }
}
