// One end for each answer, and one reader who goes on with it: whoever came last.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct ResumeTests {
  private static func resume(_ reader: ReaderClient, after seq: Int) throws {
    try reader.say("ai_response_resume", "{\"response_id\":\"a1\",\"after_seq\":\(seq)}")
  }

  private static let words = (0..<40_000).map { "w\($0) " }
  /// Far more words than the kernel takes for one reader, whom the answer has to wait for. Nobody is cut for that while a test runs as it should.
  private static var flood: TestServer.Wishes {
    let blocks = stride(from: 0, to: words.count, by: 200).map {
      ScriptedProvider.Step.block(Array(words[$0..<$0 + 200]))
    }
    var wishes = TestServer.Wishes(transport: ScriptedProvider([blocks + [.end]]))
    wishes.limits.outboundBytes = 16 << 10
    wishes.limits.writeTime = .seconds(200)
    return wishes
  }

  @Test func whoComesBackBeforeTheOldConnectionIsMissedIsNotCutOffByItsEnd() async throws {
    let (first, second, last) = (Signal(), Signal(), Signal())
    let script: [ScriptedProvider.Step] = [
      .token("one "), .wait(first), .token("two "), .wait(second), .token("three "), .wait(last), .token("four"), .end,
    ]
    var wishes = TestServer.Wishes(transport: ScriptedProvider([script]))
    wishes.linger = .zero
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      var old: ReaderClient? = try ReaderClient(server, query: "?resume=1")
      try old?.ask("What?")
      #expect(try old?.hearStream().token == "one ")
      // The network has changed; the server has not noticed yet that the old connection is dead.
      var newer: ReaderClient? = try ReaderClient(server, query: "?resume=1")
      if let newer { try Self.resume(newer, after: 0) }
      first.fire()
      #expect(try newer?.hearStream().token == "two ")
      old = nil
      waitUntil { server.service.sessions.socketCount == 1 }
      // And once more: the one in the middle leaves last.
      let newest = try ReaderClient(server, query: "?resume=1")
      try Self.resume(newest, after: 1)
      second.fire()
      #expect(try newest.hearStream().token == "three ")
      newer = nil
      waitUntil { server.service.sessions.socketCount == 1 }
      last.fire()
      #expect(try newest.hearStream().token == "four")
      let end = try newest.hearStream()
      #expect(end.seq == 4)
      #expect(end.completion?.finishReason == .stop)
    }
  }

  @Test(arguments: ["2", "1000", "15000000", "1000000000000", "9007199254740991", "9223372036854775807", "1e30"])
  func aNumberThatNoRecordHadIsRefusedAndTheAnswerGoesOn(_ seq: String) async throws {
    let go = Signal()
    let script: [ScriptedProvider.Step] = [.token("one "), .wait(go), .token("two"), .end]
    try await TestServer.with(TestServer.Wishes(transport: ScriptedProvider([script]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server, query: "?resume=1")
      try reader.ask("What?")
      #expect(try reader.hearStream().token == "one ")
      try reader.say("ai_response_resume", "{\"response_id\":\"a1\",\"after_seq\":\(seq)}")
      let error = try reader.hearError()
      #expect(error.code == "MALFORMED_RECORD")
      #expect(error.responseID == nil, "which would be the end of an answer")
      go.fire()
      #expect(try reader.hearStream().token == "two")
      #expect(try reader.hearStream().isComplete)
    }
  }

  @Test(arguments: ["{\"response_id\":\"a1\"}", "{\"request_id\":\"r1\"}"])
  func aCancelThatComesWhenTheEndIsOnItsWayIsNoSecondEnd(_ which: String) async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      // All of an answer is there; its reader lags and has not been told the end.
      let live = LiveAnswer(responseID: "a1", requestID: "r1", sessionID: "s1")
      let answer = ActiveAnswer(live, for: nil, isResumable: false)
      server.service.sessions.begin(answer, in: "s1")
      live.add(
        .completed(Completion(finishReason: .stop, provider: "p", model: "m", promptID: "x", durationMilliseconds: 1)))
      try reader.say("ai_chat_cancel", which)
      #expect(try reader.isQuiet())
      answer.told()
      try reader.say("ai_chat_cancel", which)
      #expect(try reader.hearError().code == "UNKNOWN_RESPONSE")
    }
  }

  @Test func aSecondReaderTakesNothingFromTheFirstAndEachHearsOneEnd() async throws {
    let (go, last) = (Signal(), Signal())
    let script: [ScriptedProvider.Step] = [
      .token("one "), .wait(go), .token("two "), .wait(last), .token("three"), .end,
    ]
    try await TestServer.with(TestServer.Wishes(transport: ScriptedProvider([script, [.token("mine"), .end]]))) {
      (server: TestServer) async throws -> Void in
      let asker = try ReaderClient(server, query: "?resume=1")
      try asker.ask("What?")
      #expect(try asker.hearStream().token == "one ")
      let second = try ReaderClient(server, query: "?resume=1")
      try Self.resume(second, after: -1)
      #expect(try second.hearStream().token == "one ")
      go.fire()
      #expect(try second.hearStream().token == "two ")
      let third = try ReaderClient(server, query: "?resume=1")
      try Self.resume(third, after: 0)
      #expect(try third.hearStream().token == "two ")
      last.fire()
      #expect(try asker.hearRest(after: ["one "]).tokens == ["one ", "two ", "three"])
      #expect(try second.hearRest(after: ["one ", "two "]).tokens == ["one ", "two ", "three"])
      #expect(try third.hearRest(after: ["one ", "two "]).tokens == ["one ", "two ", "three"])
      for reader in [asker, second, third] { #expect(try reader.isQuiet()) }
      try asker.ask("And?")
      #expect(try asker.hearAnswer().tokens == ["mine"])
    }
  }

  @Test func whoResumesOnTheSocketThatReadsAlreadyHearsOneEnd() async throws {
    let (go, last) = (Signal(), Signal())
    let script: [ScriptedProvider.Step] = [
      .token("one "), .wait(go), .token("two "), .wait(last), .token("three"), .end,
    ]
    try await TestServer.with(TestServer.Wishes(transport: ScriptedProvider([script]))) {
      (server: TestServer) async throws -> Void in
      let asker = try ReaderClient(server, query: "?resume=1")
      try asker.ask("What?")
      #expect(try asker.hearStream().token == "one ")
      // Often, and at last while a token is on its way: what was being sent to it is not sent among what is sent now.
      for _ in 0..<50 {
        try Self.resume(asker, after: -1)
        #expect(try asker.hearStream().token == "one ")
      }
      go.fire()
      #expect(try asker.hearStream().token == "two ")
      last.fire()
      #expect(try asker.hearRest(after: ["one ", "two "]).tokens == ["one ", "two ", "three"])
      #expect(try asker.isQuiet())
    }
  }

  @Test func whoLaggedAndComesBackIsUnderstoodAlthoughAnotherReadsAlong() async throws {
    try await TestServer.with(Self.flood) { (server: TestServer) async throws -> Void in
      var asker: ReaderClient? = try ReaderClient(server, query: "?resume=1")
      try asker?.ask("What?")
      waitUntil { server.service.sessions.sockets.contains(where: \.isAwaited) }
      var heard: [String] = []
      while heard.last?.split(separator: " ").count ?? 0 < 2 { heard.append(try asker?.hearStream().token ?? "") }
      let other = try ReaderClient(server, query: "?resume=1")
      try Self.resume(other, after: -1)
      let beginning = try (0..<3).map { _ in try other.hearStream().token }
      #expect(beginning == Array(heard[..<3]))
      asker = nil
      waitUntil { server.service.sessions.socketCount == 1 }
      let back = try ReaderClient(server, query: "?resume=1")
      try Self.resume(back, after: heard.count - 1)
      #expect(try back.hearRest(after: heard).tokens.joined() == Self.words.joined())
      let all = try other.hearRest(after: beginning).tokens
      #expect(all.joined() == Self.words.joined())
      #expect(Array(all[..<heard.count]) == heard)
    }
  }

  @Test func whoComesBackDoesNotWaitForTheOldConnectionThatTakesNothing() async throws {
    try await TestServer.with(Self.flood) { (server: TestServer) async throws -> Void in
      let deaf = try ReaderClient(server, query: "?resume=1")
      try deaf.ask("What?")
      waitUntil { server.service.sessions.sockets.contains(where: \.isAwaited) }
      let back = try ReaderClient(server, query: "?resume=1")
      try Self.resume(back, after: -1)
      #expect(try back.hearAnswer().tokens.joined() == Self.words.joined())
      // And whoever was deaf may still have all of it.
      #expect(try deaf.hearAnswer().tokens.joined() == Self.words.joined())
    }
  }

  @Test func theFirstWhoIsSentANumberSaysWhatItHolds() {
    let live = LiveAnswer(responseID: "a1", requestID: nil, sessionID: nil)
    var batch = AnswerBatch()
    for _ in 0..<9 { batch.token { $0 += Array("x".utf8) } }
    live.add(.batch(batch))
    #expect([1, 2, 6].enumerated().map { live.tokens(withRecord: $0, wanted: $1) } == [1, 2, 6])
    #expect([1, 2, 3].enumerated().map { live.tokens(withRecord: $0, wanted: $1) } == [1, 2, 6])
    #expect(live.tokens(withRecord: 3, wanted: 7) == 7)
    #expect([-1, 0, 1, 2, 3, 4].map { live.resume(after: $0)?.place.token } == [0, 1, 2, 6, 7, nil])
    live.add(
      .completed(Completion(finishReason: .stop, provider: "p", model: "m", promptID: "x", durationMilliseconds: 1)))
    #expect(live.resume(after: 4) == nil, "two tokens have no number yet")
    #expect(live.tokens(withRecord: 4, wanted: 9) == 9)
    #expect(live.resume(after: 5).map { live.hasEnded(at: $0.place) } == true)
    #expect(live.resume(after: 6) == nil)
  }

  @Test func whoHadTheEndIsSentNoSecondOne() async throws {
    try await TestServer.with(TestServer.Wishes(transport: ScriptedProvider([[.token("one "), .token("two"), .end]]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server, query: "?resume=1")
      try reader.ask("What?")
      #expect(try reader.hearAnswer().end.seq == 2)
      try Self.resume(reader, after: 2)
      #expect(try reader.hearError().code == "UNKNOWN_RESPONSE")
      // Nor tokens, wherever it says that it stands: what this connection was sent it has.
      for seq in [-1, 0, 1] {
        try Self.resume(reader, after: seq)
        #expect(try reader.hearError().code == "UNKNOWN_RESPONSE")
      }
      // Who had all but the end, and lost the connection, has it now.
      let back = try ReaderClient(server, query: "?resume=1")
      try Self.resume(back, after: 1)
      #expect(try back.hearStream().completion?.finishReason == .stop)
      #expect(try back.isQuiet())
      try Self.resume(back, after: 1)
      #expect(try back.hearError().code == "UNKNOWN_RESPONSE")
    }
  }

  @Test(arguments: ["", "?resume=1"]) func whoWatchesFromAfterTheEndSeesTheNextAnswer(_ query: String) async throws {
    try await TestServer.with(TestServer.Wishes(transport: ScriptedProvider([[.token("one"), .end]]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server, query: query)
      try reader.ask("What?")
      _ = try reader.hearAnswer()
      let watcher = try ReaderClient(server, query: "?watch=1")
      #expect(try watcher.isQuiet())
      try reader.ask("And?")
      #expect(try watcher.hearAnswer().end.responseID == "a2")
    }
  }
}
