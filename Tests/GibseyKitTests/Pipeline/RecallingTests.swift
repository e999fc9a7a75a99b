// Which turns of long ago a question calls back.
import Testing

@testable import GibseyKit

@Suite struct RecallingTests {
  private let scene: ConversationScene
  private let store: ConversationStore
  private let pages: PageStore
  private let embedder: EmbedderRow

  init() throws {
    scene = try ConversationScene()
    pages = try PageStore(path: scene.path, access: .readWrite)
    let writer = try pages.writer()
    let vectors = try pages.vectorWriter(writer)
    try writer.begin()
    try vectors.activate(try vectors.embedder("given 4", coding: VectorCoding(dimensions: 4, precision: .int12)))
    try writer.commit()
    store = try scene.store()
    embedder = try #require(try store.activeEmbedder())
  }

  /// Gives every turn that has none this vector.
  private func embed(_ vector: [Float]) throws {
    let unit = try #require(UnitVector(normalizing: vector))
    let turns = try store.turnsWantingVectors(of: embedder, after: 0, limit: .max)
    try store.write(turns.map { _ in [unit] }, of: turns, embedder)
  }

  private func recalled(_ question: String, _ vector: [Float]?) throws -> [Int] {
    try SessionMemory(pages, embedder: embedder).conversation(
      for: ChatRequest(prompt: question, characterID: "fox", sessionID: scene.session.text), vector: { vector },
      gate: nil, budgetTokens: 1000
    ).recalled.map(\.id)
  }

  /// What the turns before and after the one in question say.
  private func talk(_ count: Int) throws {
    for index in 0..<count { try scene.say("Tide \(index)?", "The ferry came with the tide.", in: store) }
  }

  @Test func halfAnAnswerThatWasEmbeddedIsEmbeddedAnewWhenItHasEnded() throws {
    func wanting() throws -> [TurnWantingVectors] { try store.turnsWantingVectors(of: embedder, after: 0, limit: 9) }
    func damages() throws -> [StoreFinding] {
      try pages.check().filter { if case .damage = $0 { true } else { false } }
    }
    let open = try store.begin(scene.turn("Who keeps bees?"), at: ConversationScene.time(1))
    try store.keep([(open, "The ferryman")])
    #expect(try wanting().isEmpty)
    try store.takeUpDrafts()
    let half = try wanting()
    try embed([1, 0, 0, 0])
    #expect(half.map(\.id) == [open.id])
    #expect(try wanting().isEmpty)
    try store.finish(open, answer: "The ferryman's sister.", outcome: .complete, at: ConversationScene.time(2))
    #expect(try wanting().map(\.answer) == ["The ferryman's sister."])
    #expect(try damages().isEmpty)
    // Made of the half, and too late.
    try store.write([[try #require(UnitVector(normalizing: [0, 1, 0, 0]))]], of: half, embedder)
    #expect(try wanting().map(\.id) == [open.id])
    try embed([0, 1, 0, 0])
    #expect(try wanting().isEmpty)
    #expect(try damages().isEmpty)
  }

  private static let question = "Before supper my uncle spoke of some zanzibar lantern, or was it another evening?"

  @Test func aTurnThatSharesTwoRareWordsComesFirstThoughManyAreNearerAndOtherWordsWereNeverSaid() throws {
    try talk(150)
    let told = try scene.say("Have you seen it?", "Under the lantern of Zanzibar.", in: store)
    try embed([0, 1, 0, 0])
    try talk(150)
    try store.connection.execute("DELETE FROM turn_vector WHERE turn_id <> \(told); DELETE FROM turn_code_block")
    try embed([1, 0, 0, 0])
    let found = try recalled(Self.question, [1, 0, 0, 0])
    #expect(found.first == told)
    #expect(found.count == SessionMemory.recalledLimit, "those near in meaning come after it")
    #expect(try recalled(Self.question, nil) == [told], "by words alone it is the only one")
  }

  @Test func aDaemonsReadersAreCalledBackByMeaningTooAsThePipeIs() async throws {
    let near = try scene.say("Who keeps bees?", "Ondine does.", in: store, character: "london-fox")
    try embed([1, 0, 0, 0])
    for index in 0..<300 {
      try scene.say("Tide \(index)?", "The ferry came with the tide.", in: store, character: "london-fox")
    }
    try embed([0, 1, 0, 0])
    let context = ToolContext(
      settings: Settings(environment: [:], environmentFile: [:]),
      diagnostics: Diagnostics(tool: "gibsey-serve", isVerbose: false) { _ in }, executor: nil)
    let room = try ReadingRoom(context: context, path: scene.path, options: ReadingRoom.Options())
    var request = ChatRequest(prompt: "Sweetness?", characterID: "london-fox", sessionID: scene.session.text)
    request.vector = [1, 0, 0, 0]
    #expect(try await room.prompt(for: request).turns.filter(\.isRecalled).map(\.id) == [near])
  }

  @Test func aTurnThatSharesWordsWhichManyHaveIsNotPutBeforeNearerOnes() throws {
    try talk(100)
    let near = try scene.say("Who keeps bees?", "Ondine does.", in: store)
    try embed([1, 0, 0, 0])
    try store.connection.execute("DELETE FROM turn_vector WHERE turn_id < \(near)")
    try talk(100)
    try embed([0, 1, 0, 0])
    #expect(try recalled("Which insects came with the ferry on a warm evening?", [1, 0, 0, 0]).first == near)
  }

  @Test func codesOfTurnsThatDoNotSayWhatTheirVectorsSayAreDamage() throws {
    try talk(3)
    try embed([0, 1, 0, 0])
    // The pages of the scene have no vectors.
    let usual = try pages.check()
    #expect(!usual.contains { if case .damage = $0 { true } else { false } })
    for (sql, block) in [
      ("UPDATE turn_vector SET vectors = x'0000803F018000000000' WHERE turn_id = (SELECT max(turn_id) FROM turn)", "0"),
      ("DELETE FROM turn_code_block", "0"),
      ("INSERT INTO turn_code_block SELECT embedder_id, session_id, 7, codes FROM turn_code_block", "7"),
    ] {
      try store.connection.execute(sql)
      let words = """
        session s1: the block of codes \(block) of given 4 does not say what the vectors of its turns say
        """
      let findings = try pages.check()
      #expect(findings == [.damage(words)] + usual, "\(sql): \(findings)")
      try store.connection.execute("DELETE FROM turn_vector; DELETE FROM turn_code_block")
      try embed([0, 1, 0, 0])
    }
    try store.connection.execute("UPDATE turn_code_block SET block = 9223372036854775807")
    #expect(try pages.check().contains(.damage("the conversations: a damaged number of a block")))
  }
}
