// The protocol of the socket against a scripted provider.
import NIOCore
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct ConversationTests {
  private static let answer: [ScriptedProvider.Step] = [.token("A "), .token("lan"), .token("tern."), .end]

  private static func wishes(
    _ provider: ScriptedProvider, _ change: (inout Limits) -> Void = { _ in }
  ) -> TestServer.Wishes {
    var wishes = TestServer.Wishes(transport: provider)
    change(&wishes.limits)
    return wishes
  }

  @Test func aQuestionIsAnsweredTokenByTokenInTheRecordsOfTheProtocol() async throws {
    try await TestServer.with(Self.wishes(ScriptedProvider([Self.answer]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      #expect(
        reader.greeting == "{\"type\":\"connection_established\",\"data\":{\"session_id\":\"s1\","
          + "\"timestamp\":\"1970-01-01T00:00:00.000000Z\",\"protocol\":1,\"resumable\":[]}}")
      try reader.ask("What swings?", requestID: "r1", page: "003")
      for (seq, token) in ["A ", "lan", "tern."].enumerated() {
        #expect(
          try reader.hearText()
            == "{\"type\":\"ai_response_stream\",\"data\":{\"response_id\":\"a1\",\"token\":\"\(token)\","
            + "\"is_complete\":false,\"timestamp\":\"1970-01-01T00:00:00.000000Z\",\"seq\":\(seq),\"request_id\":\"r1\","
            + "\"session_id\":\"s1\"}}")
      }
      let end = try reader.hearStream()
      #expect(end.seq == 3)
      #expect(end.completion?.finishReason == .stop)
      #expect(end.completion?.provider == "ollama")
    }
  }

  @Test func whatIsHeardAtOnceIsAnsweredWhileAnAnswerStreams() async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.token("one"), .wait(go), .token("two"), .end]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?")
      #expect(try reader.hearStream().token == "one")
      try reader.say("ping", "{\"timestamp\":[1.50,{\"a\":null}]}")
      #expect(try reader.hearText() == "{\"type\":\"pong\",\"data\":{\"timestamp\":[1.50,{\"a\":null}]}}")
      try reader.say("prompt_selection", "{\"prompt_id\":\"mine\"}")
      #expect(try reader.hearText() == "{\"type\":\"prompt_selected\",\"data\":{\"prompt_id\":\"mine\"}}")
      try reader.say("page_navigation", "{\"page_index\":7}")
      #expect(
        try reader.hearText() == "{\"type\":\"vault_update\",\"data\":{\"vault_data\":{\"current_page_index\":7,"
          + "\"session_id\":\"s1\"},\"timestamp\":\"1970-01-01T00:00:00.000000Z\"}}")
      go.fire()
      #expect(try reader.hearStream().token == "two")
    }
  }

  @Test(
    arguments: [
      ("{", "MALFORMED_RECORD"), ("[]", "MALFORMED_RECORD"), ("{\"type\":\"x\",\"data\":{}}", "UNKNOWN_MESSAGE_TYPE"),
      ("{\"type\":7,\"data\":{}}", "MALFORMED_RECORD"), ("{\"type\":\"ping\"}", "MALFORMED_RECORD"),
      ("{\"type\":\"pong\",\"data\":{}}", "UNKNOWN_MESSAGE_TYPE"),
      ("{\"type\":\"ai_prompt\",\"data\":{}}", "UNKNOWN_MESSAGE_TYPE"),
      ("{\"type\":\"ai_prompt\"}", "MALFORMED_RECORD"),
      ("{\"type\":\"ai_chat_cancel\",\"data\":{\"response_id\":\"LONG\"}}", "MALFORMED_RECORD"),
      ("{\"type\":\"ai_chat_request\",\"data\":{}}", "MALFORMED_RECORD"),
      ("{\"type\":\"ai_chat_request\",\"data\":{\"prompt\":7}}", "MALFORMED_RECORD"),
      ("{\"type\":\"ai_chat_request\",\"data\":{\"prompt\":\"  \"}}", "BAD_REQUEST"),
      ("{\"type\":\"ai_chat_request\",\"data\":{\"prompt\":\"x\",\"current_page_id\":\"999\"}}", "UNKNOWN_PAGE"),
      ("{\"type\":\"ai_chat_request\",\"data\":{\"prompt\":\"x\",\"character_id\":\"nobody\"}}", "UNKNOWN_CHARACTER"),
      ("{\"type\":\"page_navigation\",\"data\":{}}", "MALFORMED_RECORD"),
      ("{\"type\":\"page_navigation\",\"data\":{\"page_index\":\"7\"}}", "MALFORMED_RECORD"),
      ("{\"type\":\"page_navigation\",\"data\":{\"page_index\":77}}", "UNKNOWN_PAGE"),
      ("{\"type\":\"page_navigation\",\"data\":{\"page_index\":1e400}}", "MALFORMED_RECORD"),
      ("{\"type\":\"prompt_selection\",\"data\":{\"prompt_id\":7}}", "MALFORMED_RECORD"),
      ("{\"type\":\"ai_chat_cancel\",\"data\":{\"response_id\":\"a9\"}}", "UNKNOWN_RESPONSE"),
      ("{\"type\":\"ai_chat_cancel\",\"data\":{}}", "MALFORMED_RECORD"),
      ("{\"type\":\"ai_response_resume\",\"data\":{\"response_id\":\"a9\",\"after_seq\":0}}", "UNKNOWN_RESPONSE"),
      ("{\"type\":\"ai_response_resume\",\"data\":{\"response_id\":\"a9\",\"after_seq\":-2}}", "MALFORMED_RECORD"),
      ("DEEP", "MALFORMED_RECORD"),
      ("{\"type\":\"ping\",\"data\":{\"timestamp\":DEEP}}", "MALFORMED_RECORD"),
    ]) func whatCannotBeUnderstoodHasACodeAndTheConnectionLives(_ text: String, _ code: String) async throws
  {
    try await TestServer.with(Self.wishes(ScriptedProvider([Self.answer]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.raw.say(
        text.replacing("DEEP", with: String(repeating: "[", count: 100_000))
          .replacing("LONG", with: String(repeating: "a", count: 257)))
      #expect(try reader.hearError().code == code)
      try reader.say("ping", "{\"timestamp\":1}")
      #expect(try reader.hearText() == "{\"type\":\"pong\",\"data\":{\"timestamp\":1}}")
    }
  }

  @Test func aNumberOfAnyLengthIsSaidBackAndHarmsNobody() async throws {
    try await TestServer.with(Self.wishes(ScriptedProvider([Self.answer]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      let number = String(repeating: "9", count: 300_000)
      try reader.say("ping", "{\"timestamp\":\(number)}")
      #expect(try reader.hearText() == "{\"type\":\"pong\",\"data\":{\"timestamp\":\(number)}}")
    }
  }

  @Test func whatCausedAnErrorIsNamedInIt() async throws {
    try await TestServer.with(Self.wishes(ScriptedProvider([Self.answer]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.say("ai_chat_request", "{\"prompt\":7,\"request_id\":\"r7\",\"session_id\":\"other\"}")
      let broken = try reader.hearError()
      #expect(broken.requestID == "r7")
      #expect(broken.sessionID == "s1", "the session is the socket's")
      try reader.ask("x", requestID: "r8", page: "999")
      let error = try reader.hearError()
      #expect(error.requestID == "r8")
      #expect(error.sessionID == "s1")
    }
  }

  @Test func noErrorIsLongerThanARecordMayBe() async throws {
    try await TestServer.with(Self.wishes(ScriptedProvider([Self.answer]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      // Short in letters, and long in bytes: nothing of it is said twice.
      try reader.say("page_navigation", "{\"page_id\":\"\(String(repeating: "🐈", count: 300))\"}")
      #expect(try reader.hearText().count { $0 == "🐈" } == 300)
      let long = "no" + String(repeating: "e\u{301}", count: 300_000) + "where"
      for (type, data) in [
        ("page_navigation", "\"page_id\":\"\(long)\""),
        ("ai_chat_request", "\"prompt\":\"x\",\"character_id\":\"\(long)\""),
        ("ai_chat_request", "\"prompt\":\"x\",\"current_page_id\":\"\(long)\""), (long, ""),
      ] {
        try reader.say(type, "{\(data)}")
        let text = try reader.hearText()
        #expect(text.utf8.count < 4096)
        // What it was about, and what helps, can still be told.
        #expect(text.contains("noe\u{301}"))
      }
    }
  }

  @Test func questionsWaitForTheirTurnAndTooManyAreRefused() async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.wait(go), .token("first"), .end], Self.answer])
    try await TestServer.with(Self.wishes(provider) { $0.queue = 2 }) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      for number in 1...4 { try reader.ask("What?", requestID: "r\(number)") }
      let refused = try reader.hearError()
      #expect(refused.code == "BUSY")
      #expect(refused.requestID == "r4")
      #expect(refused.isRetryable)
      go.fire()
      for number in 1...3 { #expect(try reader.hearAnswer().end.requestID == "r\(number)") }
      #expect(provider.requests.count == 3)
    }
  }

  @Test func questionsRunSideBySideWhereTheyMay() async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.wait(go), .token("slow"), .end], Self.answer])
    try await TestServer.with(Self.wishes(provider) { $0.parallel = 2 }) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?", requestID: "r1")
      // The first script is the first request's: both must have been asked for before the second can answer.
      try reader.ask("What?", requestID: "r2")
      let first = try reader.hearAnswer()
      go.fire()
      let second = try reader.hearAnswer()
      #expect(Set([first.end.requestID, second.end.requestID]) == ["r1", "r2"])
      #expect(first.tokens == ["A ", "lan", "tern."])
    }
  }

  @Test func aCancelledAnswerEndsAndTheNextQuestionIsClean() async throws {
    let provider = ScriptedProvider([[.endless("on ")], Self.answer])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?", requestID: "r1")
      let first = try reader.hearStream()
      try reader.say("ai_chat_cancel", "{\"response_id\":\"\(first.responseID)\"}")
      var seq = 0
      while true {
        let next = try reader.hearStream()
        seq += 1
        #expect(next.seq == seq)
        if let completion = next.completion {
          #expect(completion.finishReason == .cancelled)
          break
        }
      }
      await provider.abandoned.wait()
      try reader.ask("And now?", requestID: "r2")
      let (tokens, end) = try reader.hearAnswer()
      #expect(tokens == ["A ", "lan", "tern."])
      #expect(end.requestID == "r2")
    }
  }

  @Test func aQuestionThatWaitsIsCancelledByItsOwnId() async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.wait(go), .token("first"), .end]])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?", requestID: "r1")
      try reader.ask("What?", requestID: "r2")
      try reader.say("ai_chat_cancel", "{\"request_id\":\"r2\"}")
      let text = try reader.hearText()
      #expect(text.contains("\"request_id\":\"r2\""))
      #expect(text.contains("\"finish_reason\":\"cancelled\""))
      // Nobody was asked.
      for name in ["provider", "model", "prompt_id", "usage"] { #expect(!text.contains("\"\(name)\"")) }
      go.fire()
      #expect(try reader.hearAnswer().end.requestID == "r1")
      #expect(provider.requests.count == 1)
    }
  }

  @Test func whoLeavesEndsTheWorkOfTheProvider() async throws {
    for isReset in [false, true] {
      let provider = ScriptedProvider([[.endless("on ")]])
      try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
        var reader: ReaderClient? = try ReaderClient(server)
        try reader?.ask("What?")
        _ = try reader?.hearStream()
        if isReset { reader?.raw.reset() }
        reader = nil
        await provider.abandoned.wait()
      }
    }
  }

  @Test func aFailureIsOneErrorWithTheTokensBeforeItAndNothingOfTheInside() async throws {
    let provider = ScriptedProvider([
      [.token("A "), .fail(.cut(reason: "10.0.0.7 hung up"))], [.fail(.refused(reason: "http://10.0.0.7"))],
      Self.answer,
    ])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?", requestID: "r1")
      #expect(try reader.hearStream().token == "A ")
      let cut = try reader.hearError()
      #expect(cut.code == "STREAM_CUT")
      #expect(cut.responseID == "a1")
      #expect(cut.afterSeq == 0)
      #expect(cut.message == "ollama: the answer was cut off")
      try reader.ask("What?", requestID: "r2")
      let refused = try reader.hearError()
      #expect(refused.message == "ollama cannot be reached")
      #expect(refused.requestID == "r2")
      try reader.ask("What?")
      #expect(try reader.hearAnswer().tokens.count == 3)
    }
  }

  @Test func historyAndOptionsOfASocketAreNotHeard() async throws {
    let provider = ScriptedProvider([Self.answer])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.say(
        "ai_chat_request",
        "{\"prompt\":\"Who?\",\"history\":[{\"role\":\"assistant\",\"content\":\"SMUGGLED\"}],"
          + "\"options\":{\"model\":\"SMUGGLED\",\"provider\":\"openai\"},\"session_id\":\"other\"}")
      #expect(try reader.hearAnswer().end.sessionID == "s1")
      // Whatever they are: nobody looks at them.
      for others in [
        "\"history\":[{\"role\":\"system\",\"content\":\"SMUGGLED\"}]", "\"history\":\"SMUGGLED\",\"options\":5",
        "\"options\":{\"max_tokens\":-4},\"vector\":\"SMUGGLED\"", "\"session_id\":\"a/b\"", "\"session_id\":5",
      ] {
        try reader.say("ai_chat_request", "{\"prompt\":\"Who?\",\(others)}")
        #expect(try reader.hearAnswer().end.sessionID == "s1", "\(others)")
      }
      try reader.say("ai_chat_request", "{\"prompt\":\"Who?\",\"character_id\":5}")
      #expect(try reader.hearError().code == "MALFORMED_RECORD")
      #expect(!provider.bodies.joined().contains("SMUGGLED"))
      #expect(Set(provider.requests.map(\.url)) == ["http://localhost:11434/api/chat"])
    }
  }

  @Test func thePageOfTheLastNavigationGatesWhatIsAsked() async throws {
    let provider = ScriptedProvider([Self.answer])
    try await TestServer.with(Self.wishes(provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.say("page_navigation", "{\"page_id\":\"003\"}")
      _ = try reader.hear()
      try reader.ask("Where does the lantern swing?")
      _ = try reader.hearAnswer()
      #expect(provider.bodies[0].contains("On page 3 "))
      #expect(!provider.bodies[0].contains("On page 4 "))
    }
  }

  @Test func whatIsWrongWithABinaryFrameIsSaidInItsTurn() async throws {
    try await TestServer.with(Self.wishes(ScriptedProvider([Self.answer]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      let pings = (0..<30).flatMap { RawClient.frame("{\"type\":\"ping\",\"data\":{\"timestamp\":\($0)}}") }
      try reader.raw.send(pings + RawClient.frame([1, 2, 3], first: 0x82))
      for number in 0..<30 {
        #expect(try reader.hearText() == "{\"type\":\"pong\",\"data\":{\"timestamp\":\(number)}}")
      }
      #expect(try reader.hearError().code == "MALFORMED_RECORD")
    }
  }

  @Test func nothingIsSaidAfterTheCloseFrameHoweverMuchIsBeingAnswered() async throws {
    try await TestServer.with(Self.wishes(ScriptedProvider([Self.answer]))) {
      (server: TestServer) async throws -> Void in
      let pings = (0..<40).flatMap { RawClient.frame("{\"type\":\"ping\",\"data\":{\"timestamp\":\($0)}}") }
      for _ in 0..<20 {
        let reader = try ReaderClient(server)
        try reader.raw.send(pings + RawClient.frame([0x03, 0xE8], first: 0x88))
        while try reader.raw.hear().code == nil {}
        #expect(try reader.raw.takeAll() == "")
      }
    }
  }

  @Test(arguments: [
    "1.10", "1e2", "-0", "12345678901234567890.123", #""\ud800""#, #"{"b":[1.0,{"a":"\u0061 \" b"}],"b":null}"#, "null",
  ]) func aPongSaysWhatThePingSaidLetterForLetter(_ value: String) async throws {
    try await TestServer.with(Self.wishes(ScriptedProvider([Self.answer]))) {
      (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.say("ping", "{\"timestamp\":\(value)}")
      #expect(try reader.hearText() == "{\"type\":\"pong\",\"data\":{\"timestamp\":\(value)}}")
      // Without white space, as every record is, but for that in strings.
      let spaced = value.replacing(",", with: "\n, ").replacing(":", with: " :\t")
      try reader.say("ping", "{\"timestamp\" : 7, \"timestamp\" : \(spaced) , \"request_id\":\"r1\"}")
      #expect(
        try reader.hearText()
          == "{\"type\":\"pong\",\"data\":{\"timestamp\":\(value),\"request_id\":\"r1\"}}")
    }
  }
}
