// The budget where it is tight: what gives way to what.
import Testing

@testable import GibseyKit

@Suite struct PromptBudgetTests {
  private let character = StoryCharacter(
    id: "x", name: "X", colour: "#000000", persona: String(repeating: "You are X at length. ", count: 20),
    shortPersona: "You are X.")

  private func prompt(
    _ pages: [String], question: String = "Who?", history: [Message] = [], budget: Int, lore: PromptLore? = nil,
    samples: [VoiceSample] = []
  ) throws -> Prompt {
    let candidates = pages.enumerated().map { index, text in
      PromptMaterial.Candidate(
        id: "p\(index)", title: nil, text: text, score: 1, reasons: JSONObject(), isCurrent: index == 0,
        place: index)
    }
    return try PromptBuilder.prompt(
      PromptMaterial(
        character: character, request: ChatRequest(prompt: question, history: history), candidates: candidates,
        terms: KeywordQuery(question: question).terms, gatePageID: nil, budgetTokens: budget, lore: lore,
        samples: samples))
  }

  private func words(_ count: Int) -> String { Array(repeating: "word", count: count).joined(separator: " ") }

  @Test func aLongQuestionGetsTheShortPersonaBeforeItIsRefused() throws {
    let prompt = try prompt([], question: words(1550), budget: 2000)
    #expect(prompt.messages[0].content.hasPrefix("You are X.\n\n"))
    #expect(prompt.messages.last?.content == words(1550))
  }

  @Test func theFullPersonaTakesAtMostAQuarter() throws {
    #expect(try prompt([], budget: 2000).messages[0].content.hasPrefix("You are X at length. "))
    #expect(try prompt([], budget: 500).messages[0].content.hasPrefix("You are X.\n\n"))
  }

  @Test func rulesSpeakOfPagesOnlyWhenThereAreSome() throws {
    let none = try prompt([], budget: 400)
    let unfit = try prompt([words(50) + String(repeating: "x", count: 4000)], question: words(160), budget: 400)
    let some = try prompt(["A page."], budget: 400)
    #expect(unfit.pages.isEmpty)
    #expect(unfit.leftOut.map(\.id) == ["p0"])
    #expect(unfit.messages.count == 2)
    #expect(unfit.messages[0] == none.messages[0])
    #expect(some.messages[0] != none.messages[0])
  }

  @Test func historyGoesInByWholeTurnsNewestFirst() throws {
    let history = [
      Message(role: .user, content: "First?"), Message(role: .assistant, content: "One."),
      Message(role: .user, content: words(300)), Message(role: .assistant, content: "Two."),
      Message(role: .user, content: "Third?"), Message(role: .assistant, content: "Three."),
    ]
    let prompt = try prompt([], history: history, budget: 300)
    #expect(prompt.messages.dropFirst().dropLast().map(\.content) == ["Third?", "Three."])
    #expect(prompt.leftOut.map(\.id) == ["0", "1", "2", "3"])
    #expect(prompt.leftOut.allSatisfy { $0.kind == "turn" && $0.reason == "budget" })
  }

  @Test func laterPagesMayFitWhereAnEarlierOneDidNot() throws {
    let prompt = try prompt(
      [words(100), words(100), words(100), "Short."], budget: 560)
    #expect(prompt.pages.map(\.id) == ["p0", "p1", "p3"])
    #expect(prompt.leftOut.map(\.id) == ["p2"])
    #expect(prompt.leftOut.map(\.reason) == ["budget"])
  }

  @Test func morePagesThanTwelveAreLeftOutByRank() throws {
    let prompt = try prompt((0..<15).map { "Page \($0)." }, budget: 6000)
    #expect(prompt.pages.map(\.id) == (0..<12).map { "p\($0)" })
    #expect(prompt.leftOut.map(\.reason) == ["rank", "rank", "rank"])
  }

