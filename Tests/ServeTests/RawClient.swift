// A client that sends whatever bytes it is told to and says what came back.
import Foundation
import Glibc

/// One TCP connection to loopback. Blocking, with a deadline for every read: nothing here waits forever.
final class RawClient {
  struct Failure: Error { let what: String }

  /// Only a test that fails waits so long, on whatever machine.
  static let patienceSeconds = 60
  private let descriptor: Int32
  /// What was received and not yet taken.
  private(set) var received: [UInt8] = []

  convenience init(port: Int) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    try self.init(connecting: AF_INET, to: address)
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
  }

  /// At a socket file.
  convenience init(unixSocket path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    try self.init(connecting: AF_UNIX, to: address)
  }

  private init<Address>(connecting family: Int32, to address: Address) throws {
    descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
    let code = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
    guard code == 0 else { throw Failure(what: "connect: \(errno)") }
    var patience = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { Glibc.close(descriptor) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var start = 0
    while start < bytes.count {
      let count = bytes[start...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure(what: "send: \(errno)") }
      start += count
    }
  }

  /// No more is sent, as if the client had died; what comes can still be read.
  func closeOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Closes in a way that the other side sees as a reset.
  func reset() {
    var atOnce = Glibc.linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<Glibc.linger>.size))
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// Whether more came; false at the end.
  private func receive() throws -> Bool {
    var block = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &block, block.count, 0)
    if count < 0, errno == EAGAIN { throw Failure(what: "nothing came for \(Self.patienceSeconds) s") }
    guard count > 0 else { return false }
    received += block[..<count]
    return true
  }

  /// So many bytes.
  func take(_ count: Int) throws -> [UInt8] {
    while received.count < count {
      guard try receive() else { throw Failure(what: "the connection ended after \(received.count) of \(count) bytes") }
    }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  /// The bytes up to and with a text.
  func take(through text: String) throws -> String {
    let end = Array(text.utf8)
    while true {
      if let place = received.firstRange(of: end) {
        return String(decoding: try take(place.upperBound), as: UTF8.self)
      }
      guard try receive() else { throw Failure(what: "the connection ended before \(text)") }
    }
  }

  /// Everything until the other side closes.
  func takeAll() throws -> String {
    while try receive() {}
    return String(decoding: try take(received.count), as: UTF8.self)
  }

  /// One response, its body by its length or its chunks.
  /// - Parameter hasBody: false for the response to a HEAD, which has the length of a body and no body.
  func response(hasBody: Bool = true) throws -> RawResponse {
    let head = try take(through: "\r\n\r\n")
    let lines = head.split(separator: "\r\n").map(String.init)
    let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    var response = RawResponse(status: status, lines: Array(lines.dropFirst()), body: "")
    if status == 100 || status == 101 || !hasBody { return response }
    if let length = response.header("content-length").flatMap({ Int($0) }) {
      response.body = String(decoding: try take(length), as: UTF8.self)
    } else if response.header("transfer-encoding") == "chunked" {
      while true {
        let size = Int(try take(through: "\r\n").dropLast(1), radix: 16) ?? 0
        response.body += String(decoding: try take(size), as: UTF8.self)
        _ = try take(2)
        if size == 0 { break }
      }
    }
    return response
  }
}

struct RawResponse {
  let status: Int
  let lines: [String]
  var body: String

  func header(_ name: String) -> String? {
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2, parts[0].lowercased() == name { return String(parts[1].drop { $0 == " " }) }
    }
    return nil
  }
}
