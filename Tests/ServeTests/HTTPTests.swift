// HTTP as strangers speak it: what is served, what is refused, and that a connection survives what it should.
import Glibc
import NIOCore
import NIOHTTP1
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct HTTPTests {
  private static func echo() -> Route {
    Route(.POST, "/echo") { request, _ in
      Response(type: "application/octet-stream", body: .bytes(request.body))
    }
  }

  @Test func healthTellsVersionUptimeAndConnectionsAndNothingElse() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let response = try server.get("/health")
      #expect(response.status == 200)
      #expect(response.header("content-type") == "application/json")
      #expect(response.header("x-content-type-options") == "nosniff")
      let keys = response.body.matches(of: /"([a-z_]+)":/).map { String($0.output.1) }
      #expect(keys == ["status", "version", "uptime_seconds", "connections", "providers", "provider", "state"])
      #expect(response.body.hasSuffix(#""providers":[{"provider":"ollama","state":"usable"}]}"# + "\n"))
    }
  }

  @Test func aPageThatMayAskMayReadWhyItIsRefused() async throws {
    var wishes = TestServer.Wishes(origins: ["http://story.example"])
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdef\n", path: "tokens")
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      for (target, status) in [("/api/v1/stats", 401), ("/nothing", 404), ("/%zz", 400)] {
        let refused = try server.get(target, "Origin: http://story.example")
        #expect(refused.status == status)
        #expect(refused.header("access-control-allow-origin") == "http://story.example")
        #expect(refused.header("vary") == "Origin")
        #expect(try server.get(target, "Origin: http://evil.example").header("access-control-allow-origin") == nil)
        #expect(try server.get(target).header("access-control-allow-origin") == nil)
      }
    }
  }

  @Test func whoHasSentAllAndClosesItsSideIsAnswered() async throws {
    var wishes = TestServer.Wishes(routes: [Self.echo()])
    wishes.limits.halfClosedTime = .seconds(200)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send("GET /ready HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n")
      client.closeOutput()
      #expect(try client.response().status == 200)
      #expect(try client.takeAll() == "")
      let several = try server.client()
      let request = "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: 1\r\n\r\n"
      try several.send((0..<3).map { request + "\($0)" }.joined())
      several.closeOutput()
      for number in 0..<3 { #expect(try several.response().body == "\(number)") }
      #expect(try several.takeAll() == "")
      // Half a request is none.
      let half = try server.client()
      try half.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: 9\r\n\r\nx")
      half.closeOutput()
      #expect(try !half.takeAll().contains("200 OK"))
      waitUntil { server.service.doors.openCount == 0 }
    }
  }

  @Test func aClockThatIsSetBackMakesNobodyYounger() async throws {
    let time = Locked(Timestamp(microseconds: 7_200_000_000))
    var wishes = TestServer.Wishes()
    wishes.now = { time.value }
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      time.change { $0 = Timestamp(microseconds: 0) }
      let uptime = try server.get("/health").member("uptime_seconds")?.doubleValue
      #expect(try #require(uptime) >= 0)
    }
  }

  @Test func healthIsToldWhileEveryProviderHangs() async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.wait(go), .token("late"), .end]])
    var wishes = TestServer.Wishes(transport: provider)
    wishes.limits.parallel = 8
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let readers = try (1...8).map { try ReaderClient(server, "s\($0)") }
      for reader in readers { for number in 1...8 { try reader.ask("What?", requestID: "r\(number)") } }
      waitUntil { provider.requests.count == 64 }
      #expect(try server.get("/health").body.hasPrefix("{\"status\":\"ok\","))
      #expect(try server.get("/metrics").body.contains("\ngibsey_answers_running 64\n"))
      #expect(!go.hasFired)
      go.fire()
      #expect(try readers[7].hearStream().token == "late")
    }
  }

  @Test func readyReadsTheStory() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      #expect(try server.get("/ready").body == "{\"status\":\"ready\",\"pages\":12}\n")
      try #require(unlink(server.folder + "/story.db") == 0)
      let unready = try server.get("/ready")
      #expect(unready.status == 503)
      #expect(unready.body.contains("\"retryable\":true"))
      #expect(!unready.body.contains(server.folder))
    }
  }

  @Test(arguments: [
    ("GET /nothing HTTP/1.1\r\nHost: HOST\r\n\r\n", 404, "NOT_FOUND"),
    ("DELETE /health HTTP/1.1\r\nHost: HOST\r\n\r\n", 405, "METHOD_NOT_ALLOWED"),
    ("BREW /health HTTP/1.1\r\nHost: HOST\r\n\r\n", 501, "NOT_IMPLEMENTED"),
    ("GET /health HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"),
    ("GET /health HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n", 400, "BAD_REQUEST"),
    ("GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "WRONG_HOST"),
    ("GET /health HTTP/1.1\r\nHost: HOST\r\nOrigin: null\r\n\r\n", 403, "WRONG_ORIGIN"),
    ("GET /health HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example\r\n\r\n", 403, "WRONG_ORIGIN"),
    ("GET /health HTTP/2.7\r\nHost: HOST\r\n\r\n", 505, "BAD_REQUEST"),
    ("hello\r\n\r\n", 501, "NOT_IMPLEMENTED"),
    ("GET /health\r\n\r\n", 505, "BAD_REQUEST"),
    ("GET /%zz HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, "BAD_REQUEST"),
    ("GET /health HTTP/1.1\r\nHost: HOST\r\nExpect: tea\r\n\r\n", 417, "BAD_REQUEST"),
    (
      "POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "BAD_REQUEST"
    ),
    ("POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400, "BAD_REQUEST"),
    ("POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: -3\r\n\r\n", 400, "BAD_REQUEST"),
    ("GET /health HTTP/1.1\r\nHost: HOST\r\nX : y\r\n\r\n", 400, "BAD_REQUEST"),
    ("POST /echo HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "NOT_IMPLEMENTED"),
    ("POST /echo HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "BAD_REQUEST"),
    ("POST /echo HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400, "BAD_REQUEST"),
    ("GET /health?x=1 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, "BAD_REQUEST"),
    ("GET /ready?x=1 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, "BAD_REQUEST"),
    ("GET /metrics?x=1 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, "BAD_REQUEST"),
    ("GET /test?x=1 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, "BAD_REQUEST"),
    ("GET /health HTTP/1.1\r\nHost: HOST\r\nX: y\r\n folded\r\n\r\n", 400, "BAD_REQUEST"),
  ]) func whatIsRefusedSaysWhy(_ text: String, _ status: Int, _ code: String) async throws {
    try await TestServer.with(TestServer.Wishes(routes: [Self.echo()])) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send(text.replacing("HOST", with: "127.0.0.1:\(server.port)"))
      let response = try client.response()
      #expect(response.status == status)
      guard case .error(let error) = try RecordCoder.decode(Array(response.body.utf8.dropLast())) else {
        Issue.record("no error record: \(response.body)")
        return
      }
      #expect(error.code == code)
    }
  }

  @Test(arguments: [" ", "\t", " \t  "]) func whiteSpaceBehindAHeadersValueIsNoPartOfIt(_ space: String) async throws {
    var wishes = TestServer.Wishes(origins: ["http://story.example"])
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdef\n", path: "tokens")
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let shared = [
        "Host: 127.0.0.1:\(server.port)", "Origin: http://story.example", "Authorization: Bearer 0123456789abcdef",
      ]
      func send(_ line: String, _ headers: [String], _ body: String = "") throws -> RawResponse {
        let client = try server.client()
        let lines = (shared + headers).map { $0 + space + "\r\n" }.joined()
        // The length is read by the parser, who takes no tab behind it.
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        try client.send("\(line) HTTP/1.1\r\n\(lines)\(length)\r\n\(body)")
        let response = try client.response()
        return response.status == 100 ? try client.response() : response
      }
      let question = #"{"prompt":"Who counts the boats?"}"#
      let asked = try send(
        "POST /api/v1/context",
        ["Content-Type: application/json", "Expect: 100-continue"], question)
      #expect(asked.status == 200)
      #expect(asked.header("access-control-allow-origin") == "http://story.example")
      let handshake = RawClient.handshakeHeaders.split(separator: "\r\n").map(String.init)
      #expect(try send("GET /ws/s1", handshake).status == 101)
    }
  }

  @Test(arguments: [
    (";", false), (";;", false), (", ,", false), ("q=1", false), ("text/html", true),
    ("TEXT/HTML ; charset=utf-8", true),
    ("application/json, ;", false), ("text/html;q=0", false), ("application/json, text/html;q=0.1", false),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true), ("*/*", false), ("text/html;q=x", false),
  ]) func thePageIsForWhoWouldRatherHaveIt(_ accept: String, _ isPage: Bool) async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let response = try server.get("/", "Accept: " + accept)
      #expect(response.status == 200)
      #expect(response.header("content-type") == (isPage ? "text/html; charset=utf-8" : "application/json"))
    }
  }

  @Test func whatIsTooLongIsRefusedByItsKind() async throws {
    var wishes = TestServer.Wishes(routes: [Self.echo()])
    wishes.limits.targetBytes = 200
    wishes.limits.headerBytes = 1000
    wishes.limits.headers = 10
    wishes.limits.bodyBytes = 100
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let long = String(repeating: "x", count: 5000)
      #expect(try server.get("/" + long.prefix(300)).status == 414)
      #expect(try server.get("/" + long).status == 414)
      #expect(try server.get("/health", "X: " + long).status == 431)
      #expect(try server.get("/health", "X: " + long.prefix(600), "Y: " + long.prefix(600)).status == 431)
      let many = (1...20).map { "X\($0): y\r\n" }.joined()
      #expect(try server.get("/health", String(many.dropLast(2))).status == 431)
      for head in ["Content-Length: 200", "Transfer-Encoding: chunked"] {
        let client = try server.client()
        let body = head.hasPrefix("C") ? long.prefix(200) : "c8\r\n\(long.prefix(200))\r\n0\r\n\r\n"
        try client.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\(head)\r\n\r\n\(body)")
        #expect(try client.response().status == 413)
      }
      // What is announced is refused before any of it comes, be it more than can be counted.
      for length in ["101", "9223372036854775808", "18446744073709551615"] {
        let client = try server.client()
        try client.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: \(length)\r\n\r\nx")
        #expect(try client.response().status == 413)
      }
    }
  }

  @Test func requestsThatComeTogetherAreAnsweredOneAfterTheOther() async throws {
    try await TestServer.with(TestServer.Wishes(routes: [Self.echo()])) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      let request = "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: 1\r\n\r\n"
      try client.send((0..<5).map { request + "\($0)" }.joined())
      for number in 0..<5 { #expect(try client.response().body == "\(number)") }
    }
  }

  @Test func aSlowRequestIsToldSoHoweverRegularlyItsBytesCome() async throws {
    var wishes = TestServer.Wishes()
    wishes.limits.headTime = .milliseconds(400)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send("GET /health HTTP/1.1\r\nHo")
      #expect(try client.response().status == 408)
      #expect(try client.takeAll() == "")
      // And who says nothing at all is told nothing.
      #expect(try server.client().takeAll() == "")
    }
  }

  @Test func aBodyThatDoesNotComeIsNotWaitedFor() async throws {
    var wishes = TestServer.Wishes(routes: [Self.echo()])
    wishes.limits.bodyTime = .milliseconds(300)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: 9\r\n\r\n")
      #expect(try client.response().status == 408)
    }
  }

  @Test func anIdleConnectionIsKeptForItsTimeAndNoLonger() async throws {
    var wishes = TestServer.Wishes()
    wishes.limits.idleTime = .milliseconds(300)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send("GET /health HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n")
      #expect(try client.response().status == 200)
      #expect(try client.takeAll() == "")
    }
  }

  @Test func whatComesInChunksFromAnOlderClientIsTheLastOfItsConnection() async throws {
    try await TestServer.with(TestServer.Wishes(routes: [Self.echo()])) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send(
        "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
          + "POST /echo HTTP/1.0\r\nContent-Length: 6\r\n\r\nsecond")
      #expect(try !client.takeAll().contains("second"))
    }
  }

  @Test func olderClientsAreServedAndTheConnectionEnds() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send("GET /ready HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")
      let text = try client.takeAll()
      #expect(text.hasPrefix("HTTP/1.0 200 OK\r\n") || text.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(text.hasSuffix("\r\n\r\n{\"status\":\"ready\",\"pages\":12}\n"))
    }
  }

  @Test func anAbsoluteTargetIsThePathOfItsHost() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      #expect(try server.get("http://127.0.0.1:\(server.port)/ready").status == 200)
      #expect(try server.get("http://evil.example/ready").status == 421)
    }
  }

  @Test func aHeadHasNoBodyButItsLength() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send("HEAD /ready HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nConnection: close\r\n\r\n")
      let text = try client.takeAll()
      #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(text.contains("content-length: 30\r\n"))
      #expect(text.hasSuffix("\r\n\r\n"))
    }
  }

  @Test func aClientThatAsksMayItSendItsBodyIsToldYes() async throws {
    try await TestServer.with(TestServer.Wishes(routes: [Self.echo()])) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send(
        "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
      #expect(try client.response().status == 100)
      try client.send("ok")
      #expect(try client.response().body == "ok")
    }
  }

  @Test func whatFailsInARouteShowsNothingOfTheInside() async throws {
    let broken = Route(.GET, "/broken") { _, _ in throw GibseyError.noDatabase(path: "/home/somebody/story.db") }
    let worse = Route(.GET, "/worse") { _, _ in throw CancellationError() }
    try await TestServer.with(TestServer.Wishes(routes: [broken, worse])) { (server: TestServer) async throws -> Void in
      let first = try server.get("/broken")
      #expect(first.status == 500)
      #expect(!first.body.contains("somebody"))
      #expect(first.body.contains("DATABASE_FAILED"))
      #expect(try server.get("/worse").body.contains("INTERNAL_ERROR"))
    }
  }

  @Test func aStreamEndsWhereItsClientLeavesAndNothingElseDoes() async throws {
    let ended = Signal()
    let endless = Route(.GET, "/endless") { _, _ in
      .records { writer in
        do {
          while true { try await writer.write(Array("{\"type\":\"ping\",\"data\":{}}\n".utf8)) }
        } catch {
          ended.fire()
          throw error
        }
      }
    }
    try await TestServer.with(TestServer.Wishes(routes: [endless])) { (server: TestServer) async throws -> Void in
      var client: RawClient? = try server.client()
      try client?.send("GET /endless HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n")
      #expect(try client?.take(through: "{}}\n").contains("application/x-ndjson") == true)
      client = nil
      await ended.wait()
      #expect(try server.get("/ready").status == 200)
    }
  }
}