  @Test func tenThousandRandomCasesStayWithinTheirBudgets() async throws {
    let seed: UInt64 = 20_261_124
    var random = SeededGenerator(seed: seed)
    let words = [
      "ferry", "the", "Überfahrt", "ледокол", "氷", "🚢", "1965", "consciousness", "\n\n", "a.", "<<<", "  ", "ə",
      ">>>\u{338}",
    ]
    func text(_ limit: Int) -> String {
      (0..<Int.random(in: 1...limit, using: &random)).map { _ in words.randomElement(using: &random)! }
        .joined(separator: " ")
    }
    var (built, withLore, withSamples) = (0, 0, 0)
    for round in 0..<10_000 {
      await Task.yield()  // the servers of other tests answer on the same threads
      let pages = (0..<Int.random(in: 0...8, using: &random)).map { _ in text(40) }
      let lore = try (0..<Int.random(in: 0...4, using: &random)).map { place in
        PromptLore.Entry(
          try LoreEntry(JSONObject(), place: place, content: text(12) + " lore\(place)"),
          CardMacros(character: "x", user: "y"))
      }
      let samples = (0..<Int.random(in: 0...5, using: &random)).map { place in
        VoiceSample(pageID: Bool.random(using: &random) ? "p\(place)" : "s\(place)", text: text(20))
      }
      func build() throws -> Prompt {
        try self.prompt(
          pages, question: question, history: history, budget: budget,
          lore: lore.isEmpty ? nil : PromptLore(entries: lore, budgetTokens: round % 3 == 0 ? 30 : nil),
          samples: samples)
      }
      let history = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        Message(role: Bool.random(using: &random) ? .user : .assistant, content: text(15))
      }
      let (question, budget) = (text(20), Int.random(in: 200...1500, using: &random))
      let prompt: Prompt
      do { prompt = try build() } catch is GibseyError { continue }
      built += 1
      let tokens = try #require(prompt.tokens)
      withLore += tokens.lore == nil ? 0 : 1
      withSamples += prompt.samples.isEmpty ? 0 : 1
      let actual = prompt.messages.reduce(TokenEstimate.promptOverhead) {
        $0 + TokenEstimate.tokens(of: $1.content) + TokenEstimate.messageOverhead
      }
      let kept = prompt.messages.filter { $0.role != .system }.count - 1
      let items = prompt.pages.map(\.id) + prompt.leftOut.filter { $0.kind == "page" }.map(\.id)
      let told = prompt.messages.first { $0.content.contains("\n<<<LORE\n") }?.content ?? ""
      let untold = Set(prompt.leftOut.filter { $0.kind == "lore" }.map(\.id))
      let isLoreRight = lore.allSatisfy { untold.contains($0.id) != told.contains("lore\($0.id)") }
      let isRight =
        isLoreRight && actual <= budget && tokens.total == actual
        && tokens.total == tokens.persona + tokens.pages + tokens.history + tokens.query + (tokens.lore ?? 0)
          + (tokens.samples ?? 0)
        && Set(items).count == pages.count && items.count == pages.count
        && (prompt.samples.map(\.id) + prompt.leftOut.filter { $0.kind == "sample" }.map(\.id)).sorted()
          == samples.map(\.pageID).sorted()
        && Set(prompt.samples.map(\.id)).isDisjoint(with: prompt.pages.map(\.id))
        && (tokens.samples ?? 0) <= budget / 10
        && kept + prompt.leftOut.filter { $0.kind == "turn" }.count == history.count
        && prompt.messages.last == Message(role: .user, content: question)
      #expect(isRight, "seed \(seed), round \(round): \(actual) of \(budget)")
      if round % 10 == 0 {
        let again = try build()
        #expect(
          RecordCoder.encode(.prompt(again)) == RecordCoder.encode(.prompt(prompt)), "seed \(seed), round \(round)")
      }
    }
    #expect(built > 8_000, "only \(built) of 10,000 could be built")
    #expect(withLore > 1_000 && withSamples > 300, "\(withLore) with lore, \(withSamples) with samples")
  }
}
