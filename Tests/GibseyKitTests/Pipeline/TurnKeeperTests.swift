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
    private let microseconds = Mutex(0)
    func pass(seconds: Double) { microseconds.withLock { $0 += Int(seconds * 1_000_000) } }
    func now() -> Timestamp { Timestamp(microseconds: microseconds.withLock { $0 }) }
  }

  private func keeper() throws -> TurnKeeper {
    try TurnKeeper(path: scene.path, patienceMilliseconds: 0) { [clock] in clock.now() }
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
    Array(text.utf8).withUnsafeBufferPointer { batch.append($0) }
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
    await kept.take(batch("I "))
    #expect(try turns().map(\.answer) == [""])
    clock.pass(seconds: 1)
    await kept.take(batch("am "))
    #expect(try turns().map(\.answer) == ["I am "])
    await kept.take(batch("the fox."))
    #expect(try turns().map(\.answer) == ["I am "])
    await kept.take(completed())
    try await kept.end()
    #expect(try turns().map(\.answer) == ["I am the fox."])
    #expect(try turns().map(\.outcome) == [.complete])
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
      await kept.take(batch("some"))
      if let end { await kept.take(end) }
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
      (prompt(pages: ["p1", "p2", "unknown"], gate: "p2"), 2), (prompt(pages: ["p1"], turns: [far]), 3),
      (prompt(), nil),
    ] {
      var kept = answer(prompt, keeper)
      await kept.begin()
      try await kept.end()
      #expect(try turns().last?.furthestPageIndex == furthest)
    }
    #expect(try store.session(scene.session)?.pageID == "p2")
    #expect(try store.session(scene.session)?.furthestPageIndex == 2, "pages without a gate move nobody")
  }

  @Test func aPromptOfNoSessionGoesOnWhereTheSessionIs() async throws {
    let store = try scene.store()
    let last = try scene.say("before", "1", in: store)
    let keeper = try keeper()
    var plain = prompt()
    plain.sessionID = nil
    var kept = answer(plain, keeper)
    await kept.begin()
    #expect(try await kept.end().parent == last)
    var first = answer(prompt(parent: nil), keeper)
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
    await kept.take(batch("late"))
    await kept.take(completed())
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
    await during.take(batch("words"))
    #expect(try store.forget(scene.session))
    await during.take(completed())
    var before = answer(prompt(parent: parent), keeper)
    await before.begin()
    for kept in [during, before] {
      await #expect(throws: GibseyError.sessionForgotten(id: "s1")) { try await kept.end() }
    }
    #expect(try store.session(scene.session) == nil)
  }
}
