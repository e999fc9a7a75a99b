// Conversations over HTTP: seen again by who had them, gated, and unknown to everybody else.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct SessionRouteTests {
  private static let time = Timestamp(microseconds: 1_750_000_000_000_000)

  /// A conversation of three turns whose prompts reached pages 2, 5 and 8; the reader is on page 8.
  private static func converse(_ server: TestServer, owner: String? = nil) throws {
    let store = try server.conversations()
    let id = try #require(SessionID("s1"))
    for (number, page) in [2, 5, 8].enumerated() {
      var turn = TurnToKeep(
        sessionID: id, owner: owner, parent: .newest, characterID: "london-fox",
        question: "Who is \(Story.canary(page))?",
        promptID: "x")
      turn.sources.pages = [Story.id(page)]
      turn.pageID = Story.id(page)
      try store.append(
        turn, answer: "It is \(Story.canary(page)).", outcome: number == 1 ? .interrupted : .complete, at: time)
    }
  }

  @Test func aSessionTellsWhenWhereAndWhatWasSaid() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      try Self.converse(server)
      let response = try server.get("/api/v1/sessions/s1?limit=2")
      #expect(response.status == 200)
      #expect(
        response.body == """
          {"session_id":"s1","made_at":"2025-06-15T15:06:40.000000Z","seen_at":"2025-06-15T15:06:40.000000Z",\
          "character_id":"london-fox","page_id":"p08","page_index":8,"turns":[\
          {"turn":2,"parent_turn":1,"character_id":"london-fox","question":"Who is canaryexx?",\
          "answer":"It is canaryexx.","outcome":"interrupted","made_at":"2025-06-15T15:06:40.000000Z"},\
          {"turn":3,"parent_turn":2,"character_id":"london-fox","question":"Who is canaryhxx?",\
          "answer":"It is canaryhxx.","outcome":"complete","made_at":"2025-06-15T15:06:40.000000Z"}],"earlier":2}

          """)
      let before = try server.get("/api/v1/sessions/s1?limit=2&before=2")
      #expect(before.strings("turns", "question") == ["Who is canarybxx?"])
      #expect(before.member("earlier") == nil)
    }
  }

  @Test func whatAnAnswerCitedIsToldAgainAsItsPagesAreNow() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let store = try server.conversations()
      let id = try #require(SessionID("s1"))
      var turn = TurnToKeep(sessionID: id, parent: .newest, characterID: nil, question: "What was that?", promptID: "x")
      turn.sources.pages = [Story.id(2), Story.id(5)]
      let page = try #require(try server.get("/api/v1/pages/p02").member("text")?.stringValue)
      let words = page.split(separator: " ").prefix(6).joined(separator: " ")
      let answers = [
        "Look: \u{201C}\(words)\u{201D} [page p02]. \u{201C}But nobody ever said such a thing\u{201D} [page 05], nor [page p09].",
        "Nothing at all.", "A list [of things], and no page.",
      ]
      for answer in answers { try store.append(turn, answer: answer, outcome: .complete, at: Self.time) }
      func cited() throws -> [[String]] {
        let turns = try server.get("/api/v1/sessions/s1").member("turns")?.arrayValue ?? []
        return turns.map { ($0.objectValue?["citations"]?.arrayValue ?? []).map(\.text) }
      }
      #expect(
        try cited() == [
          [
            #"{"page_id":"p02","in_prompt":true,"quote":"\#(words)","verified":true}"#,
            #"{"page_id":"05","in_prompt":false,"quote":"But nobody ever said such a thing"}"#,
            #"{"page_id":"p09","in_prompt":false}"#,
          ], [], [],
        ])
    }
  }

  @Test(arguments: ["page=p05", "page_index=5"])
  func turnsBehindTheReadersPageAreAsIfTheyHadNotBeen(_ place: String) async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      try Self.converse(server)
      let response = try server.get("/api/v1/sessions/s1?\(place)")
      #expect(response.strings("turns", "question") == ["Who is canarybxx?", "Who is canaryexx?"])
      for secret in Story.secrets(after: 5) { #expect(!response.body.contains(secret)) }
      #expect(response.member("page_id") == nil)
    }
  }

  @Test func aSessionIsItsOwnersAndUnknownToOthersByteForByte() async throws {
    var wishes = Story.wishes
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdef\nben:fedcba9876543210\n", path: "tokens")
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      try Self.converse(server, owner: "ann")
      let (ann, ben) = ("Authorization: Bearer 0123456789abcdef", "Authorization: Bearer fedcba9876543210")
      #expect(try server.get("/api/v1/sessions/s1", ann).status == 200)
      #expect(try server.get("/api/v1/sessions/s1").status == 401)
      let others = try server.get("/api/v1/sessions/s1", ben)
      let absent = try server.get("/api/v1/sessions/s2", ben)
      #expect(others.status == 404)
      #expect(others.code == "UNKNOWN_SESSION")
      #expect(others.timeless == absent.timeless)
      // Nor does it tell where its owner is.
      #expect(try server.get("/api/v1/pages?session=s1", ben).code == "UNKNOWN_SESSION")
      #expect(try server.get("/api/v1/search?q=lantern&session=s1", ben).code == "UNKNOWN_SESSION")
      #expect(try server.get("/api/v1/pages?session=s1", ann).strings("pages", "id").count == 8)
    }
  }

  @Test func anAnswerThatIsBeingMadeIsRunningAndOneThatWasStoppedIsNot() async throws {
    let go = Signal()
    var wishes = Story.wishes
    wishes.transport = ScriptedProvider([[.token("one "), .wait(go), .token("two"), .end], [.endless("on ")]])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      func outcomes() throws -> [String] { try server.get("/api/v1/sessions/s1").strings("turns", "outcome") }
      try reader.ask("What swings?", page: "p05")
      _ = try reader.hearStream()
      // The turn is begun beside its answer: it may be there a moment later.
      waitUntil { !server.service.conversing.turnsBeingMade.isEmpty }
      #expect(try outcomes() == ["running"])
      go.fire()
      _ = try reader.hearRest(after: ["one "])
      #expect(try outcomes() == ["complete"])
      try reader.ask("And on?", requestID: "r2")
      _ = try reader.hearStream()
      waitUntil { !server.service.conversing.turnsBeingMade.isEmpty }
      #expect(try outcomes() == ["complete", "running"])
      try reader.say("ai_chat_cancel", "{\"request_id\":\"r2\"}")
      while try !reader.hearStream().isComplete {}
      #expect(try outcomes() == ["complete", "interrupted"])
      #expect(server.service.conversing.turnsBeingMade == [])
    }
  }

  @Test func aSessionOfNobodyIsSeenByEveryNameAndTakenByTheFirstThatOpensASocketOrAsks() async throws {
    var wishes = Story.wishes
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdef\nben:fedcba9876543210\n", path: "tokens")
    wishes.transport = ScriptedProvider([[.token("A lantern."), .end]])
    let (ann, ben) = ("Authorization: Bearer 0123456789abcdef", "Authorization: Bearer fedcba9876543210")
    let question = #"{"prompt":"What swings?","session_id":"s1","current_page_id":"p05"}"#
    for isAsking in [false, true] {
      try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
        try Self.converse(server)
        func statuses(_ name: String) throws -> [Int] {
          [
            try server.get("/api/v1/sessions/s1", name).status, try server.get("/api/v1/pages?session=s1", name).status,
            try server.post("/api/v1/context", question, name).status,
          ]
        }
        // To look at it takes it from nobody, however often.
        for name in [ben, ann, ben, ann] { #expect(try statuses(name) == [200, 200, 200]) }
        if isAsking {
          #expect(try server.post("/api/v1/ask", question, ann).status == 200)
        } else {
          _ = try ReaderClient(server, extra: ann + "\r\n")
        }
        #expect(try statuses(ann) == [200, 200, 200])
        #expect(try statuses(ben) == [404, 404, 404])
      }
    }
  }

  @Test(arguments: ["a%2Fb", "%2e%2e%2fstory.db", "a%20b", String(repeating: "x", count: 129), "%c3%a9"])
  func whatCanBeNoNameIsRefused(_ name: String) async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let response = try server.get("/api/v1/sessions/\(name)")
      #expect(response.status == 400)
      #expect(response.code == "BAD_REQUEST")
    }
  }

  @Test func statsCountWhatThereIs() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      try Self.converse(server)
      let response = try server.get("/api/v1/stats")
      let wanted = [("pages", 12), ("characters", 16), ("sessions", 1), ("turns", 3), ("requests", 0), ("tokens", 0)]
      for (name, count) in wanted { #expect(response.member(name)?.integerValue == count, "\(name)") }
      #expect(try server.get("/api/v1/stats").member("requests")?.integerValue == 1)
    }
  }
}
