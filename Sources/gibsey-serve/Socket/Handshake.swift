// The opening handshake of RFC 6455 §4.2, or why there is none.
import GibseyKit
import NIOHTTP1

/// Turns a request into the beginning of a WebSocket.
enum Handshake {
  /// What a client offers to be sure of the records that it gets.
  static let subprotocol = "gibsey.v1"
  private static let magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

  /// The headers of the 101.
  /// - Throws: `Refusal`: 426 for what is no WebSocket of version 13, 400 for one that is broken.
  static func accept(_ request: Request) throws -> HTTPHeaders {
    let headers = request.headers
    guard request.method == .GET, request.version != .http1_0 else {
      throw Refusal.badRequest("a WebSocket begins with GET and HTTP/1.1")
    }
    guard headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" }),
      headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" })
    else { throw upgradeRequired("wanted a WebSocket") }
    guard let version = request.header("sec-websocket-version") else {
      throw Refusal.badRequest("wanted one Sec-WebSocket-Version")
    }
    guard version == "13" else { throw upgradeRequired("wanted version 13 of WebSocket") }
    guard let key = request.header("sec-websocket-key"), isKey(key) else {
      throw Refusal.badRequest("wanted one Sec-WebSocket-Key, 16 bytes in base64")
    }
    var answer: HTTPHeaders = [
      "upgrade": "websocket", "connection": "upgrade",
      "sec-websocket-accept": Base64.encoded(SHA1.digest(of: Array((key + magic).utf8))),
    ]
    let offered = headers[canonicalForm: "sec-websocket-protocol"]
    // A browser that offers something wants one of it back.
    if let chosen = offered.first(where: { $0 == subprotocol })
      ?? offered.first(where: { $0.hasPrefix(BearerToken.subprotocolPrefix) })
    {
      answer.add(name: "sec-websocket-protocol", value: String(chosen))
    }
    return answer
  }

  private static func upgradeRequired(_ message: String) -> Refusal {
    Refusal(
      status: .upgradeRequired, code: "UPGRADE_REQUIRED", message: message,
      headers: ["upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "13"])
  }

  /// 22 characters of base64 and two fillers.
  private static func isKey(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.count == 24 && bytes[22...] == [UInt8(ascii: "="), UInt8(ascii: "=")]
      && bytes[..<22].allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
          true
        default: false
        }
      }
  }
}
