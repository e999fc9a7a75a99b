// What has come of answers that go on: told at once, found by its words when they have ended, taken up when their process is gone.
import Testing

@testable import GibseyKit

struct TurnDraftTests {
  private func check(_ scene: ConversationScene) throws -> [StoreFinding] {
    try PageStore(path: scene.path, access: .readWrite).check()
  }

  @Test func whatAProcessThatIsGoneHasLeftIsTakenUpWithItsWords() throws {
    let scene = try ConversationScene()
    let open = try scene.store().begin(scene.turn("Who burned the lamp?"), at: ConversationScene.time(1))
    try scene.store().keep([(open, "The lanternkeeper and")])
    let other = try scene.store()
    #expect(try other.find("lanternkeeper", limit: 9).isEmpty)
    #expect(try other.find("lamp", limit: 9).map(\.answer) == ["The lanternkeeper and"])
    try other.takeUpDrafts()
    #expect(try other.find("lanternkeeper lamp", limit: 9).map(\.answer) == ["The lanternkeeper and"])
    #expect(try other.turn(open.id)?.outcome == .interrupted)
    #expect(try scene.questions(other) == ["Who burned the lamp?"])
    #expect(try check(scene).isEmpty)
    // Again there is nothing to do.
    try other.takeUpDrafts()
    #expect(try other.turn(open.id)?.answer == "The lanternkeeper and")
  }

  @Test func whoGoesOnWithASessionTakesUpItsDraftsAndNoOthers() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let strange = try #require(SessionID("s2"))
    let mine = try store.begin(scene.turn("one"), at: ConversationScene.time(1))
    let theirs = try store.begin(scene.turn("two", session: strange), at: ConversationScene.time(1))
    try store.keep([(mine, "ferryman"), (theirs, "lanternkeeper")])
    try scene.say("three", "3", in: store)
    #expect(try store.find("ferryman", limit: 9).map(\.id) == [mine.id])
    #expect(try store.find("lanternkeeper", limit: 9).isEmpty)
    #expect(try store.turn(theirs.id)?.answer == "lanternkeeper")
    #expect(try check(scene).isEmpty)
  }

  @Test func anAnswerThatWasTakenUpGoesOnAndEnds() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let open = try store.begin(scene.turn("one"), at: ConversationScene.time(1))
    try store.keep([(open, "The ferryman")])
    try scene.store().takeUpDrafts()
    try store.keep([(open, "The ferryman and the")])
    #expect(try store.turn(open.id)?.answer == "The ferryman and the")
    #expect(try check(scene).isEmpty)
    try store.finish(open, answer: "The lanternkeeper.", outcome: .complete, at: ConversationScene.time(2))
    #expect(try store.turn(open.id)?.answer == "The lanternkeeper.")
    #expect(try store.find("ferryman", limit: 9).isEmpty)
    #expect(try store.find("lanternkeeper", limit: 9).map(\.outcome) == [.complete])
    #expect(try check(scene).isEmpty)
  }

  @Test func anAnswerThatEndsWithoutAWordIsNoHistoryWhateverCameOfIt() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let open = try store.begin(scene.turn("one"), at: ConversationScene.time(1))
    try store.keep([(open, "")])
    #expect(try scene.questions(store) == [])
    try store.keep([(open, "The")])
    #expect(try scene.questions(store) == ["one"])
    try store.finish(open, answer: "", outcome: .failed, at: ConversationScene.time(2))
    #expect(try scene.questions(store) == [])
    #expect(try check(scene).isEmpty)
  }

  @Test func ofASessionThatWasForgottenNothingIsKeptAndNothingIsLeft() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let open = try store.begin(scene.turn("one"), at: ConversationScene.time(1))
    try store.keep([(open, "The ferryman")])
    #expect(try store.forget(scene.session))
    try store.keep([(open, "The ferryman and")])
    try store.takeUpDrafts()
    #expect(try store.turn(open.id) == nil)
    #expect(try store.connection.integer("SELECT count(*) FROM draft") == 0)
    #expect(try check(scene).isEmpty)
  }

  @Test func aDraftOfNoTurnIsFound() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    _ = try store.begin(scene.turn("one"), at: ConversationScene.time(1))
    try store.connection.execute("PRAGMA foreign_keys = OFF; INSERT INTO draft VALUES (99, 1, 'lost')")
    #expect(try check(scene) == [.damage("1 vectors, blocks or drafts are of no turn or embedder")])
  }
}
