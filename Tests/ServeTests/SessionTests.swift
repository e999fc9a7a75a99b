// More sockets than one: who watches, who comes back, who lags, whose a session is.
import NIOCore
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct SessionTests {
  private static func wishes(_ steps: [ScriptedProvider.Step]...) -> TestServer.Wishes {
    TestServer.Wishes(transport: ScriptedProvider(steps))
  }

  @Test func anAnswerGoesToWhoAskedAndToWhoWatchesAndToNobodyElse() async throws {
    let go = Signal()
    let wishes = Self.wishes([.token("one"), .wait(go), .token("two"), .end], [.token("mine"), .end])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let asker = try ReaderClient(server)
      let early = try ReaderClient(server, query: "?watch=1")
      let other = try ReaderClient(server)
      let stranger = try ReaderClient(server, "s2", query: "?watch=1")
      try asker.ask("What?", requestID: "r1")
      #expect(try asker.hearStream().token == "one")
      // Who comes in the middle sees it from its start.
      let late = try ReaderClient(server, query: "?watch=1")
      go.fire()
      #expect(try asker.hearStream().token == "two")
      #expect(try early.hearAnswer().tokens == ["one", "two"])
      let (tokens, end) = try late.hearAnswer()
      #expect(tokens == ["one", "two"])
      #expect(end.requestID == "r1")
      // The others have heard nothing: the next that they hear is their own.
      try other.ask("And mine?", requestID: "r2")
      #expect(try other.hearAnswer().end.requestID == "r2")
      try stranger.say("ping", "{\"timestamp\":1}")
      #expect(try stranger.hearText().contains("pong"))
    }
  }

  @Test(arguments: [false, true])
  func aQuestionThatWaitedDoesNotTakeItsReaderBackToWhereItWasAsked(namesItsPage: Bool) async throws {
    let go = Signal()
    try await TestServer.with(Self.wishes([.token("x"), .wait(go), .end], [.token("y"), .end])) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      func move(to index: Int) throws {
        try reader.say("page_navigation", "{\"page_index\":\(index)}")
        _ = try reader.hear()
      }
      func place() throws -> [Int?] {
        let furthest = try SessionID("s1").flatMap { try server.conversations().session($0) }?.furthestPageIndex
        return [try server.get("/api/v1/sessions/s1").member("page_index")?.integerValue, furthest]
      }
      try move(to: 5)
      try reader.ask("First?")
      #expect(try reader.hearStream().token == "x")
      // The second waits for the first, from page 7; then its reader goes back to page 2.
      if namesItsPage { try reader.ask("Second?", page: "007") } else { try move(to: 7) }
      if !namesItsPage { try reader.ask("Second?") }
      try move(to: 2)
      go.fire()
      _ = try reader.hearRest(after: ["x"])
      #expect(try reader.hearAnswer().tokens == ["y"])
      #expect(try place() == [2, 7], "the page that they are on, and the furthest")
      // Who asks from a page is on it.
      try reader.ask("Third?", page: "003")
      _ = try reader.hearAnswer()
      #expect(try place() == [3, 7])
    }
  }

  @Test func whoWatchesMayNotAskCancelOrMove() async throws {
    try await TestServer.with(Self.wishes([.token("x"), .end])) { (server: TestServer) async throws -> Void in
      let watcher = try ReaderClient(server, query: "?watch=1")
      try watcher.ask("What?")
      #expect(try watcher.hearError().code == "WATCHING")
      try watcher.say("page_navigation", "{\"page_index\":3}")
      #expect(try watcher.hearError().code == "WATCHING")
      try watcher.say("ai_chat_cancel", "{\"response_id\":\"a1\"}")
      #expect(try watcher.hearError().code == "WATCHING")
      try watcher.say("ai_response_resume", "{\"response_id\":\"a1\",\"after_seq\":0}")
      let error = try watcher.hearError()
      #expect(error.code == "WATCHING")
      #expect(error.responseID == nil, "the answer goes on, and an error that names it would be its end")
    }
  }

  @Test func oneOfTwoThatLeavesTakesNothingFromTheOther() async throws {
    let go = Signal()
    try await TestServer.with(Self.wishes([.wait(go), .token("x"), .end])) {
      (server: TestServer) async throws -> Void in
      let stays = try ReaderClient(server)
      var leaves: ReaderClient? = try ReaderClient(server)
      _ = leaves?.greeting
      try stays.ask("What?")
      leaves = nil
      go.fire()
      #expect(try stays.hearAnswer().tokens == ["x"])
    }
  }

  @Test func whoComesBackHearsWhatWasMissedAndThenTheRest() async throws {
    let (left, back) = (Signal(), Signal())
    let wishes = Self.wishes([
      .token("one "), .wait(left), .token("two "), .token("three "), .wait(back), .token("four"), .end,
    ])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      var first: ReaderClient? = try ReaderClient(server, query: "?resume=1")
      try first?.ask("What?", requestID: "r1")
      let heard = try first?.hearStream()
      #expect(heard?.token == "one ")
      first = nil
      waitUntil { server.service.sessions.socketCount == 0 }
      left.fire()
      let second = try ReaderClient(server, query: "?resume=1")
      #expect(second.greeting.contains("\"resumable\":[\"a1\"]"))
      try second.say("ai_response_resume", "{\"response_id\":\"a1\",\"after_seq\":0}")
      for (seq, token) in [(1, "two "), (2, "three ")] {
        let stream = try second.hearStream()
        #expect(stream.seq == seq)
        #expect(stream.token == token)
      }
      back.fire()
      #expect(try second.hearStream().token == "four")
      let end = try second.hearStream()
      #expect(end.seq == 4)
      #expect(end.isComplete)
      #expect(end.requestID == "r1")
    }
  }

  @Test func anAnswerToWhichNobodyComesBackEnds() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    var wishes = TestServer.Wishes(transport: provider)
    wishes.linger = .milliseconds(50)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      var reader: ReaderClient? = try ReaderClient(server, query: "?resume=1")
      try reader?.ask("What?")
      _ = try reader?.hearStream()
      reader = nil
      await provider.abandoned.wait()
      waitUntil { server.service.sessions.answerCount == 0 }
      let second = try ReaderClient(server, query: "?resume=1")
      try second.say("ai_response_resume", "{\"response_id\":\"a1\",\"after_seq\":0}")
      #expect(try second.hearError().code == "UNKNOWN_RESPONSE")
    }
  }

  @Test func anotherSessionsAnswerIsUnknown() async throws {
    let go = Signal()
    try await TestServer.with(Self.wishes([.token("x"), .wait(go), .end])) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server, query: "?resume=1")
      try reader.ask("What?")
      _ = try reader.hearStream()
      let stranger = try ReaderClient(server, "s2", query: "?resume=1")
      #expect(stranger.greeting.contains("\"resumable\":[]"))
      for (type, rest) in [("ai_chat_cancel", ""), ("ai_response_resume", ",\"after_seq\":-1")] {
        try stranger.say(type, "{\"response_id\":\"a1\"\(rest)}")
        #expect(try stranger.hearError().code == "UNKNOWN_RESPONSE")
      }
      go.fire()
      #expect(try reader.hearStream().completion?.finishReason == .stop)
    }
  }

  /// An answer in blocks of many tokens.
  private static func blocks(_ words: [String], of count: Int) -> [ScriptedProvider.Step] {
    stride(from: 0, to: words.count, by: count).map { .block(Array(words[$0..<min($0 + count, words.count)])) } + [.end]
  }

  @Test func whoLagsIsSentTheSameTextInFewerRecordsWithoutAGap() async throws {
    // Far more than the kernel takes for one reader, who begins to read when the answer waits for it.
    let words = (0..<40_000).map { "w\($0) " }
    var wishes = TestServer.Wishes(transport: ScriptedProvider([Self.blocks(words, of: 200)]))
    wishes.limits.outboundBytes = 16 << 10
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?")
      waitUntil { server.service.sessions.sockets.contains(where: \.isAwaited) }
      let first = try reader.hearStream()
      #expect(first.token == "w0 ")
      let (tokens, end) = try reader.hearRest(after: [first.token])
      #expect(tokens.joined() == words.joined())
      #expect(tokens.count < words.count)
      #expect(end.completion?.finishReason == .stop)
    }
  }

  @Test func whoKeepsUpIsSentARecordForEachTokenHoweverFastTheyCome() async throws {
    // Each block is more than may wait for one reader; all together is less than the kernel takes.
    let words = (0..<200).map { "w\($0) " }
    var wishes = TestServer.Wishes(transport: ScriptedProvider([Self.blocks(words, of: 40)]))
    wishes.limits.outboundBytes = 4 << 10
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?")
      let (tokens, _) = try reader.hearAnswer()
      #expect(tokens == words)
    }
  }

  @Test func whatWasSaidIsRememberedByTheNextSocketAndStaysBehindTheGate() async throws {
    let provider = ScriptedProvider([[.token("A lantern."), .end]])
    try await TestServer.with(TestServer.Wishes(transport: provider)) { (server: TestServer) async throws -> Void in
      let first = try ReaderClient(server)
      try first.ask("What swings there?", page: "009")
      _ = try first.hearAnswer()
      let second = try ReaderClient(server)
      try second.ask("And who counts?")
      _ = try second.hearAnswer()
      #expect(provider.bodies[1].contains("What swings there?"))
      #expect(provider.bodies[1].contains("A lantern."))
      // The furthest page of the session is the gate.
      #expect(!provider.bodies[1].contains("On page 10 "))
      let third = try ReaderClient(server)
      try third.ask("And earlier?", page: "003")
      _ = try third.hearAnswer()
      #expect(!provider.bodies[2].contains("What swings there?"))
      let history = try server.get("/api/v1/sessions/s1")
      #expect(history.body.contains("\"outcome\":\"complete\""))
    }
  }

  @Test func anAnswerWhoseReaderLeftIsKeptAsInterrupted() async throws {
    let provider = ScriptedProvider([[.token("A lantern "), .endless("on ")]])
    try await TestServer.with(TestServer.Wishes(transport: provider)) { (server: TestServer) async throws -> Void in
      var reader: ReaderClient? = try ReaderClient(server)
      try reader?.ask("What?", page: "003")
      _ = try reader?.hearStream()
      reader = nil
      await provider.abandoned.wait()
      var history = ""
      while !history.contains("A lantern ") || history.contains("\"outcome\":\"running\"") {
        history = try server.get("/api/v1/sessions/s1").body
      }
      #expect(history.contains("\"outcome\":\"interrupted\""))
    }
  }

  @Test func aSessionBelongsToTheNameThatFirstUsedIt() async throws {
    var wishes = Self.wishes([.token("x"), .end])
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdefAA\nben:0123456789abcdefBB\n", path: "tokens")
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let nobody = try server.client()
      #expect(try nobody.upgrade("/ws/s1", port: server.port).status == 401)
      let wrong = try server.client()
      #expect(
        try wrong.upgrade("/ws/s1", port: server.port, extra: "Authorization: Bearer 0123456789abcdefXX\r\n").status
          == 401)
      let address = try server.client()
      #expect(try address.upgrade("/ws/s1?token=0123456789abcdefAA", port: server.port).status == 401)
      _ = try ReaderClient(server, extra: "Authorization: Bearer 0123456789abcdefAA\r\n")
      let ben = try server.client()
      #expect(
        try ben.upgrade("/ws/s1", port: server.port, extra: "Authorization: Bearer 0123456789abcdefBB\r\n").status
          == 404)
      let page = try server.client()
      let response = try page.upgrade(
        "/ws/s1", port: server.port, extra: "Sec-WebSocket-Protocol: gibsey.v1, gibsey.token.0123456789abcdefAA\r\n")
      #expect(response.status == 101)
      #expect(response.header("sec-websocket-protocol") == "gibsey.v1")
      #expect(try server.get("/health").status == 200)
    }
  }

  @Test(arguments: ["a%2Fb", "a%20b", "%00", "..", "a", "A-z_0.9", "x129"]) func aSessionHasAName(_ name: String)
    async throws
  {
    try await TestServer.with(Self.wishes([.end])) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      let target = name == "x129" ? String(repeating: "x", count: 129) : name
      let status = try client.upgrade("/ws/\(target)", port: server.port).status
      #expect(status == (["a", "A-z_0.9"].contains(name) ? 101 : 400))
    }
  }

  @Test func tooManyConnectionsOfOneAddressAreToldSoAndTheOthersLive() async throws {
    var wishes = Self.wishes([.token("x"), .end])
    wishes.limits.connectionsPerAddress = 2
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let first = try ReaderClient(server)
      let second = try ReaderClient(server)
      let third = try server.client()
      #expect(try third.upgrade("/ws/s3", port: server.port).status == 503)
      try first.ask("What?")
      #expect(try first.hearAnswer().tokens == ["x"])
      try second.ask("What?")
      #expect(try second.hearAnswer().tokens == ["x"])
    }
  }

  @Test func tooManyConnectionsInAllAreToldSoAndOneThatLeavesMakesRoom() async throws {
    var wishes = Self.wishes([.token("x"), .end])
    wishes.limits.connections = 2
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let stays = try ReaderClient(server)
      var leaves: ReaderClient? = try ReaderClient(server, "s2")
      _ = leaves?.greeting
      let third = try server.client()
      let refused = try third.upgrade("/ws/s3", port: server.port)
      #expect(refused.status == 503)
      #expect(refused.code == "BUSY")
      #expect(try third.takeAll() == "")
      try stays.ask("What?")
      #expect(try stays.hearAnswer().tokens == ["x"])
      leaves = nil
      waitUntil { server.service.doors.openCount == 1 }
      #expect(try ReaderClient(server, "s3").isQuiet())
    }
  }
}
