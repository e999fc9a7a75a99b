// What a reader said right before the connection ended: it is heard.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct LastWordTests {
  /// How a client leaves.
  enum Leaving: CaseIterable {
    case closeFrame, endOfInput, both

    /// The last bytes that it sends.
    var bytes: [UInt8] { self == .endOfInput ? [] : RawClient.frame([0x03, 0xE8], first: 0x88) }
  }

  /// Comes, says all at once and is gone.
  private static func say(
    _ records: [(type: String, data: String)], to server: TestServer, _ session: String, query: String,
    _ leaving: Leaving
  ) throws {
    let reader = try ReaderClient(server, session, query: query)
    let frames = records.flatMap { RawClient.frame("{\"type\":\"\($0.type)\",\"data\":\($0.data)}") }
    try reader.raw.send(frames + leaving.bytes)
    if leaving != .closeFrame { reader.raw.closeOutput() }
  }

  /// A reader is lost in the instant of the question many times, for it was a matter of luck whether they were heard.
  @Test(arguments: Leaving.allCases)
  func aQuestionInTheLastInstantIsAskedIfItsReaderMayComeBack(_ leaving: Leaving) async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.token("one "), .wait(go), .token("two"), .end]])
    var wishes = Story.wishes
    wishes.transport = provider
    wishes.linger = .seconds(280)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let sessions = (1...25).map { "s\($0)" }
      for session in sessions {
        let question = ("ai_chat_request", #"{"prompt":"What?","request_id":"r1"}"#)
        try Self.say([question, question], to: server, session, query: "?resume=1", leaving)
      }
      // Each second question waited in the queue, or would have, while the first was answered.
      waitUntil { server.service.metrics.snapshot().answers(.cancelled) == sessions.count }
      go.fire()
      waitUntil { server.service.metrics.snapshot().answers(.stop) == sessions.count }
      #expect(provider.requests.count == sessions.count)
      for session in sessions {
        let back = try ReaderClient(server, session, query: "?resume=1")
        let id = try #require(server.service.sessions.resumable(in: session).first)
        try back.say("ai_response_resume", "{\"response_id\":\"\(id)\",\"after_seq\":-1}")
        let (tokens, end) = try back.hearAnswer()
        #expect(tokens == ["one ", "two"] && end.completion?.finishReason == .stop)
      }
    }
  }

  @Test func aQuestionInTheLastInstantIsNotAskedForOneWhoDoesNotComeBack() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    var wishes = Story.wishes
    wishes.transport = provider
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      for number in 1...25 {
        try Self.say([("ai_chat_request", #"{"prompt":"What?"}"#)], to: server, "s\(number)", query: "", .endOfInput)
      }
      // Each has its end, and no provider works for them.
      waitUntil { server.service.metrics.snapshot().answers.values.reduce(0, +) == 25 }
      #expect(server.service.metrics.snapshot().answers.keys.allSatisfy { $0.outcome == .cancelled })
      waitUntil { server.service.sessions.answerCount == 0 }
    }
  }

  @Test(arguments: ["", "?resume=1"])
  func aMoveInTheLastInstantHolds(_ query: String) async throws {
    let provider = ScriptedProvider([[.token("one"), .end]])
    var wishes = Story.wishes
    wishes.transport = provider
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let sessions = (1...10).map { "s\($0)" }
      let moves = [9, 7, 3].map { ("page_navigation", "{\"page_index\":\($0)}") }
      for session in sessions {
        try Self.say(
          moves + [("ai_chat_request", #"{"prompt":"What of the lantern?"}"#)], to: server, session, query: query,
          .endOfInput)
      }
      waitUntil { server.service.metrics.snapshot().answers.values.reduce(0, +) == sessions.count }
      for session in sessions {
        waitUntil {
          (try? server.get("/api/v1/sessions/\(session)").json?.objectValue?["page_id"]?.stringValue) == "p03"
        }
      }
      #expect(provider.requests.count == (query.isEmpty ? 0 : sessions.count))
      // By the last of the moves.
      for body in provider.bodies { #expect(body.contains(Story.canary(3)) && !body.contains(Story.canary(4))) }
    }
  }

  @Test func aCancelInTheLastInstantStopsAnAnswerThatWouldGoOn() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    var wishes = Story.wishes
    wishes.transport = provider
    wishes.linger = .seconds(280)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      for number in 1...10 {
        try Self.say(
          [("ai_chat_request", #"{"prompt":"What?","request_id":"r1"}"#), ("ai_chat_cancel", #"{"request_id":"r1"}"#)],
          to: server, "s\(number)", query: "?resume=1", .endOfInput)
      }
      waitUntil { server.service.metrics.snapshot().answers.values.reduce(0, +) == 10 }
      #expect(server.service.metrics.snapshot().answers.keys.allSatisfy { $0.outcome == .cancelled })
    }
  }

  /// Somebody says very much and leaves while the database is busy: what is done is before the last move, and so the question behind
  /// it is not asked.
  @Test func ofOneWhoSaidMuchAndLeftTheFirstIsDone() async throws {
    let provider = ScriptedProvider([[.end]])
    var wishes = Story.wishes
    wishes.transport = provider
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let room = await BusyRoom(server)
      var reader: ReaderClient? = try ReaderClient(server, query: "?resume=1")
      for number in 1...40 { try reader?.say("page_navigation", "{\"page_index\":\(number == 40 ? 3 : 7)}") }
      try reader?.ask("What of the lantern?")
      // What is answered after them was heard after them.
      #expect(try reader?.isQuiet() == true)
      reader = nil
      waitUntil { server.service.sessions.socketCount == 0 }
      #expect(server.service.sessions.departedCount == 1)
      room.letGo()
      waitUntil { server.service.sessions.departedCount == 0 }
      #expect(try server.get("/api/v1/sessions/s1").json?.objectValue?["page_id"]?.stringValue == "p07")
      #expect(provider.requests.isEmpty)
    }
  }

  /// A question that was being looked at just when moves before it were given up.
  @Test func aQuestionBehindWhatIsGivenUpIsGivenUpToo() async throws {
    let provider = ScriptedProvider([[.end]])
    var wishes = Story.wishes
    wishes.transport = provider
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let room = await BusyRoom(server)
      let conversation = SocketConversation(
        server.service, session: try #require(SessionID("s1")), identity: Identity(name: nil), isWatching: false,
        isResuming: true)
      let question = Array(#"{"type":"ai_chat_request","data":{"prompt":"What?"}}"#.utf8)
      for number in 1...40 {
        let move = "{\"type\":\"page_navigation\",\"data\":{\"page_index\":\(number == 40 ? 3 : 7)}}"
        conversation.hear(.text(Array(move.utf8)))
      }
      conversation.end()
      conversation.hear(.text(question))
      room.letGo()
      waitUntil { server.service.sessions.departedCount == 0 }
      conversation.hear(.text(question))
      #expect(conversation.inbox.isAtRest)
      #expect(provider.requests.isEmpty)
      #expect(server.service.metrics.snapshot().answers.isEmpty)
    }
  }

  @Test func noMoreAnswersThanMayGoOnWithoutTheirReaders() async throws {
    var wishes = Story.wishes
    // Each until it is stopped.
    wishes.transport = ScriptedProvider((1...2).map { _ in [.token("on "), .wait(Signal()), .end] })
    wishes.linger = .seconds(280)
    wishes.limits.absent = 1
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      func askAndLeave(_ session: String) throws {
        let reader = try ReaderClient(server, session, query: "?resume=1")
        try reader.ask("What?")
        _ = try reader.hearStream()
        reader.raw.reset()
      }
      try askAndLeave("s1")
      waitUntil { server.service.sessions.socketCount == 0 }
      try askAndLeave("s2")
      waitUntil { server.service.metrics.snapshot().answers(.cancelled) == 1 }
      #expect(!server.service.sessions.resumable(in: "s1").isEmpty)
      waitUntil { server.service.sessions.departedCount == 1 }
      func comeBack() throws -> ReaderClient {
        let back = try ReaderClient(server, query: "?resume=1")
        try back.say("ai_response_resume", #"{"response_id":"a1","after_seq":-1}"#)
        #expect(try back.hearStream().token == "on ")
        return back
      }
      // Whose place that is comes back, is lost again, and there as before: it needs no other.
      try comeBack().raw.reset()
      waitUntil { server.service.sessions.socketCount == 0 }
      let back = try comeBack()
      #expect(server.service.sessions.absentCount == 1)
      try back.say("ai_chat_cancel", #"{"response_id":"a1"}"#)
      while try !back.hearStream().isComplete {}
      waitUntil { server.service.sessions.departedCount == 0 }
      #expect(server.service.sessions.absentCount == 0)
    }
  }

  @Test func anAnswerThatHasEndedIsKeptEvenIfNoneMayGoOn() async throws {
    var wishes = Story.wishes
    wishes.transport = ScriptedProvider([[.block((1...20_000).map { _ in "on and on, " }), .end]])
    wishes.linger = .seconds(280)
    wishes.limits.absent = 0
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server, query: "?resume=1")
      try reader.ask("What?")
      while !(try reader.hearText()).contains("\"is_complete\":true") {}
      reader.raw.reset()
      // They are lost again and again while they read it.
      for _ in 1...3 {
        waitUntil { server.service.sessions.departedCount == 0 && server.service.sessions.socketCount == 0 }
        let back = try ReaderClient(server, query: "?resume=1")
        try back.say("ai_response_resume", #"{"response_id":"a1","after_seq":-1}"#)
        #expect(try back.hearStream().responseID == "a1")
        back.raw.reset()
      }
    }
  }

  @Test func ofTheAnswersThatHaveEndedTheNewestAreKept() async throws {
    var wishes = Story.wishes
    wishes.transport = ScriptedProvider([[.token("one"), .end]])
    wishes.linger = .seconds(280)
    // Two of them are more.
    wishes.limits.keptBytes = 18 << 10
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server, query: "?resume=1")
      for number in 1...5 {
        try reader.ask("What?")
        _ = try reader.hearAnswer()
        waitUntil { server.service.sessions.resumable(in: "s1") == ["a\(number)"] }
      }
      let back = try ReaderClient(server, query: "?resume=1")
      try back.say("ai_response_resume", #"{"response_id":"a4","after_seq":-1}"#)
      #expect(try back.hearError().responseID == "a4")
      try back.say("ai_response_resume", #"{"response_id":"a5","after_seq":-1}"#)
      #expect(try back.hearAnswer().tokens == ["one"])
    }
  }

  @Test func theDaemonWaitsForAQuestionWhoseReaderIsGone() async throws {
    let provider = ScriptedProvider([[.token("one"), .end]])
    var wishes = Story.wishes
    wishes.transport = provider
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let room = await BusyRoom(server)
      try Self.say([("ai_chat_request", #"{"prompt":"What?"}"#)], to: server, "s1", query: "?resume=1", .endOfInput)
      waitUntil { server.service.sessions.socketCount == 0 && server.service.room.waitingCount == 1 }
      #expect(server.service.sessions.isBusy)
      server.service.drain()
      server.service.sessions.drain()
      #expect(server.service.sessions.isBusy)
      room.letGo()
      waitUntil { !server.service.sessions.isBusy }
      #expect(provider.requests.count == 1)
      #expect(server.service.metrics.snapshot().answers(.stop) == 1)
    }
  }

  @Test func whoseTokenIsTakenBackHasNothingThatGoesOn() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    var wishes = Story.wishes
    wishes.transport = provider
    wishes.linger = .seconds(280)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      try Self.say([("ai_chat_request", #"{"prompt":"What?"}"#)], to: server, "s1", query: "?resume=1", .endOfInput)
      waitUntil { server.service.sessions.socketCount == 0 && provider.requests.count == 1 }
      server.service.sessions.leaveUnless { _ in false }
      await provider.abandoned.wait()
      waitUntil { server.service.sessions.departedCount == 0 }
      #expect(server.service.metrics.snapshot().answers(.cancelled) == 1)
    }
  }

  @Test func aConnectionThatBreaksInTheHandshakeIsForgotten() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      for number in 1...200 {
        let client = try RawClient(port: server.port)
        let head = "Host: 127.0.0.1:\(server.port)\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        try client.send("GET /ws/s\(number)?watch=1 HTTP/1.1\r\n" + head + key)
        client.reset()
      }
      // Who is let in now came after them.
      #expect(try server.get("/health").status == 200)
      waitUntil { server.service.doors.openCount == 0 }
      waitUntil { server.service.sessions.socketCount == 0 && server.service.sessions.departedCount == 0 }
      #expect(server.service.sessions.conversations.isEmpty)
    }
  }
}
