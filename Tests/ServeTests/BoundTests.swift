// What one question can make the server hold, however it is asked and whoever answers.
import NIOCore
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct BoundTests {
  private static let long = String(repeating: "R", count: 257)

  @Test func aRequestIDThatIsTooLongIsRefusedOnEveryCarrierAndNotCarriedBack() async throws {
    let provider = ScriptedProvider([[.token("x"), .end]])
    try await TestServer.with(TestServer.Wishes(transport: provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      for (type, rest) in [("ai_chat_request", "\"prompt\":\"x\""), ("page_navigation", "\"page_index\":1")] {
        try reader.say(type, "{\(rest),\"request_id\":\"\(Self.long)\"}")
        let refused = try reader.hearError()
        #expect(refused.code == "MALFORMED_RECORD")
        #expect(refused.message == "request_id: wanted at most 256 bytes")
        #expect(refused.requestID == nil)
      }
      for target in ["/api/v1/ask", "/api/v1/context"] {
        let response = try server.post(target, "{\"prompt\":\"x\",\"request_id\":\"\(Self.long)\"}")
        #expect(response.status == 400)
        #expect(response.code == "MALFORMED_RECORD")
      }
      #expect(provider.requests.isEmpty)
      try reader.ask("x", requestID: String(Self.long.dropLast()))
      #expect(try reader.hearAnswer().end.requestID == String(Self.long.dropLast()))
    }
  }

  @Test func ofABlockNoMoreRecordsAreMadeThanAReaderIsWrittenAtOnce() async throws {
    // One block of the network, whose records are far more than the kernel takes for somebody who reads nothing.
    let words = [String](repeating: "x", count: 60_000)
    var wishes = TestServer.Wishes(transport: ScriptedProvider([[.block(words), .end]]))
    wishes.limits.outboundBytes = 4 << 10
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?")
      waitUntil { server.service.sessions.sockets.contains(where: \.isAwaited) }
      let pending = server.service.sessions.sockets.map(\.pendingBytes).max() ?? 0
      #expect((1...(70 << 10)).contains(pending))
      // It loses nothing by it.
      #expect(try reader.hearAnswer().tokens.joined().utf8.count == words.count)
    }
  }

  /// The beginning of a request with a body of which one byte is missing.
  private static func head(_ request: String, _ count: Int, _ server: TestServer) -> String {
    "\(request) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(count)\r\n\r\n" + String(repeating: " ", count: count - 1)
  }

  @Test func aBodyThatNobodyReadsIsNotKept() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send(Self.head("GET /health", 1 << 20, server) + " ")
      #expect(try client.response().status == 200)
      let whole = try server.client()
      try whole.send(Self.head("POST /api/v1/context", 100_000, server))
      waitUntil { server.service.allowance.heldBytes == 99_999 - Allowance.freeBytes }
      try client.send(Self.head("GET /health", 1 << 20, server) + " ")
      #expect(try client.response().status == 200)
      #expect(server.service.allowance.heldBytes == 99_999 - Allowance.freeBytes)
      whole.reset()
      waitUntil { server.service.allowance.heldBytes == 0 }
    }
  }

  @Test func whatAllAreSendingIsBoundedAndShortQuestionsAreNotKeptOut() async throws {
    var wishes = TestServer.Wishes()
    wishes.limits.incomingBytes = 100_000
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let first = try server.client()
      try first.send(Self.head("POST /api/v1/context", 110_000, server))
      waitUntil { server.service.allowance.heldBytes == 109_999 - Allowance.freeBytes }
      let second = try server.client()
      try second.send(Self.head("POST /api/v1/context", 110_000, server))
      let refused = try second.response()
      #expect(refused.status == 503)
      #expect(refused.code == "BUSY")
      let talker = try ReaderClient(server)
      let frame = RawClient.frame([UInt8](repeating: 0x20, count: 60_000))
      try talker.raw.send(Array(frame.dropLast()))
      #expect(try talker.raw.hear().code == 1013)
      let question = #"{"prompt":"Who counts the boats?"}"#
      #expect(try server.post("/api/v1/context", question).status == 200)
      try first.send(" ")
      #expect(try first.response().status == 400)
      waitUntil { server.service.allowance.heldBytes == 0 }
      try first.send(Self.head("POST /api/v1/context", 110_000, server) + " ")
      #expect(try first.response().status == 400)
    }
  }

  @Test(arguments: [
    String(repeating: "x", count: 1_000_000), String(repeating: "\u{1}", count: 150_000),
    "x" + String(repeating: "€", count: 100_000),
  ]) func noRecordIsLongerThanALineMayBeHoweverLongAProvidersToken(_ token: String) async throws {
    let wishes = TestServer.Wishes(transport: ScriptedProvider([[.token(token), .end]]))
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?")
      var (text, isComplete) = ("", false)
      while !isComplete {
        let frame = try reader.raw.hear()
        #expect(frame.payload.count < 1 << 20)
        guard case .responseStream(let stream) = try RecordCoder.decode(frame.payload) else { break }
        (text, isComplete) = (text + stream.token, stream.isComplete)
      }
      #expect(text == token)
      let lines = try server.post("/api/v1/ask", #"{"prompt":"What?"}"#).body.split(separator: "\n")
      #expect(lines.count > 2)
      #expect(lines.allSatisfy { $0.utf8.count < 1 << 20 })
    }
  }

  @Test func anAnswerWithoutEndIsCutWhereItIsAsLongAsItMayBe() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    var wishes = TestServer.Wishes(transport: provider)
    wishes.limits.answerBytes = 31
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?")
      let (tokens, end) = try reader.hearAnswer()
      #expect(tokens == [String](repeating: "on ", count: 10))
      #expect(end.completion?.finishReason == .length)
      #expect(end.completion?.provider == "ollama")
      await provider.abandoned.wait()
      let history = try server.get("/api/v1/sessions/s1")
      #expect(history.strings("turns", "answer") == [tokens.joined()])
      #expect(history.strings("turns", "outcome") == ["complete"])
      let over = try server.post("/api/v1/ask", "{\"prompt\":\"x\"}").body
      #expect(over.contains("\"finish_reason\":\"length\""))
    }
  }

  @Test func aFollowerWhoIsFarBehindIsGivenAPieceAtATime() {
    let live = LiveAnswer(responseID: "a1", requestID: nil, sessionID: nil)
    var batch = AnswerBatch()
    for _ in 0..<40_000 { batch.token { $0.append(UInt8(ascii: "x")) } }
    live.add(.batch(batch))
    var (place, counts) = (LiveAnswer.Place(), [Int]())
    while case .tokens(let text, let ends)? = live.next(&place) {
      #expect(text.count == ends.count)
      counts.append(ends.count)
    }
    #expect(counts == [16_384, 16_384, 7_232])
  }
}
