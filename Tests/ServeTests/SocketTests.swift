// WebSockets as strangers speak them: the handshake's refusals, the frames, the close.
import NIOCore
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct SocketTests {
  private static func wishes(_ change: (inout Limits) -> Void = { _ in }) -> TestServer.Wishes {
    var wishes = TestServer.Wishes(routes: [EchoPeer.route()])
    change(&wishes.limits)
    return wishes
  }

  private static func echo(_ change: (inout Limits) -> Void = { _ in }, _ body: @Sendable (RawClient) throws -> Void)
    async throws
  {
    try await TestServer.with(wishes(change)) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      let response = try client.upgrade("/echo", port: server.port)
      #expect(response.status == 101)
      // RFC 6455 §1.3's own example.
      #expect(response.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
      try body(client)
    }
  }

  @Test(
    arguments: [
      ("GET /echo HTTP/1.1\r\nHost: HOST\r\n\r\n", 426),
      ("GET /echo HTTP/1.1\r\nHost: HOST\r\nUPGRADESec-WebSocket-Version: 13\r\n\r\n", 400),
      ("GET /echo HTTP/1.1\r\nHost: HOST\r\nUPGRADEKEY\r\n", 400),
      ("GET /echo HTTP/1.1\r\nHost: HOST\r\nUPGRADEKEYSec-WebSocket-Version: 8\r\n\r\n", 426),
      ("GET /echo HTTP/1.1\r\nHost: HOST\r\nUPGRADESec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n", 400),
      ("GET /echo HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 426),
      ("GET /nothing HTTP/1.1\r\nHost: HOST\r\nUPGRADEKEYSec-WebSocket-Version: 13\r\n\r\n", 404),
      ("HEAD /echo HTTP/1.1\r\nHost: HOST\r\nUPGRADEKEYSec-WebSocket-Version: 13\r\n\r\n", 400),
      ("GET /echo HTTP/1.0\r\nHost: HOST\r\nUPGRADEKEYSec-WebSocket-Version: 13\r\n\r\n", 400),
      ("POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\nUPGRADEKEYSec-WebSocket-Version: 13\r\n\r\n", 405),
      ("GET /echo HTTP/1.1\r\nHost: evil.example\r\nUPGRADEKEYSec-WebSocket-Version: 13\r\n\r\n", 421),
      (
        "GET /echo HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example\r\nUPGRADEKEYSec-WebSocket-Version: 13\r\n\r\n",
        403
      ),
      ("GET /LONG HTTP/1.1\r\nHost: HOST\r\nUPGRADEKEYSec-WebSocket-Version: 13\r\n\r\n", 414),
      ("GET /echo HTTP/1.1\r\nHost: HOST\r\nX: LONG\r\nUPGRADEKEYSec-WebSocket-Version: 13\r\n\r\n", 431),
    ]) func whatIsNoHandshakeIsRefusedBeforeItIsOne(_ text: String, _ status: Int) async throws
  {
    try await TestServer.with(Self.wishes { ($0.targetBytes, $0.headerBytes) = (500, 1000) }) {
      (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send(
        text.replacing("HOST", with: "127.0.0.1:\(server.port)")
          .replacing("UPGRADE", with: "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n")
          .replacing("KEY", with: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
          .replacing("LONG", with: String(repeating: "x", count: 2000)))
      let response = try client.response(hasBody: !text.hasPrefix("HEAD"))
      #expect(response.status == status)
      if status == 426 {
        #expect(response.header("sec-websocket-version") == "13")
        #expect(response.header("upgrade") == "websocket")
        #expect(response.header("connection")?.hasPrefix("upgrade") == true)
      }
    }
  }

  @Test func theFirstFrameIsNotLostWhenItComesWithTheHandshake() async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      for cut in [0, 1, 7, 11] {
        let client = try server.client()
        let frame = RawClient.frame("first")
        #expect(
          try client.upgrade("/echo", port: server.port, then: Array(frame.prefix(cut == 0 ? 11 : cut))).status == 101)
        try client.send(Array(frame.dropFirst(cut == 0 ? 11 : cut)))
        #expect(try client.hear() == .text("first"))
      }
    }
  }

  @Test func whatIsSaidIsSaidBack() async throws {
    try await Self.echo { client in
      for count in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        let bytes = [UInt8](repeating: 0x61, count: count)
        try client.send(RawClient.frame(bytes, first: 0x82))
        #expect(try client.hear().payload == bytes)
      }
    }
  }

  @Test func aPingIsAnsweredWithItsOwnWordsAndAPongIsNot() async throws {
    try await Self.echo { client in
      try client.send(RawClient.frame("unasked", first: 0x8A) + RawClient.frame("p1", first: 0x89))
      #expect(try client.hear() == RawClient.Frame(first: 0x8A, payload: Array("p1".utf8)))
    }
  }

  @Test func aCloseIsAnsweredWithItsCodeAndTheConnectionEnds() async throws {
    try await Self.echo { client in
      try client.send(RawClient.frame([0x0F, 0xA0] + Array("done".utf8), first: 0x88))
      #expect(try client.hear().code == 4000)
      #expect(try client.takeAll() == "")
    }
  }

  @Test func aFaultIsToldWithItsCodeThoughMoreIsComing() async throws {
    try await Self.echo({ $0.messageBytes = 1000 }) { client in
      try client.send(RawClient.frame([UInt8](repeating: 0x61, count: 100_000)))
      #expect(try client.hear().code == 1009)
      #expect(try client.takeAll() == "")
    }
  }

  @Test func nothingIsSaidBackAfterTheCloseFrame() async throws {
    try await Self.echo { client in
      try client.send(RawClient.frame([0x03, 0xE8], first: 0x88) + RawClient.frame("late"))
      #expect(try client.hear().code == 1000)
      #expect(try client.takeAll() == "")
    }
  }

  @Test func tooManyMessagesEndTheConnection() async throws {
    try await Self.echo({ $0.messagesPerSecond = 2 }) { client in
      for number in 0..<21 { try client.say("\(number)") }
      for number in 0..<20 { #expect(try client.hear() == .text("\(number)")) }
      #expect(try client.hear().code == 1008)
    }
  }

  @Test func whoNeverReadsIsCutAndDoesNotFillTheMemory() async throws {
    try await Self.echo({ ($0.writeTime, $0.messagesPerSecond) = (.milliseconds(500), 1_000_000) }) { client in
      // The system holds some megabytes for each side; the server must not hold the rest.
      let frame = RawClient.frame([UInt8](repeating: 0x61, count: 100_000), first: 0x82)
      #expect(throws: RawClient.Failure.self) { for _ in 0..<2000 { try client.send(frame) } }
    }
  }
}
