// What is kept of an answer, however it ends and whatever becomes of the file meanwhile.
import Synchronization
import Testing

@testable import GibseyKit

@Suite struct TurnKeeperTests {
  private let scene: ConversationScene
  private let clock = Clock()

  init() throws { scene = try ConversationScene() }

  /// A clock that moves when it is told to.
  private final class Clock: Sendable {
    private let start = ContinuousClock.now
    private let passed = Mutex(Duration.zero)
    func pass(seconds: Double) { passed.withLock { $0 += .seconds(seconds) } }
    func now() -> ContinuousClock.Instant { start + passed.withLock { $0 } }
  }

  private func keeper() throws -> TurnKeeper {
    try TurnKeeper(path: scene.path, patienceMilliseconds: 0) { Timestamp(microseconds: 0) }
  }

  private func answer(_ prompt: Prompt, _ keeper: TurnKeeper) -> KeptAnswer {
    KeptAnswer(prompt, in: scene.session, keeper: keeper) { [clock] in clock.now() }
  }

  private func prompt(parent: Int? = nil, pages: [String] = [], turns: [Int] = [], gate: String? = nil) -> Prompt {
    var prompt = Prompt(
      prompt: "Who?", characterID: "fox", messages: [Message(role: .user, content: "Who?")],
      pages: pages.map {
        PromptPage(id: $0, title: nil, score: 0, tokens: 1, reasons: JSONObject(), isExcerpt: false)
      }, gatePageID: gate, parentTurn: parent, sessionID: "s1")
    prompt.turns = turns.map { PromptTurn(id: $0, tokens: 1, isRecalled: false) }
    return prompt
  }

  private func batch(_ text: String) -> Asking.Part {
    var batch = AnswerBatch()
    batch.token { $0 += Array(text.utf8) }
    return .batch(batch)
  }

  private func completed(_ reason: FinishReason = .stop) -> Asking.Part {
    .completed(
      Completion(finishReason: reason, provider: "p", model: "m", promptID: "x", durationMilliseconds: 1))
  }

  private func turns() throws -> [StoredTurn] {
    var turns: [StoredTurn] = []
    _ = try scene.store().forEachTurn(of: scene.session) { turns.append($0) }
    return turns
  }

  @Test func anAnswerIsInterruptedUntilItEndsAndWhatCameIsKeptEverySecond() async throws {
    let keeper = try keeper()
    var kept = answer(prompt(), keeper)
    await kept.begin()
    #expect(try turns().map(\.outcome) == [.interrupted])
    kept.take(batch("I "))
    #expect(try turns().map(\.answer) == [""])
    clock.pass(seconds: 1)
    kept.take(batch("am "))
    await keeper.keepAll()
    #expect(try turns().map(\.answer) == ["I am "])
    kept.take(batch("the fox."))
    await keeper.keepAll()
    #expect(try turns().map(\.answer) == ["I am "])
    kept.take(completed())
    try await kept.end()
    #expect(try turns().map(\.answer) == ["I am the fox."])
    #expect(try turns().map(\.outcome) == [.complete])
  }

