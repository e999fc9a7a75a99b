// Conversations: what is kept, whatever ends a process; what a branch is; what the gate closes off; what is forgotten.
import Foundation
import Testing

@testable import GibseyKit

/// A database with three pages, and a clock that is told.
struct ConversationScene {
  let folder = TemporaryFolder()
  var path: String { folder.path + "/story.db" }
  let session: SessionID

  init() throws {
    session = try #require(SessionID("s1"))
    try writeFile()
  }

  func writeFile() throws {
    let store = try PageStore(path: path, access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    for index in 1...3 {
      let page = Page(id: "p\(index)", pageIndex: index, text: "page \(index)")
      _ = try writer.write(page, id: "p\(index)", pageIndex: index, source: "s", isDryRun: false)
    }
    try writer.commit()
  }

  /// As `rm story.db*` does.
  func removeFile() throws {
    for end in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + end) {
      try FileManager.default.removeItem(atPath: path + end)
    }
  }

  func store() throws -> ConversationStore { try ConversationStore(path: path, access: .readWrite) }

  static func time(_ second: Int) -> Timestamp { Timestamp(microseconds: second * 1_000_000) }

  func turn(
    _ question: String, after parent: TurnParent = .newest, character: String? = "fox", furthest: Int? = nil,
    session: SessionID? = nil, owner: String? = nil
  ) -> TurnToKeep {
    TurnToKeep(
      sessionID: session ?? self.session, owner: owner, parent: parent, characterID: character, question: question,
      promptID: "p", sources: TurnSources(pages: furthest.map { ["p\($0)"] } ?? []))
  }

  /// Appends a whole turn and returns its number.
  @discardableResult
  func say(
    _ question: String, _ answer: String, in store: ConversationStore, after parent: TurnParent = .newest,
    character: String? = "fox", furthest: Int? = nil, outcome: StoredTurn.Outcome = .complete
  ) throws -> Int {
    try store.append(
      turn(question, after: parent, character: character, furthest: furthest), answer: answer, outcome: outcome,
      at: Self.time(1)
    ).id
  }

  func questions(
    _ store: ConversationStore, character: String? = "fox", at: Int? = nil, gate: Int? = nil, limit: Int = 99
  ) throws -> [String] {
    let query = ChainQuery(
      sessionID: session, characterID: character, parent: at.map { .turn($0) } ?? .newest, gate: gate)
    return try store.history(query, limit: limit).map(\.question)
  }
}

