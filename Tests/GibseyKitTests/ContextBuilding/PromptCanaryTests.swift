// Pages and lore that the reader has not come to, and a thousand prompts of every kind: not a byte of them.
import Testing

@testable import GibseyKit

@Suite struct PromptCanaryTests {
  private static let pages = 60
  private static let gate = 30
  private let folder = TemporaryFolder()

  /// Ann tells every third page, every fourth names her. Behind the gate every sentence has a canary, so that no passage is
  /// without one.
  private func store() throws -> PageStore {
    let store = try PageStore(path: folder.path + "/story.db", access: .readWrite)
    let writer = try store.writer()
    let vectors = try store.vectorWriter(writer)
    try writer.begin()
    let embedder = try vectors.embedder("given 32", coding: VectorCoding(dimensions: 32, precision: .int12))
    for number in 1...Self.pages {
      let mark = number > Self.gate ? "CANARY zanzibar" : "the lamp"
      let sentence = "Of \(mark) and word\(number) they said to her that it was \(number % 4 == 1 ? "Ann" : "nobody"). "
      let page = Page(
        id: "p\(number)", title: number > Self.gate ? "CANARY" : "T", characterID: number % 3 == 0 ? "ann" : "bo",
        pageIndex: number, text: String(repeating: sentence, count: 8) + "\n\n" + String(repeating: sentence, count: 6))
      guard
        case .change(_, let row) = try writer.write(
          page, id: "p\(number)", pageIndex: number, source: "s", isDryRun: false),
        let vector = UnitVector(normalizing: TortureScene.vector(number))
      else { continue }
      try vectors.write(vector, ofPage: row, embedder)
    }
    try vectors.activate(embedder)
    try writer.commit()
    try writer.finish()
    let lore = (1...Self.pages).map { number in
      let text = number > Self.gate ? "CANARY lore" : "Lore \(number) of the lamp."
      let how = number % 5 == 0 ? "\"constant\":true" : "\"keys\":[\"lamp\",\"word\(number)\",\"zanzibar\"]"
      return "{\(how),\"content\":\"\(text)\",\"extensions\":{\"gibsey\":{\"known_from\":\"p\(number)\"}}}"
    }
    var importing = CardImporting(store: store)
    let card = """
      {"spec":"chara_card_v2","data":{"name":"Ann","description":"A diver.","character_book":{"recursive_scanning":true,
      "entries":[\(lore.joined(separator: ","))]}}}
      """
    _ = try importing.add(CardFile(path: "card.json", bytes: Array(card.utf8)))
    try writer.finish()
    return store
  }

  @Test func noByteFromBehindTheGateIsInAThousandPrompts() async throws {
    let seed: UInt64 = 20_261_125
    var random = SeededGenerator(seed: seed)
    let store = try store()
    let words = ["lamp", "ferry", "word7", "word45", "zanzibar", "canary", "Ann", "said", "who", "lore", "nobody"]
    var leaks: [String] = []
    var (withLore, withSamples, withPages) = (0, 0, 0)
    for round in 0..<1000 {
      await Task.yield()  // the servers of other tests answer on the same threads
      let question = (0..<Int.random(in: 1...6, using: &random)).compactMap { _ in words.randomElement(using: &random) }
        .joined(separator: " ")
      let current = Int.random(in: 1...Self.gate, using: &random)
      let hidden = Int.random(in: Self.gate + 1...Self.pages, using: &random)
      let knowledge = Knowledge.allCases[round / 3 % 3]
      let request = ChatRequest(
        prompt: question, characterID: "ann", currentPageID: "p\(current)",
        history: round % 5 == 0
          ? [Message(role: .user, content: "word\(hidden)?"), Message(role: .assistant, content: "zanzibar")] : [],
        options: RequestOptions(budgetTokens: Int.random(in: 300...8000, using: &random), knowledge: knowledge),
        vector: round % 4 == 0 ? nil : TortureScene.vector(hidden))
      let building = try TortureScene.building(store, Searching.Mode.allCases[round % 3], isExact: round % 2 == 0)
      let prompt: Prompt
      do { prompt = try building.prompt(for: request) } catch GibseyError.budgetTooSmall { continue }
      var records = [Record.prompt(prompt), .candidate(try building.whyNot("p\(hidden)", for: request))]
      records += try building.candidates(for: request, in: prompt).map { .candidate($0) }
      records += try building.hits(for: request, limit: 60).map { .hit($0) }
      let told = String(decoding: records.flatMap { RecordCoder.encode($0) }, as: UTF8.self)
      let late = (current + 1...Self.pages).filter { $0 != hidden && told.contains("\"p\($0)\"") }
      let lateLore = prompt.messages.contains { message in
        message.content.contains("<<<LORE")
          && (current + 1...Self.pages).contains { message.content.contains("Lore \($0) ") }
      }
      if told.contains("CANARY") || !late.isEmpty || lateLore {
        leaks.append("round \(round) at p\(current): \(question)")
      }
      if told.contains("\"id\":\"p\(hidden)\",\"verdict\""),
        !told.contains("\"id\":\"p\(hidden)\",\"verdict\":\"gated\"}}")
      {
        leaks.append("round \(round): --why-not p\(hidden) says more than that it is gated")
      }
      if knowledge == .own, prompt.pages.contains(where: { (Int($0.id.dropFirst()) ?? 1) % 3 != 0 }) {
        leaks.append("round \(round): a page that Ann does not tell")
      }
      withLore += prompt.tokens?.lore == nil ? 0 : 1
      withSamples += prompt.samples.isEmpty ? 0 : 1
      withPages += prompt.pages.isEmpty ? 0 : 1
    }
    #expect(leaks.isEmpty, "seed \(seed)")
    #expect(withLore > 500 && withSamples > 100 && withPages > 500, "\(withLore), \(withSamples), \(withPages)")
  }
}
