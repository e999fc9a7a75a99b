// Whose pages may ask, and by which names the server may be called: over HTTP and for a WebSocket.
import Testing

@testable import gibsey_serve

@Suite struct AdmissionTests {
  private static func wishes() -> TestServer.Wishes {
    var wishes = TestServer.Wishes(routes: [EchoPeer.route()])
    wishes.origins = ["https://story.example", "http://other.example:8080"]
    wishes.hosts = ["story.example", "exact.example:8443"]
    return wishes
  }

  /// The status of a request and of a handshake; they must be of one mind.
  private static func status(_ server: TestServer, host: String, origin: String?) throws -> Int {
    let head = "Host: \(host)\r\n" + (origin.map { "Origin: \($0)\r\n" } ?? "")
    let plain = try server.client()
    try plain.send("GET /ready HTTP/1.1\r\n\(head)\r\n")
    let socket = try server.client()
    try socket.send("GET /echo HTTP/1.1\r\n\(head)\(RawClient.handshakeHeaders)\r\n")
    let (first, second) = (try plain.response(), try socket.response())
    #expect((first.status == 200 ? 101 : first.status) == second.status)
    #expect(first.header("access-control-allow-origin") == (first.status == 200 ? origin : nil))
    #expect(first.header("vary") == (first.status == 200 && origin != nil ? "Origin" : nil))
    return first.status
  }

  @Test(arguments: [
    ("https://story.example", 200), ("http://other.example:8080", 200),
    // Another scheme, another port, a name around it, and what is no origin.
    ("http://story.example", 403), ("https://story.example:8443", 403), ("http://other.example", 403),
    ("https://www.story.example", 403), ("https://story.example.evil.example", 403), ("https://story.exampl", 403),
    ("https://story.example/", 403), ("null", 403), ("", 403), ("*", 403),
  ]) func aPageOfAnOriginThatWasAllowedMayAskAndNoOther(_ origin: String, _ status: Int) async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      #expect(try Self.status(server, host: "127.0.0.1:\(server.port)", origin: origin) == status)
    }
  }

  @Test func aRequestWithTwoOriginsIsOfNone() async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      let response = try server.get("/ready", "Origin: https://story.example", "Origin: https://story.example")
      #expect(response.status == 403)
    }
  }

  @Test(arguments: [
    ("story.example", 200), ("STORY.example", 200), ("story.example:9000", 200), ("exact.example:8443", 200),
    ("exact.example", 421), ("exact.example:8000", 421), ("evil.example", 421), ("story.example.evil.example", 421),
    ("evil-story.example", 421), ("127.0.0.1", 421), ("127.0.0.1:1", 421), ("[::1]", 421), ("", 421),
  ]) func theServerAnswersToItsOwnNamesAndToThoseThatWereAllowed(_ host: String, _ status: Int) async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      #expect(try Self.status(server, host: host, origin: nil) == status)
      #expect(try Self.status(server, host: "localhost:\(server.port)", origin: nil) == 200)
    }
  }

  @Test func whoWasNotAllowedIsNotTheServersOwnPageEither() async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      let own = "127.0.0.1:\(server.port)"
      #expect(try server.get("/ready", "Origin: http://\(own)").status == 200)
      #expect(try server.get("/ready", "Origin: http://localhost:\(server.port)").status == 403)
      // A name that was allowed makes no origin of it: behind a proxy the scheme is another's to say.
      let client = try server.client()
      try client.send("GET /ready HTTP/1.1\r\nHost: story.example\r\nOrigin: http://story.example\r\n\r\n")
      #expect(try client.response().status == 403)
    }
  }

  @Test func aBrowserThatAsksBeforehandIsToldWhatTheAllowedMay() async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      func ask(_ origin: String) throws -> RawResponse {
        let client = try server.client()
        try client.send(
          "OPTIONS /api/v1/ask HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nOrigin: \(origin)\r\n"
            + "Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n")
        return try client.response()
      }
      let allowed = try ask("https://story.example")
      #expect(allowed.status == 204)
      #expect(allowed.header("access-control-allow-origin") == "https://story.example")
      #expect(allowed.header("access-control-allow-methods")?.contains("POST") == true)
      let refused = try ask("https://evil.example")
      #expect(refused.status == 403)
      #expect(refused.header("access-control-allow-origin") == nil)
    }
  }
}
