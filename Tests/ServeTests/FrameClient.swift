// A WebSocket client that can do everything wrong.

@testable import gibsey_serve

extension RawClient {
  /// A frame as it came.
  struct Frame: Equatable, CustomStringConvertible {
    let first: UInt8
    let payload: [UInt8]

    var text: String { String(decoding: payload, as: UTF8.self) }
    /// Of a close frame.
    var code: Int? { first == 0x88 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    var description: String { "\(String(first, radix: 16)): \(code.map(String.init) ?? text)" }

    static func text(_ text: String) -> Frame { Frame(first: 0x81, payload: Array(text.utf8)) }
  }

  static let handshakeHeaders =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

  /// Opens a WebSocket.
  func upgrade(_ target: String, port: Int, extra: String = "", then bytes: [UInt8] = []) throws -> RawResponse {
    let head = "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(Self.handshakeHeaders)\(extra)\r\n"
    try send(Array(head.utf8) + bytes)
    return try response()
  }

  /// The bytes of a frame: masked, final and a text unless it is told otherwise.
  static func frame(
    _ payload: [UInt8], first: UInt8 = 0x81, isMasked: Bool = true, announced: Int? = nil
  ) -> [UInt8] {
    let count = announced ?? payload.count
    var bytes = [first]
    let flag: UInt8 = isMasked ? 0x80 : 0
    if (0...125).contains(count) {
      bytes.append(flag | UInt8(count))
    } else if (126...0xFFFF).contains(count) {
      bytes += [flag | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
    } else {
      bytes.append(flag | 127)
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: UInt64(bitPattern: Int64(count)) >> UInt64(shift)))
      }
    }
    guard isMasked else { return bytes + payload }
    let mask: [UInt8] = [0x12, 0x34, 0x56, 0x78]
    return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
  }

  static func frame(_ text: String, first: UInt8 = 0x81) -> [UInt8] { frame(Array(text.utf8), first: first) }

  func say(_ text: String) throws { try send(Self.frame(text)) }

  /// The next frame of the server; it must not be masked.
  func hear() throws -> Frame {
    let head = try take(2)
    var count = Int(head[1] & 0x7F)
    guard head[1] & 0x80 == 0 else { throw Failure(what: "a masked frame from the server") }
    if count >= 126 { count = try take(count == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) } }
    return Frame(first: head[0], payload: try take(count))
  }
}