  @Test func whatCameOfManyAnswersIsKeptTogetherAndNoForgottenSessionIsInTheWay() async throws {
    let keeper = try keeper()
    let store = try scene.store()
    var others: [KeptAnswer] = []
    for name in ["s2", "s3"] {
      others.append(
        KeptAnswer(prompt(), in: try #require(SessionID(name)), keeper: keeper) { [clock] in clock.now() })
    }
    var kept = [others[0], answer(prompt(), keeper), others[1]]
    for index in kept.indices { await kept[index].begin() }
    clock.pass(seconds: 1)
    #expect(try store.forget(scene.session))
    for index in kept.indices { kept[index].take(batch("half \(index)")) }
    await keeper.keepAll()
    for (name, text) in [("s2", "half 0"), ("s3", "half 2")] {
      var answers: [String] = []
      _ = try store.forEachTurn(of: try #require(SessionID(name))) { answers.append($0.answer) }
      #expect(answers == [text])
    }
  }

  @Test func whatIsKeptLateNeverReplacesTheEnd() async throws {
    let keeper = try keeper()
    var kept = answer(prompt(), keeper)
    await kept.begin()
    clock.pass(seconds: 1)
    kept.take(batch("half"))
    kept.take(batch(" and whole"))
    kept.take(completed())
    try await kept.end()
    await keeper.keepAll()
    #expect(try turns().map(\.answer) == ["half and whole"])
    #expect(try turns().map(\.outcome) == [.complete])
  }

  @Test func aLongAnswerIsWrittenAnewOnlyWhenItHasGrownByAnEighth() async throws {
    let keeper = try keeper()
    var kept = answer(prompt(), keeper)
    await kept.begin()
    func after(_ count: Int) async throws -> Int? {
      clock.pass(seconds: 1)
      kept.take(batch(String(repeating: "x", count: count)))
      await keeper.keepAll()
      return try turns().last?.answer.utf8.count
    }
    #expect(try await after(64 << 10) == 64 << 10)
    #expect(try await after((8 << 10) - 1) == 64 << 10)
    #expect(try await after(1) == 72 << 10)
    kept.take(completed())
    try await kept.end()
  }

  @Test func whoWaitedForTheirTurnHasWaitedForTheOtherWriterAsWell() {
    let asked = ContinuousClock.now
    func rest(after milliseconds: Int) -> Int {
      TurnKeeper.rest(ofMilliseconds: 5000, since: asked, now: asked + .milliseconds(milliseconds))
    }
    #expect([0, 1800, 5000, 9000].map(rest) == [5000, 3200, 0, 0])
  }

  @Test func howItEndedIsMarked() async throws {
    let ends: [(Asking.Part?, StoredTurn.Outcome)] = [
      (completed(.length), .complete), (completed(.cancelled), .interrupted),
      (.failed(.emptyAnswer(provider: "p", thought: false), usage: nil), .failed), (nil, .interrupted),
    ]
    let keeper = try keeper()
    for (end, outcome) in ends {
      var kept = answer(prompt(), keeper)
      await kept.begin()
      kept.take(batch("some"))
      if let end { kept.take(end) }
      try await kept.end()
      #expect(try turns().last?.outcome == outcome)
      #expect(try turns().last?.answer == "some")
    }
  }

  @Test func aTurnIsAsFarInTheBookAsWhatWasInItsPromptAndTheReaderMovesToTheGate() async throws {
    let store = try scene.store()
    let far = try scene.say("far", "3", in: store, furthest: 3)
    let keeper = try keeper()
    for (prompt, furthest) in [
      (prompt(pages: ["p1"], gate: "p2"), 2), (prompt(pages: ["p1"], turns: [far]), 3), (prompt(), nil),
    ] {
      let kept = answer(prompt, keeper)
      await kept.begin()
      try await kept.end()
      #expect(try turns().last?.furthestPageIndex == furthest)
    }
    #expect(try store.session(scene.session)?.pageID == "p2")
    #expect(try store.session(scene.session)?.furthestPageIndex == 2, "pages without a gate move nobody")
  }

  /// Where the reader is and what only the whole book gave, lore included; and what nobody can place, which is behind every page.
  @Test func aTurnRemembersTheReadersPageAndItsLoreAndHidesWhatItCannotPlace() async throws {
    let keeper = try keeper()
    func lore(_ known: String?...) -> Prompt {
      var prompt = self.prompt(pages: ["p1"])
      prompt.lore = known.map { PromptLoreEntry(id: "0", tokens: 1, knownFrom: $0) }
      return prompt
    }
    var whole = prompt(pages: ["p1"])
    whole.currentPageID = "p3"
    var brought = prompt(pages: ["p1"])
    brought.messages.insert(Message(role: .assistant, content: "Somebody drowned."), at: 0)
    var gated = brought
    gated.gatePageID = "p2"
    let elsewhere = TurnSources.unknownPlace
    for (prompt, furthest) in [
      (prompt(gate: "p3"), 3), (lore(nil), 1), (lore("p3", nil), 3), (lore("gone"), elsewhere), (whole, 3),
      (prompt(pages: ["gone"], gate: "p2"), elsewhere), (prompt(turns: [99]), elsewhere), (brought, elsewhere),
      (gated, 2),
    ] {
      let kept = answer(prompt, keeper)
      await kept.begin()
      try await kept.end()
      #expect(try turns().last?.furthestPageIndex == furthest)
    }
  }

  @Test func whoeverReadsTheWholeBookIsStillWhereTheyAre() async throws {
    let keeper = try keeper()
    var prompt = self.prompt(pages: ["p3"])
    prompt.currentPageID = "p2"
    let kept = answer(prompt, keeper)
    await kept.begin()
    try await kept.end()
    let session = try #require(try scene.store().session(scene.session))
    #expect(session.pageID == "p2")
    #expect(session.furthestPageIndex == 2)
  }

  @Test func aPromptOfNoSessionGoesOnWhereTheSessionIs() async throws {
    let store = try scene.store()
    let last = try scene.say("before", "1", in: store)
    let keeper = try keeper()
    var plain = prompt()
    plain.sessionID = nil
    let kept = answer(plain, keeper)
    await kept.begin()
    #expect(try await kept.end().parent == last)
    let first = answer(prompt(parent: nil), keeper)
    await first.begin()
    #expect(try await first.end().parent == nil)
  }

  @Test func aFileThatIsLockedAtTheStartCostsNothingAndAtTheEndIsTold() async throws {
    let indexer = try PageStore(path: scene.path, access: .readWrite)
    let writer = try indexer.writer()
    let keeper = try keeper()
    try writer.begin()
    var kept = answer(prompt(), keeper)
    await kept.begin()
    kept.take(batch("late"))
    kept.take(completed())
    let locked = kept
    await #expect(throws: GibseyError.databaseBusy(path: scene.path)) { try await locked.end() }
    try writer.commit()
    try await kept.end()
    #expect(try turns().map(\.answer) == ["late"])
  }

  @Test func aSessionThatIsForgottenMeanwhileIsNotMadeAgain() async throws {
    let keeper = try keeper()
    let store = try scene.store()
    let parent = try scene.say("before", "1", in: store)
    var during = answer(prompt(parent: parent), keeper)
    await during.begin()
    during.take(batch("words"))
    #expect(try store.forget(scene.session))
    during.take(completed())
    let before = answer(prompt(parent: parent), keeper)
    await before.begin()
    for kept in [during, before] {
      await #expect(throws: GibseyError.sessionForgotten(id: "s1")) { try await kept.end() }
    }
    #expect(try store.session(scene.session) == nil)
  }

  @Test func whatIsSaidAfterTheFileWasReplacedIsInTheNewOne() async throws {
    let keeper = try keeper()
    let parent = try scene.say("before", "1", in: try scene.store())
    var during = answer(prompt(parent: parent), keeper)
    await during.begin()
    during.take(batch("half"))
    let scene = try replaced()
    let other = try scene.say("of the new file", "2", in: try scene.store())
    clock.pass(seconds: 1)
    during.take(batch(" and whole"))
    await keeper.keepAll()
    during.take(completed())
    try await during.end()
    #expect(try turns().map(\.answer) == ["2", "half and whole"])
    #expect(try turns().last?.parent == other)
    let after = answer(prompt(parent: other), keeper)
    await after.begin()
    #expect(try await after.end().parent == other)
    try await keeper.claim(scene.session, for: "ann")
    try await keeper.move(scene.session, to: ("p2", 2), owner: "ann")
    let session = try #require(try scene.store().session(scene.session))
    #expect(session.owner == "ann")
    #expect(session.pageID == "p2")
  }

  @Test func aFileThatIsGoneIsMissedAndTheNextOneIsFound() async throws {
    let keeper = try keeper()
    try scene.removeFile()
    await #expect(throws: GibseyError.noDatabase(path: scene.path)) {
      try await keeper.claim(scene.session, for: "ann")
    }
    _ = try replaced()
    try await keeper.claim(scene.session, for: "ann")
    #expect(try scene.store().session(scene.session)?.owner == "ann")
  }

  /// The same scene in a new file at the same place.
  private func replaced() throws -> ConversationScene {
    try scene.removeFile()
    try scene.writeFile()
    return scene
  }

  /// A text is what it has of four things, whatever they are called.
  private struct ThingEmbedder: Embedder {
    static let things = [["ice", "frozen"], ["ship", "vessel"], ["bee", "insect"], ["lamp", "light"]]
    let fingerprint = EmbeddingFingerprint(model: "things", revision: "1", dimensions: 4, windows: "all", prefix: "")

    static func vector(_ text: String) -> UnitVector? {
      UnitVector(normalizing: things.map { words in words.contains { text.contains($0) } ? 1 : 0.01 })
    }

    func embed(_ texts: [String]) async throws -> [TextEmbedding] {
      texts.compactMap(Self.vector).map { TextEmbedding(windows: [$0], pieces: [1], isTruncated: false) }
    }
  }

  @Test func turnsGetVectorsAndComeBackByTheirMeaningUntilTheyAreForgotten() async throws {
    let embedder = ThingEmbedder()
    let pages = try PageStore(path: scene.path, access: .readWrite)
    let writer = try pages.writer()
    let vectors = try pages.vectorWriter(writer)
    try writer.begin()
    let row = try vectors.embedder(
      embedder.fingerprint.description, coding: VectorCoding(dimensions: 4, precision: .int4))
    try vectors.activate(row)
    try writer.commit()
    let store = try scene.store()
    let active = try #require(try store.activeEmbedder())
    let before = try scene.say("one of before", "1", in: store)
    let keeper = try keeper()
    var kept = answer(prompt(parent: before), keeper)
    await kept.begin()
    kept.take(batch("My sister keeps bees."))
    kept.take(completed())
    let told = try await kept.end().id
    #expect(try await keeper.embed { _ in nil } == 0)
    #expect(try await keeper.embed { _ in embedder } == 1)
    #expect(try store.turnsWantingVectors(of: active, after: 0, limit: 9).map(\.id) == [before])
    for _ in 0..<200 { try scene.say("q", String(repeating: "filler ", count: 40), in: store) }
    let embedding = TurnEmbedding(store: store) { texts in
      texts.compactMap(ThingEmbedder.vector).map { TextEmbedding(windows: [$0], pieces: [1], isTruncated: false) }
    }
    #expect(try embedding.run(active) == 201)
    #expect(try embedding.run(active) == 0)
    #expect(try pages.check().filter { if case .damage = $0 { true } else { false } }.isEmpty)
    let memory = try SessionMemory(pages, embedder: active)
    let request = ChatRequest(prompt: "Which insects?", characterID: "fox", sessionID: "s1")
    func recalled(_ vector: [Float]?) throws -> [Int] {
      try memory.conversation(for: request, vector: { vector }, gate: nil, budgetTokens: 1000).recalled.map(\.id)
    }
    #expect(try recalled(ThingEmbedder.vector("insects")?.components).first == told)
    #expect(try recalled(nil) == [])
    #expect(try store.forget(scene.session))
    #expect(
      try store.connection.integer("SELECT (SELECT count(*) FROM turn_vector) + (SELECT count(*) FROM turn_code_block)")
        == 0)
  }
}