@Suite struct ConversationStoreTests {
  @Test(arguments: ["", "a b", "a/b", "é", "a\n", String(repeating: "x", count: 129)])
  func aNameOfOtherCharactersOrLengthsIsNoSession(_ name: String) { #expect(SessionID(name) == nil) }

  @Test func aSessionKnowsWhenWhoAndWhere() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    #expect(try store.session(scene.session) == nil)
    try store.touch(scene.session, at: ConversationScene.time(1))
    try store.advance(scene.session, to: ("p3", 3), at: ConversationScene.time(2))
    try store.advance(scene.session, to: ("p1", 1), at: ConversationScene.time(3))
    try scene.say("Who?", "I.", in: store)
    #expect(
      try scene.store().session(scene.session)
        == StoredSession(
          id: scene.session, owner: nil, madeAt: "1970-01-01T00:00:01.000000Z", seenAt: "1970-01-01T00:00:03.000000Z",
          characterID: "fox", pageID: "p1", furthestPageIndex: 3, turns: 1, furthestPageID: "p3"))
  }

  @Test func aSessionBelongsToTheNameThatFirstUsedItAndIsUnknownToOthers() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    try store.touch(scene.session, at: ConversationScene.time(1))
    try store.touch(scene.session, owner: "ann", at: ConversationScene.time(2))
    #expect(try store.session(scene.session, owner: "ann")?.owner == "ann")
    #expect(try store.session(scene.session, owner: "bob") == nil)
    #expect(throws: GibseyError.unknownSession(id: "s1")) {
      try store.touch(scene.session, owner: "bob", at: ConversationScene.time(3))
    }
    #expect(throws: GibseyError.unknownSession(id: "s1")) {
      try store.begin(scene.turn("Mine?", owner: "bob"), at: ConversationScene.time(3))
    }
    #expect(try store.forget(scene.session, owner: "bob") == false)
    #expect(try store.sessions(owner: "bob").isEmpty)
    #expect(try store.sessions(owner: "ann").map(\.id) == [scene.session])
    #expect(try store.session(scene.session)?.seenAt == "1970-01-01T00:00:02.000000Z")
  }

  @Test func sessionsAreListedLastSeenFirst() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    for (name, second) in [("b", 1), ("c", 3), ("a", 1)] {
      try store.touch(try #require(SessionID(name)), at: ConversationScene.time(second))
    }
    #expect(try store.sessions().map(\.id.text) == ["c", "a", "b"])
    #expect(try store.sessions(limit: 1).map(\.id.text) == ["c"])
  }

  @Test func aTurnThatIsBegunIsThereAsInterruptedUntilItIsFinished() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let open = try store.begin(scene.turn("Who burned the lamp?"), at: ConversationScene.time(1))
    let other = try scene.store()
    #expect(try other.turn(open.id)?.outcome == .interrupted)
    #expect(try scene.questions(other) == [])
    try store.keep([(open, "The")])
    try store.keep([(open, "The keeper")])
    #expect(try other.turn(open.id)?.answer == "The keeper")
    #expect(try other.turn(open.id)?.outcome == .interrupted)
    #expect(try scene.questions(other) == ["Who burned the lamp?"])
    #expect(try PageStore(path: scene.path, access: .readWrite).check().isEmpty)
    try store.finish(open, answer: "The ferryman did.", outcome: .complete, at: ConversationScene.time(3))
    #expect(
      try other.turn(open.id)
        == StoredTurn(
          id: open.id, parent: nil, sessionID: scene.session, characterID: "fox", question: "Who burned the lamp?",
          answer: "The ferryman did.", outcome: .complete, furthestPageIndex: nil, promptID: "p",
          madeAt: "1970-01-01T00:00:01.000000Z"))
    #expect(try other.find("keeper", limit: 9).isEmpty)
    #expect(try other.find("lamps burning ferryman", limit: 9).map(\.id) == [open.id])
    #expect(try PageStore(path: scene.path, access: .readWrite).check().isEmpty)
  }

  @Test func whatFailedWithoutAWordIsNoHistoryAndWhatHoldsTextIs() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    try scene.say("one", "1", in: store)
    try scene.say("two", "", in: store, outcome: .failed)
    try scene.say("three", "3 and", in: store, outcome: .failed)
    try scene.say("four", "", in: store, outcome: .interrupted)
    try scene.say("five", "5 an", in: store, outcome: .interrupted)
    #expect(try scene.questions(store) == ["five", "three", "one"])
    #expect(try scene.questions(store, limit: 2) == ["five", "three"])
  }

  @Test func aRetryStandsBesideTheOldAnswerAndTheOldOneIsStillThere() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let first = try scene.say("one", "1", in: store)
    let old = try scene.say("two", "2", in: store)
    let new = try scene.say("two", "zwei", in: store, after: .turn(first))
    let query = ChainQuery(sessionID: scene.session, characterID: "fox")
    #expect(try store.history(query, limit: 9).map(\.answer) == ["zwei", "1"])
    #expect(try store.turn(old)?.answer == "2")
    #expect(try store.turn(new)?.parent == store.turn(old)?.parent)
    #expect(try scene.questions(store, at: old) == ["two", "one"])
    try scene.say("three", "3", in: store, after: .turn(old))
    #expect(try store.history(query, limit: 9).map(\.answer) == ["3", "2", "1"])
  }

  @Test func eachCharacterHasAConversationOfItsOwn() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let fox = try scene.say("to the fox", "yes", in: store)
    try scene.say("to nobody", "hm", in: store, character: nil)
    try scene.say("to the fox again", "no", in: store)
    #expect(try scene.questions(store) == ["to the fox again", "to the fox"])
    #expect(try scene.questions(store, character: nil) == ["to nobody"])
    #expect(try scene.questions(store, character: "owl") == [])
    #expect(throws: GibseyError.turnOfAnotherCharacter(id: fox, characterID: "fox")) {
      try scene.questions(store, character: "owl", at: fox)
    }
  }

  @Test func afterAStepBackNothingAnsweredSinceComesBack() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let first = try scene.say("early", "1", in: store, furthest: 1)
    try scene.say("without pages", "2", in: store)
    let late = try scene.say("late canary", "3", in: store, furthest: 3)
    try scene.say("back", "4", in: store, furthest: 2)
    #expect(try scene.questions(store) == ["back", "late canary", "without pages", "early"])
    #expect(try scene.questions(store, gate: 2) == ["back", "without pages", "early"])
    #expect(try scene.questions(store, gate: 1) == ["without pages", "early"])
    #expect(try scene.questions(store, at: late, gate: 1) == ["without pages", "early"])
    #expect(try store.find("canary", in: scene.session, gate: 2, limit: 9).isEmpty)
    let chain = try store.chain(ChainQuery(sessionID: scene.session, characterID: "fox", parent: .turn(late), gate: 1))
    #expect(try store.last(of: chain)?.question == "without pages")
    #expect(chain.tip == late)
    #expect(first < late)
  }

  @Test func turnsThatThereAreNotAndTurnsOfOthersAreUnknown() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let other = try #require(SessionID("other"))
    let foreign = try store.append(
      scene.turn("Q", session: other), answer: "A", outcome: .complete, at: ConversationScene.time(1))
    try scene.say("one", "1", in: store)
    for id in [foreign.id, 77, -1] {
      #expect(throws: GibseyError.unknownTurn(id: id, sessionID: "s1")) { try scene.questions(store, at: id) }
      #expect(throws: GibseyError.unknownTurn(id: id, sessionID: "s1")) {
        try scene.say("two", "2", in: store, after: .turn(id))
      }
    }
    #expect(try scene.questions(store) == ["one"])
    let nobody = try #require(SessionID("nobody"))
    #expect(throws: GibseyError.unknownTurn(id: 1, sessionID: "nobody")) {
      try store.chain(ChainQuery(sessionID: nobody, characterID: nil, parent: .turn(1)))
    }
    #expect(try store.chain(ChainQuery(sessionID: nobody, characterID: nil)).count == 0)
    #expect(throws: GibseyError.unknownSession(id: "nobody")) { try store.find("Q", in: nobody, limit: 1) }
  }

  @Test func aForgottenSessionLeavesNoWordAndNoTurnOfItsNumber() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let kept = try #require(SessionID("kept"))
    try store.append(scene.turn("Q", session: kept), answer: "stays", outcome: .complete, at: ConversationScene.time(1))
    let open = try store.begin(scene.turn("a zanzibar question"), at: ConversationScene.time(1))
    for index in 0..<300 { try scene.say("xylophone \(index)", "answer zanzibar\(index)", in: store) }
    try store.keep([(open, "a zanzibar draft")])
    #expect(try store.forget(scene.session))
    #expect(try store.forget(scene.session) == false)
    #expect(try store.session(scene.session) == nil)
    #expect(throws: GibseyError.sessionForgotten(id: "s1")) {
      try store.finish(open, answer: "late", outcome: .complete, at: ConversationScene.time(2))
    }
    #expect(throws: GibseyError.sessionForgotten(id: "s1")) {
      try scene.say("more", "late", in: store, after: .turn(open.id))
    }
    for name in [scene.path, scene.path + "-wal"] where FileManager.default.fileExists(atPath: name) {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: name))
      for word in ["zanzibar", "xylophone", "xylophon"] {
        #expect(bytes.range(of: Data(word.utf8)) == nil, "\(word) is still in \(name)")
      }
    }
    #expect(try scene.say("again", "new", in: store) > open.id + 300)
    #expect(try store.find("stays", limit: 9).map(\.sessionID) == [kept])
    #expect(try PageStore(path: scene.path, access: .readWrite).check().isEmpty)
  }

  @Test func aSessionOfManyBlocksIsReadAsItWasWritten() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    let count = 2 * TurnBlocks.turnsPerBlock + 3
    for index in 0..<count { try scene.say("q\(index)", "a", in: store, furthest: index % 3 + 1) }
    #expect(try scene.questions(store, limit: .max) == (0..<count).reversed().map { "q\($0)" })
    #expect(
      try scene.questions(store, gate: 1, limit: .max)
        == (0..<count).reversed().filter { $0 % 3 == 0 }.map { "q\($0)" })
    var exported: [String] = []
    #expect(try store.forEachTurn(of: scene.session) { exported.append($0.question) })
    #expect(exported == (0..<count).map { "q\($0)" })
    #expect(try PageStore(path: scene.path, access: .readWrite).check().isEmpty)
  }

  @Test func severalWritersOfOneFileLoseNothing() async throws {
    let scene = try ConversationScene()
    let path = scene.path
    let session = scene.session
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          let store = try ConversationStore(path: path, access: .readWrite)
          for index in 0..<50 {
            let turn = TurnToKeep(
              sessionID: session, parent: .newest, characterID: "fox", question: "\(writer).\(index)", promptID: "p")
            let open = try store.begin(turn, at: Timestamp(microseconds: 0))
            try store.finish(open, answer: "yes", outcome: .complete, at: Timestamp(microseconds: 1))
          }
        }
      }
      group.addTask {
        let store = try PageStore(path: path, access: .readWrite)
        let writer = try store.writer()
        for batch in 0..<10 {
          try writer.begin()
          for index in 0..<20 {
            let id = "b\(batch).\(index)"
            _ = try writer.write(
              Page(id: id, pageIndex: 9, text: "text"), id: id, pageIndex: 9, source: "s", isDryRun: false)
          }
          try writer.commit()
        }
      }
      try await group.waitForAll()
    }
    let store = try scene.store()
    #expect(try store.session(session)?.turns == 200)
    #expect(try scene.questions(store, limit: .max).count == 200)
    #expect(try PageStore(path: path, access: .readWrite).pageCount() == 203)
    #expect(try PageStore(path: path, access: .readWrite).check().isEmpty)
  }

  @Test func aWriterThatHasWaitedLongEnoughSaysSoAndWritesNothing() throws {
    let scene = try ConversationScene()
    let indexer = try PageStore(path: scene.path, access: .readWrite)
    let writer = try indexer.writer()
    let store = try scene.store()
    try scene.say("before", "1", in: store)
    try writer.begin()
    store.wait(milliseconds: 0)
    #expect(throws: GibseyError.databaseBusy(path: scene.path)) { try scene.say("during", "2", in: store) }
    #expect(try scene.questions(store) == ["before"])
    try writer.commit()
    try scene.say("after", "3", in: store)
    #expect(try scene.questions(store) == ["after", "before"])
  }

  @Test func aFullDiskIsSaidAndWhatWasAcceptedStays() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    try scene.say("before", "1", in: store)
    let pages = try store.connection.integer("PRAGMA page_count")
    try store.connection.execute("PRAGMA max_page_count = \(pages)")
    var kept = 1
    #expect(throws: GibseyError.databaseFull(path: scene.path)) {
      for index in 0..<1000 {
        try scene.say("q\(index)", String(repeating: "words and words ", count: 60), in: store)
        kept += 1
      }
    }
    #expect(try scene.questions(store).count == kept)
    #expect(try PageStore(path: scene.path, access: .readWrite).check().isEmpty)
    try store.connection.execute("PRAGMA max_page_count = 1000000")
    try scene.say("after", "2", in: store)
    #expect(try scene.questions(store, limit: 1) == ["after"])
  }

  @Test func aFileThatIsMissingIsNotMadeAndOneThatMayNotBeWrittenIsRead() throws {
    let scene = try ConversationScene()
    #expect(throws: GibseyError.noDatabase(path: scene.path + "x")) {
      try ConversationStore(path: scene.path + "x", access: .readWrite)
    }
    #expect(!FileManager.default.fileExists(atPath: scene.path + "x"))
    try scene.say("one", "1", in: scene.store())
    let reader = try ConversationStore(path: scene.path, access: .readOnly)
    #expect(try scene.questions(reader) == ["one"])
    #expect(throws: GibseyError.databaseReadOnly(path: scene.path)) { try scene.say("two", "2", in: reader) }
  }

  @Test func damagedBlocksGiveErrorsAndAreFound() throws {
    let scene = try ConversationScene()
    let store = try scene.store()
    for index in 0..<5 { try scene.say("q\(index)", "a", in: store) }
    let damage = GibseyError.notADatabase(path: scene.path, reason: "a damaged block of turns")
    for facts in ["x'00'", "zeroblob(28)", "zeroblob(140) || x'ff'"] {
      try store.connection.execute("UPDATE turn_block SET facts = CAST(\(facts) AS BLOB)")
      #expect(throws: damage) { try scene.questions(store) }
      #expect(
        try PageStore(path: scene.path, access: .readWrite).check()
          == [.damage("session s1: the block of its turns does not say what the turns say")])
    }
  }
}
