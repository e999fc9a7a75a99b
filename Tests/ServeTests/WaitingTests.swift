// What waits for what on a socket: moves and questions for one another, nothing else for them; and nothing at all for the deaf.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct WaitingTests {
  private static func wishes(_ provider: ScriptedProvider) -> TestServer.Wishes {
    var wishes = Story.wishes
    wishes.transport = provider
    // Nobody is cut for being slow, however slow the machine.
    wishes.limits.writeTime = .seconds(200)
    return wishes
  }

  private static func say(_ reader: ReaderClient, cancel id: String) throws {
    try reader.say("ai_chat_cancel", "{\"request_id\":\"\(id)\"}")
  }

  /// Asks over a socket that breaks before the prompt is built.
  private static func askAndBeLost(_ server: TestServer, query: String) async throws {
    let room = await BusyRoom(server)
    var reader: ReaderClient? = try ReaderClient(server, query: query)
    try reader?.ask("What?")
    waitUntil { server.service.room.waitingCount == 1 }
    reader?.raw.reset()
    reader = nil
    waitUntil { server.service.sessions.socketCount == 0 }
    room.letGo()
  }

  @Test func aPingAndACancelPassAMoveThatWaitsForTheDatabaseAndAQuestionDoesNot() async throws {
    let provider = ScriptedProvider([[.endless("on ")], [.token("two"), .end]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("One?", requestID: "r1", page: "p01")
      _ = try reader.hearStream()
      let room = await BusyRoom(server)
      try reader.say("page_navigation", "{\"page_index\":7}")
      try reader.say("page_navigation", "{\"page_index\":3}")
      try reader.ask("What of the lantern?", requestID: "r2")
      try reader.ask("Never?", requestID: "r3")
      // Taken back while it waits behind the moves.
      try Self.say(reader, cancel: "r3")
      try reader.say("ping", "{\"timestamp\":1}")
      try Self.say(reader, cancel: "r1")
      var (ends, hasPong) = ([String?](), false)
      while ends.count < 2 {
        switch try reader.hear() {
        case .responseStream(let stream) where stream.isComplete:
          #expect(stream.completion?.finishReason == .cancelled)
          #expect(stream.sessionID == "s1")
          ends.append(stream.requestID)
        case .responseStream: continue
        case .frame(.pong, _): hasPong = true
        case let record: Issue.record("heard \(record)")
        }
      }
      #expect(ends == ["r3", "r1"] && hasPong)
      await provider.abandoned.wait()
      #expect(provider.requests.count == 1)
      room.letGo()
      for place in [7, 3] {
        guard case .frame(.vaultUpdate, let update) = try reader.hear() else {
          throw RawClient.Failure(what: "no move")
        }
        #expect(update.fields["vault_data"]?.objectValue?["current_page_index"]?.integerValue == place)
      }
      #expect(try reader.hearAnswer().tokens == ["two"])
      #expect(provider.bodies.last?.contains(Story.canary(3)) == true)
      #expect(provider.bodies.last?.contains(Story.canary(4)) == false)
    }
  }

  @Test(arguments: [true, false])
  func aQuestionWhoseReaderIsLostBeforeItsPromptIsBuiltIsAskedIfTheyMayComeBack(_ comesBack: Bool) async throws {
    let provider = ScriptedProvider([[.token("one "), .token("two"), .end]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      try await Self.askAndBeLost(server, query: comesBack ? "?resume=1" : "")
      guard comesBack else {
        waitUntil { server.service.metrics.snapshot().answers.count == 1 }
        #expect(provider.requests.isEmpty)
        return
      }
      waitUntil { !server.service.sessions.resumable(in: "s1").isEmpty }
      let back = try ReaderClient(server, query: "?resume=1")
      #expect(back.greeting.contains("\"a1\""))
      try back.say("ai_response_resume", "{\"response_id\":\"a1\",\"after_seq\":-1}")
      let (tokens, end) = try back.hearAnswer()
      #expect(tokens == ["one ", "two"])
      #expect(end.completion?.finishReason == .stop)
      #expect(try server.get("/api/v1/sessions/s1").strings("turns", "answer") == ["one two"])
    }
  }

  @Test func aQuestionWhoseReaderIsLostBeforeItsPromptIsBuiltLingersNoLongerThanOthers() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    var wishes = Self.wishes(provider)
    wishes.linger = .seconds(3)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      try await Self.askAndBeLost(server, query: "?resume=1")
      waitUntil { server.service.metrics.snapshot().answers.count == 1 }
      #expect(server.service.metrics.snapshot().answers.keys.first?.outcome == .cancelled)
      #expect(provider.requests.count == 1)
    }
  }

  @Test func whoResumesManyTimesAndReadsLittleIsHeldNoMoreThanOthers() async throws {
    let words = (0..<20_000).map { _ in "on, " }
    let blocks = stride(from: 0, to: words.count, by: 200).map {
      ScriptedProvider.Step.block(Array(words[$0..<$0 + 200]))
    }
    var wishes = Self.wishes(ScriptedProvider([blocks + [.end]]))
    wishes.limits.outboundBytes = 16 << 10
    wishes.linger = .seconds(280)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let asker = try ReaderClient(server, query: "?resume=1")
      for _ in 1...3 {
        try asker.ask("What?")
        while !(try asker.hearText()).contains("\"is_complete\":true") {}
      }
      let slow = try ReaderClient(server, query: "?resume=1")
      let resumes = (0..<90).map { number -> [UInt8] in
        let data = "{\"response_id\":\"a\(number % 3 + 1)\",\"after_seq\":-1}"
        return RawClient.frame("{\"type\":\"ai_response_resume\",\"data\":\(data)}")
      }
      try slow.raw.send(Array(resumes.joined()))
      waitUntil { server.service.sessions.sockets.contains { $0.isAwaited } }
      var (most, heard) = (0, 0)
      var ends: [String: Int] = [:]
      // All of it is read, and at first in small steps.
      while ends.count < 3 {
        most = max(most, server.service.sessions.sockets.reduce(0) { $0 + $1.pendingBytes })
        if heard < 2000 { _ = try server.get("/health") }
        switch try slow.hear() {
        case .responseStream(let stream):
          heard += 1
          #expect(ends[stream.responseID] == nil, "nothing comes after an end")
          if stream.isComplete { ends[stream.responseID, default: 0] += 1 }
        // Who has had the end may not have it again.
        case .error(let error): #expect(error.code == "UNKNOWN_RESPONSE" && error.responseID == nil)
        case let record: Issue.record("heard \(record)")
        }
      }
      #expect(most < 400_000, "a piece of each of three, and what may wait")
    }
  }

  @Test func anErrorAboutAResponseThatGoesOnOrHasEndedHereIsNoEndOfIt() async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.token("one "), .wait(go), .token("two"), .end]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?")
      #expect(try reader.hearStream().token == "one ")
      func refused(_ type: String, _ id: String) throws -> String? {
        try reader.say(type, "{\"response_id\":\"\(id)\",\"after_seq\":-1}")
        let error = try reader.hearError()
        #expect(error.code == "UNKNOWN_RESPONSE")
        return error.responseID
      }
      #expect(try refused("ai_response_resume", "a1") == nil)
      go.fire()
      #expect(try reader.hearStream().token == "two")
      #expect(try reader.hearStream().isComplete)
      waitUntil { server.service.sessions.answerCount == 0 }
      #expect(try refused("ai_response_resume", "a1") == nil)
      #expect(try refused("ai_chat_cancel", "a1") == nil)
      #expect(try refused("ai_response_resume", "a9") == "a9")
      #expect(try refused("ai_chat_cancel", "a9") == "a9")
    }
  }

  @Test func whoseTokenIsTakenBackHearsTheEndOfEachQuestion() async throws {
    let provider = ScriptedProvider([[.endless("on ")]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      let watcher = try ReaderClient(server, query: "?watch=1")
      try reader.ask("What?", requestID: "r1")
      _ = try reader.hearStream()
      try reader.ask("And?", requestID: "r2")
      waitUntil { server.service.sessions.conversations.contains { $0.queueLength == 1 } }
      server.service.sessions.leaveUnless { _ in false }
      var ends: [String?] = []
      while ends.count < 2 {
        let stream = try reader.hearStream()
        guard stream.isComplete else { continue }
        #expect(stream.completion?.finishReason == .cancelled)
        ends.append(stream.requestID)
      }
      #expect(Set(ends) == ["r1", "r2"])
      #expect(try reader.raw.hear().code == 1008)
      await provider.abandoned.wait()
      while try watcher.raw.hear().code != 1008 {}
    }
  }

  @Test(arguments: [true, false])
  func aQuestionThatWaitsBehindAMoveIsToldWhyItHasNoAnswerWhenTheSocketIsClosed(isLeaving: Bool) async throws {
    let provider = ScriptedProvider([[.token("one"), .end]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let room = await BusyRoom(server)
      let reader = try ReaderClient(server)
      try reader.say("page_navigation", "{\"page_index\":3}")
      try reader.ask("What?", requestID: "r1")
      // What is answered after it was heard after it.
      #expect(try reader.isQuiet())
      if isLeaving { server.service.sessions.drain() } else { server.service.sessions.leaveUnless { _ in false } }
      room.letGo()
      var record = try reader.hear()
      // A move that had not begun is done for no one who was turned out.
      if case .frame(.vaultUpdate, _) = record { record = try reader.hear() } else { #expect(!isLeaving) }
      switch record {
      case .error(let error): #expect(isLeaving && error.code == "SHUTTING_DOWN" && error.requestID == "r1")
      case .responseStream(let end):
        #expect(!isLeaving && end.completion?.finishReason == .cancelled && end.requestID == "r1")
      default: Issue.record("heard \(record)")
      }
      #expect(try reader.raw.hear().code == (isLeaving ? 1001 : 1008))
      #expect(provider.requests.isEmpty)
    }
  }
}
