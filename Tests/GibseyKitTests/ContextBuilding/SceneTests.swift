// Several characters in one conversation, each hearing the others.
import Testing

@testable import GibseyKit

@Suite struct SceneTests {
  private let scene: ConversationScene

  init() throws { scene = try ConversationScene() }

  private func prompt(
    _ character: String, page: String? = nil, budget: Int = 6000, isScene: Bool = true, at parent: Int? = nil,
    isRetry: Bool = false
  ) throws -> Prompt {
    let store = try PageStore(path: scene.path, access: .readOnly)
    var defaults = ContextBuilding.Defaults()
    defaults.sessionID = scene.session
    defaults.isScene = isScene
    defaults.currentPageID = page
    defaults.budgetTokens = budget
    if let parent { defaults.parent = .turn(parent) }
    defaults.characterID = character
    let building = try ContextBuilding(
      store: store, searching: Searching(store: store), defaults: defaults, memory: SessionMemory(store))
    return try building.prompt(for: isRetry ? building.again() : ChatRequest(prompt: "And?"))
  }

  private func said(_ prompt: Prompt) -> [String] {
    prompt.messages.filter { $0.role != .system }.map { "\($0.role): \($0.content)" }
  }

  @Test func eachHearsTheOthersUnderTheirNamesAndItselfAsBefore() throws {
    let store = try scene.store()
    try scene.say("Who?", "I.", in: store, character: "london-fox")
    try scene.say("Who?", "Not I.", in: store, character: "jack-parlance")
    try scene.say("Who?", "Somebody.", in: store, character: nil)
    let last = try scene.say("And you?", "I said so.", in: store, character: "london-fox")
    try scene.say("Still?", "", in: store, character: "jack-parlance", outcome: .failed)
    let fox = try prompt("london-fox")
    #expect(
      said(fox) == [
        "user: Who?", "assistant: I.", "user: Jack Parlance: Not I.", "user: the narrator: Somebody.", "user: And you?",
        "assistant: I said so.", "user: And?",
      ])
    #expect(fox.parentTurn == last)
    #expect(fox.turns.map(\.id) == [1, 2, 3, 4])
    #expect(
      said(try prompt("princhetta")) == [
        "user: London Fox: I.", "user: Jack Parlance: Not I.", "user: the narrator: Somebody.",
        "user: London Fox: I said so.", "user: And?",
      ])
    #expect(said(try prompt("princhetta", isScene: false)) == ["user: And?"])
    #expect(try prompt("princhetta").parentTurn == nil)
  }

  /// What Ann heard of a page counts as seen: her own answer is behind the gate then, too.
  @Test func whatIsHeardIsGatedLikeEveryTurn() throws {
    let store = try scene.store()
    try scene.say("Who?", "Early.", in: store, character: "london-fox", furthest: 1)
    try scene.say("Who?", "CANARY", in: store, character: "jack-parlance", furthest: 3)
    #expect(said(try prompt("london-fox", page: "p2")) == ["user: Who?", "assistant: Early.", "user: And?"])
    let late = try prompt("london-fox", page: "p3")
    #expect(said(late).contains("user: Jack Parlance: CANARY"))
    #expect(try store.place(of: TurnSources(pages: ["p1"], turns: late.turns.map(\.id))) == 3)
  }

  @Test func aSceneThatIsTooLongLosesItsBeginningAndSaysSo() throws {
    let store = try scene.store()
    for number in 1...30 {
      try scene.say(
        "Who?", "word\(number) " + String(repeating: "and on ", count: 40), in: store,
        character: number % 2 == 0 ? "london-fox" : "jack-parlance")
    }
    let prompt = try prompt("london-fox", budget: 1500)
    #expect(prompt.turns.last?.id == 30)
    #expect(prompt.turns.map(\.id) == Array((31 - prompt.turns.count)...30))
    let left = prompt.leftOut.filter { $0.kind.hasPrefix("session_turn") }.reduce(0) { $0 + ($1.count ?? 1) }
    #expect(prompt.turns.count + left == 30)
    #expect((prompt.tokens?.total ?? .max) <= 1500)
  }

  /// Fox 1, Jack 2, fox 3, Jack 4 to fox 3.
  @Test func whatCameAfterTheTurnThatIsFollowedIsHeardOfNobody() throws {
    let store = try scene.store()
    for (number, character) in [(1, "london-fox"), (2, "jack-parlance"), (3, "london-fox"), (4, "jack-parlance")] {
      try scene.say("Question \(number)?", "Answer \(number).", in: store, character: character)
    }
    let first = ["user: Question 1?", "assistant: Answer 1."]
    let second = ["user: Jack Parlance: Answer 2."]
    let third = ["user: Question 3?", "assistant: Answer 3."]
    #expect(said(try prompt("london-fox", at: 1)) == first + ["user: And?"])
    #expect(said(try prompt("london-fox", at: 3)) == first + second + third + ["user: And?"])
    #expect(said(try prompt("london-fox", isRetry: true)) == first + second + ["user: Question 3?"])
    #expect(said(try prompt("london-fox", at: 1, isRetry: true)) == ["user: Question 1?"])
    #expect(
      said(try prompt("jack-parlance", at: 2)) == [
        "user: London Fox: Answer 1.", "user: Question 2?", "assistant: Answer 2.", "user: And?",
      ])
  }

  /// Says something that a prompt was built for, as gibsey-ask keeps it.
  private func answer(_ text: String, to prompt: Prompt, in store: ConversationStore) throws {
    try store.append(
      TurnToKeep(
        sessionID: scene.session, parent: .turn(prompt.parentTurn), characterID: prompt.characterID,
        question: prompt.prompt, promptID: prompt.promptID, sources: TurnSources(turns: prompt.turns.map(\.id))),
      answer: text, outcome: .complete, at: ConversationScene.time(1))
  }

  /// The fox is asked again; Jack had replied to the old answer, and princhetta to Jack, though not to the fox.
  @Test func whoRepliedToAnAnswerThatWasAskedForAgainIsNotHeard() throws {
    let store = try scene.store()
    try answer("Before.", to: prompt("jack-parlance"), in: store)
    try answer("Old.", to: prompt("london-fox"), in: store)
    try answer("To the old.", to: prompt("jack-parlance"), in: store)
    try answer("To Jack.", to: prompt("princhetta"), in: store)
    try answer("New.", to: prompt("london-fox", isRetry: true), in: store)
    let heard = ["user: Jack Parlance: Before."]
    let fox = try prompt("london-fox")
    #expect(said(fox) == heard + ["user: And?", "assistant: New.", "user: And?"])
    #expect(fox.leftOut.filter { $0.kind.hasPrefix("session_turn") }.isEmpty)
    #expect(said(try prompt("an-author")) == heard + ["user: London Fox: New.", "user: And?"])
    // What Jack said he remembers himself.
    #expect(said(try prompt("jack-parlance")).contains("assistant: To the old."))
    try answer("To the new.", to: prompt("an-author"), in: store)
    #expect(said(try prompt("london-fox")).suffix(2) == ["user: an author: To the new.", "user: And?"])
    // Whoever follows the old answer hears what was said to it.
    #expect(said(try prompt("london-fox", at: 2)) == heard + ["user: And?", "assistant: Old.", "user: And?"])
  }

  @Test func anAnswerThatWasRetriedIsHeardOnce() throws {
    let store = try scene.store()
    try scene.say("Who?", "Old.", in: store, character: "jack-parlance")
    try scene.say("Who?", "New.", in: store, after: .turn(nil), character: "jack-parlance")
    #expect(said(try prompt("london-fox")) == ["user: Jack Parlance: New.", "user: And?"])
  }
}
