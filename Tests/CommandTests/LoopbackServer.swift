// A server on 127.0.0.1 that answers every request with the same recorded bytes, or the same misdeeds.
import Foundation
import Glibc
import Synchronization

/// Listens while it lives; one request a connection.
final class LoopbackServer {
  struct Failure: Error { let call: String }

  /// One thing to do on a connection.
  enum Step: Equatable, Sendable {
    case send([UInt8])
    /// Says nothing more until the other side closes.
    case stall
    /// Sends a byte after the other, with a rest after each, until the other side closes.
    case drip(UInt8)
    /// Closes in a way that the other side sees as a reset.
    case reset
    /// What follows, up to the next of these, is done for requests with these words; an empty text is in all.
    case when(String)
    /// Waits until so many connections were answered and closed.
    case await(Int)
  }

  let port: UInt16
  private let listener: Int32
  private let log: RequestLog

  /// What was asked, all of it, one after the other.
  var requests: String { log.text.withLock { $0 } }

  private final class RequestLog: Sendable {
    let text = Mutex("")
    private let answered = Mutex(0)
    private let turn = NSCondition()

    func noteAnswered() {
      turn.withLock {
        answered.withLock { $0 += 1 }
        turn.broadcast()
      }
    }

    func awaitAnswered(_ count: Int) {
      turn.withLock { while answered.withLock({ $0 < count }) { turn.wait() } }
    }
  }

  /// - Parameter response: all bytes of an answer, from its status line on.
  convenience init(response: [UInt8]) throws { try self.init(steps: [.send(Self.withoutChunks(response))]) }

  /// - Parameter steps: what is done on each connection once the request is there.
  init(steps: [Step]) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { [listener] pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard isBound else { throw Failure(call: "bind") }
    port = UInt16(bigEndian: address.sin_port)
    log = RequestLog()
    Thread { [listener, log] in
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0 { return }
        Thread {
          Self.answer(connection, by: steps, log)
          close(connection)
          log.noteAnswered()
        }.start()
      }
    }.start()
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  /// A recording holds the body without its chunks but still the header that tells of them.
  private static func withoutChunks(_ response: [UInt8]) -> [UInt8] {
    let text = String(decoding: response, as: UTF8.self)
    let header = /(?i)transfer-encoding: chunked\r?\n/.matchingSemantics(.unicodeScalar)
    return Array(text.replacing(header, with: "").utf8)
  }

  private static func answer(_ connection: Int32, by steps: [Step], _ log: RequestLog) {
    var request: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while missingBytes(of: request) > 0 {
      let count = recv(connection, &block, block.count, 0)
      if count <= 0 { break }
      request += block[..<count]
    }
    let text = String(decoding: request, as: UTF8.self)
    log.text.withLock { $0 += text.replacing("\r\n", with: "\n") + "\n" }
    var isMeant = true
    for step in steps {
      if case .when(let words) = step { isMeant = words.isEmpty || text.contains(words) }
      guard isMeant else { continue }
      switch step {
      case .when: continue
      case .await(let count): log.awaitAnswered(count)
      case .send(let bytes): guard send(bytes, on: connection) else { return }
      case .stall: while recv(connection, &block, block.count, 0) > 0 {}
      case .drip(let byte): while send([byte], on: connection) { usleep(dripMicroseconds) }
      case .reset:
        // What the kernel still holds back would never be sent.
        while unsentBytes(on: connection) > 0 { usleep(1000) }
        var atOnce = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<Glibc.linger>.size))
        return
      }
    }
    shutdown(connection, Int32(SHUT_WR))
    // Bytes that nobody reads would turn the end of the answer into a reset.
    while recv(connection, &block, block.count, 0) > 0 {}
  }

  /// Sent and not acknowledged, or not sent yet (tcp(7), SIOCOUTQ); none when the connection is gone.
  private static func unsentBytes(on connection: Int32) -> Int32 {
    var count: Int32 = 0
    return ioctl(connection, UInt(TIOCOUTQ), &count) == 0 ? count : 0
  }

  private static let dripMicroseconds: UInt32 = 10_000

  /// False when the other side has closed.
  private static func send(_ bytes: [UInt8], on connection: Int32) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }

  /// At least 1 until the request is there with its body.
  private static func missingBytes(of request: [UInt8]) -> Int {
    let text = String(decoding: request, as: UTF8.self)
    guard let end = text.utf8.firstRange(of: "\r\n\r\n".utf8) else { return 1 }
    let head = String(text[..<end.lowerBound]).lowercased()
    let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
    let wanted = length.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
    return wanted - text.utf8.distance(from: end.upperBound, to: text.utf8.endIndex)
  }
}
