// An answer that is stopped, whoever stops it and however it is read.
import NIOCore
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct CancelTests {
  private static func wishes(_ provider: ScriptedProvider) -> TestServer.Wishes {
    var wishes = Story.wishes
    wishes.transport = provider
    return wishes
  }

  /// Sends a question whose answer is read later.
  private static func post(_ server: TestServer, _ target: String, _ body: String) throws -> RawClient {
    let client = try server.client()
    try client.send(
      "POST \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Type: application/json\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
    return client
  }

  @Test(arguments: ["{\"request_id\":\"r1\"}", "{\"response_id\":\"a1\"}"])
  func aSocketOfTheSessionStopsAnAnswerOverHTTP(_ which: String) async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let client = try Self.post(
        server, "/api/v1/ask", "{\"prompt\":\"x\",\"session_id\":\"s1\",\"request_id\":\"r1\"}")
      _ = try client.take(through: "\r\n\r\n")
      let stranger = try ReaderClient(server, "s2")
      try stranger.say("ai_chat_cancel", which)
      #expect(try stranger.hearError().code == "UNKNOWN_RESPONSE")
      let reader = try ReaderClient(server)
      try reader.say("ai_chat_cancel", which)
      let rest = try client.take(through: "\r\n0\r\n\r\n")
      #expect(rest.contains("\"finish_reason\":\"cancelled\""))
      await provider.abandoned.wait()
      #expect(try server.get("/api/v1/sessions/s1").strings("turns", "outcome") == ["interrupted"])
      // The connection goes on.
      try client.send("GET /ready HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n")
      #expect(try client.response().status == 200)
    }
  }

  @Test func whatIsCutOffOverHTTPWhenTheDaemonEndsIsToldSo() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let records = try Self.post(server, "/api/v1/ask", "{\"prompt\":\"x\"}")
      let chat = "\"model\":\"london-fox\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
      let chunks = try Self.post(server, "/v1/chat/completions", "{\(chat),\"stream\":true}")
      let whole = try Self.post(server, "/v1/chat/completions", "{\(chat)}")
      for client in [records, chunks] { _ = try client.take(through: "\r\n\r\n") }
      waitUntil { server.service.sessions.answerCount == 3 }
      server.service.drain()
      server.service.sessions.cancelAll()
      #expect(try records.take(through: "\r\n0\r\n\r\n").contains("\"finish_reason\":\"cancelled\""))
      let events = try chunks.take(through: "\r\n0\r\n\r\n")
      #expect(events.contains("\"code\":\"shutting_down\""))
      #expect(!events.contains("[DONE]"))
      let refused = try whole.response()
      #expect(refused.status == 503)
      #expect(refused.body.contains("\"code\":\"shutting_down\""))
      waitUntil { !server.service.sessions.isBusy }
    }
  }

  @Test func anIDThatSeveralSocketsUseIsFirstOfAllOnesOwn() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let readers = try (0..<5).map { _ in try ReaderClient(server) }
      for reader in readers {
        try reader.ask("What?", requestID: "same")
        _ = try reader.hearStream()
      }
      for reader in readers.reversed() {
        try reader.say("ai_chat_cancel", "{\"request_id\":\"same\"}")
        var end: Completion?
        while end == nil { end = try reader.hearStream().completion }
        #expect(end?.finishReason == .cancelled)
      }
    }
  }

  @Test func eachAnswerThatWasBegunHasOneOutcomeAlsoWhenItsReaderLagsAndLeaves() async throws {
    let provider = ScriptedProvider([[.endless(String(repeating: "x", count: 50_000))]])
    var wishes = Self.wishes(provider)
    wishes.limits.outboundBytes = 4 << 10
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      var reader: ReaderClient? = try ReaderClient(server)
      try reader?.ask("What?")
      var client: RawClient? = try Self.post(server, "/api/v1/ask", "{\"prompt\":\"x\"}")
      waitUntil { server.service.sessions.sockets.contains(where: \.isAwaited) }
      _ = try client?.take(through: "\r\n\r\n")
      reader?.raw.reset()
      (reader, client) = (nil, nil)
      waitUntil { server.service.metrics.snapshot().running == 0 }
      let counts = server.service.metrics.snapshot()
      #expect(counts.answers == [Metrics.AnswerKey(outcome: .cancelled, provider: "ollama"): 2])
    }
  }

  @Test func whatIsRefusedOverASocketIsCounted() async throws {
    let go = Signal()
    var wishes = Self.wishes(ScriptedProvider([[.wait(go), .end]]))
    wishes.limits.queue = 1
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.raw.say("{")
      try reader.ask("What?", page: "p99")
      for number in 1...3 { try reader.ask("What?", requestID: "r\(number)") }
      // Each is answered before the next is heard, but for the one that wants a page: wait for all three.
      var codes: Set<String> = []
      while codes.count < 3 { codes.insert(try reader.hearError().code) }
      #expect(codes == ["MALFORMED_RECORD", "UNKNOWN_PAGE", "BUSY"])
      #expect(server.service.metrics.snapshot().refused["MALFORMED_RECORD"] == 1)
      #expect(server.service.metrics.snapshot().refused["UNKNOWN_PAGE"] == 1)
      #expect(try #require(server.service.metrics.snapshot().refused["BUSY"]) >= 1)
      go.fire()
    }
  }
}
