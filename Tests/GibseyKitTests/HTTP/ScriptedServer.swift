// A server on loopback that says what it was told to say.
import Dispatch
import Glibc
import Synchronization

/// Accepts connections one after the other and plays a script on each, on a thread of its own.
final class ScriptedServer: Sendable {
  /// One thing to do on a connection.
  enum Step: Sendable {
    case send(String)
    case sendBytes(Int)
    /// Waits until the other side closes, and notes it.
    case awaitClose
    /// Waits for the next request on the same connection.
    case awaitRequest
    case awaitSignal(DispatchSemaphore)
    case signal(DispatchSemaphore)
  }

  let port: Int
  /// Signalled when the other side closed during `awaitClose`.
  let closed = DispatchSemaphore(value: 0)
  private let listener: Int32
  private let received = Mutex<[String]>([])
  private let sent = Mutex(0)

  init(_ scripts: [[Step]]) {
    (listener, port) = Self.listen(backlog: 8)
    guard !scripts.isEmpty else {
      close(listener)
      return
    }
    DispatchQueue(label: "scripted server").async { [self] in
      for script in scripts {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        play(script, on: connection)
        close(connection)
      }
      close(listener)
    }
  }

  /// A server that answers nobody before so many have come: all get `first`, then all get `rest`.
  init(crowd count: Int, first: String, rest: String) {
    (listener, port) = Self.listen(backlog: Int32(count))
    DispatchQueue(label: "scripted server").async { [self] in
      var connections: [Int32] = []
      while connections.count < count {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { break }
        _ = read(connection)
        connections.append(connection)
      }
      for text in [first, rest] { for connection in connections { _ = send(connection, Array(text.utf8)) } }
      for connection in connections + [listener] { close(connection) }
    }
  }

  private static func listen(backlog: Int32) -> (listener: Int32, port: Int) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        _ = bind(listener, raw, size)
        _ = Glibc.listen(listener, backlog)
        _ = getsockname(listener, raw, &size)
      }
      return Int(UInt16(bigEndian: pointer.pointee.sin_port))
    }
    return (listener, port)
  }

  var url: String { "http://127.0.0.1:\(port)" }
  /// The heads and bodies of the requests so far.
  var requests: [String] { received.withLock { $0 } }
  /// Bytes of `sendBytes` that the system took.
  var sentBytes: Int { sent.withLock { $0 } }

  /// A port where nobody listens.
  static func refusingPort() -> Int {
    let server = ScriptedServer([])
    return server.port
  }

  private func play(_ script: [Step], on connection: Int32) {
    note(read(connection))
    for step in script {
      switch step {
      case .send(let text): _ = send(connection, Array(text.utf8))
      case .sendBytes(let count):
        var left = count
        while left > 0, send(connection, [UInt8](repeating: 0x78, count: min(left, 4096))) {
          left -= 4096
          sent.withLock { $0 += 4096 }
        }
      case .awaitClose:
        var byte: UInt8 = 0
        while recv(connection, &byte, 1, 0) > 0 {}
        closed.signal()
      case .awaitRequest: note(read(connection))
      case .awaitSignal(let semaphore): semaphore.wait()
      case .signal(let semaphore): semaphore.signal()
      }
    }
  }

  private func note(_ request: String) { received.withLock { $0.append(request) } }

  /// The request's head, and its body by Content-Length.
  private func read(_ connection: Int32) -> String {
    var text = ""
    var block = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(connection, &block, block.count, 0)
      guard count > 0 else { return text }
      text += String(decoding: block[0..<count], as: UTF8.self)
      let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      let length = parts[0].lowercased().split(separator: "\r\n")
        .first { $0.hasPrefix("content-length:") }
        .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
      if parts[1].utf8.count >= length ?? 0 { return text }
    }
  }

  private func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    var start = 0
    while start < bytes.count {
      let count = bytes[start...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      start += count
    }
    return true
  }
}
