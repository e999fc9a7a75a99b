// Builds the prompt: persona, pages, history, question, in one budget that is never exceeded.

/// What goes into a prompt, best pages first.
public struct PromptMaterial: Sendable {
  /// A page that may go in.
  public struct Candidate: Sendable {
    public let id: String
    public let title: String?
    public let text: String
    public let score: Double
    public let reasons: JSONObject
    /// Whether the reader is on it.
    public let isCurrent: Bool
  }

  public var character: StoryCharacter
  public var request: ChatRequest
  /// The current page first, then the found ones by rank.
  public var candidates: [Candidate]
  /// The question's words, by which excerpts are chosen.
  public var terms: [String]
  public var gatePageID: String?
  public var budgetTokens: Int
}

/// Spends the budget. The question is never cut, and the persona has a short form. Of what then remains, history may take
/// a third, newest turns first; pages go in whole, the current one first and then by rank. No page takes more than half of
/// the pages' room unless it is the only one: one that alone is longer goes in as its best paragraphs. What pages leave
/// over goes to older turns. Everything that does not make it is listed in `left_out`.
struct PromptBuilder {
  /// More pages than this distract a model more than they tell it.
  static let pageLimit = 12
  /// The full persona is used while it takes at most this part of the budget.
  private static let personaPart = 4
  private static let historyPart = 3
  private static let pagePart = 2

  private let material: PromptMaterial
  private let question: String
  private var persona: String
  private var questionTokens: Int
  private var turns: [Message] = []
  private var turnTokens = 0
  private var pageTexts: [String] = []
  private var pages: [PromptPage] = []
  private var pageTokens = 0
  private var leftOut: [LeftOut] = []

  /// - Throws: `GibseyError.budgetTooSmall`, `.questionTooLong`.
  static func prompt(_ material: PromptMaterial) throws -> Prompt {
    var builder = try PromptBuilder(material)
    let room = builder.room
    let historyRoom = material.candidates.isEmpty ? room : room / historyPart
    builder.addTurns(room: historyRoom)
    builder.addPages(room: room - builder.turnTokens)
    builder.addTurns(room: room - builder.pageTokens)
    return builder.finish()
  }

  private init(_ material: PromptMaterial) throws {
    self.material = material
    question = material.request.prompt
    questionTokens = TokenEstimate.tokens(of: question)
    let rules = StandingRules.text(hasPages: !material.candidates.isEmpty)
    let full = material.character.persona + "\n\n" + rules
    let isFullFitting =
      TokenEstimate.tokens(of: full) * Self.personaPart <= material.budgetTokens
    persona = isFullFitting ? full : material.character.shortPersona + "\n\n" + rules
    let personaTokens = TokenEstimate.tokens(of: persona) + Self.frame
    guard personaTokens < material.budgetTokens else {
      throw GibseyError.budgetTooSmall(
        budgetTokens: material.budgetTokens, neededTokens: personaTokens + questionTokens)
    }
    guard room >= 0 else {
      throw GibseyError.questionTooLong(
        questionTokens: questionTokens, roomTokens: material.budgetTokens - personaTokens)
    }
  }

  /// What the template adds to a prompt of two messages.
  private static let frame = TokenEstimate.promptOverhead + 2 * TokenEstimate.messageOverhead

  /// What persona and question leave over.
  private var room: Int {
    material.budgetTokens - Self.frame - TokenEstimate.tokens(of: persona) - questionTokens
  }

  /// Puts in turns, newest first and without a gap, as far as the room goes.
  private mutating func addTurns(room: Int) {
    let history = material.request.history
    while turns.count < history.count {
      let turn = history[history.count - 1 - turns.count]
      let cost = TokenEstimate.tokens(of: turn.content) + TokenEstimate.messageOverhead
      guard turnTokens + cost <= room else { return }
      turns.append(turn)
      turnTokens += cost
    }
  }

  private mutating func addPages(room: Int) {
    let share = material.candidates.count > 1 ? room / Self.pagePart : room
    for candidate in material.candidates {
      guard pages.count < Self.pageLimit else {
        leaveOut(candidate, "rank")
        continue
      }
      if cost(adding: text(candidate), to: []) <= share {
        if !add(candidate, text(candidate), isExcerpt: false, room: room) { leaveOut(candidate, "budget") }
      } else {
        addExcerpt(of: candidate, share: share, room: room)
      }
    }
  }

  private mutating func addExcerpt(of candidate: PromptMaterial.Candidate, share: Int, room: Int) {
    let excerpt = Excerpt.text(of: candidate.text, terms: material.terms) { part in
      let text = self.text(candidate, excerpt: part)
      return cost(adding: text, to: []) <= share && cost(adding: text, to: pageTexts) <= room
    }
    guard let excerpt,
      add(candidate, text(candidate, excerpt: excerpt), isExcerpt: true, room: room)
    else { return leaveOut(candidate, "budget") }
  }

  private mutating func add(
    _ candidate: PromptMaterial.Candidate, _ text: String, isExcerpt: Bool, room: Int
  ) -> Bool {
    let cost = cost(adding: text, to: pageTexts)
    guard cost <= room else { return false }
    pageTexts.append(text)
    pageTokens = cost
    pages.append(
      PromptPage(
        id: candidate.id, title: candidate.title, score: candidate.score,
        tokens: TokenEstimate.tokens(of: text), reasons: candidate.reasons, isExcerpt: isExcerpt))
    return true
  }

  /// What all pages cost with one more, their message included.
  private func cost(adding text: String, to texts: [String]) -> Int {
    TokenEstimate.tokens(of: PageBlock.block(texts + [text])) + TokenEstimate.messageOverhead
  }

  private func text(_ candidate: PromptMaterial.Candidate, excerpt: String? = nil) -> String {
    PageBlock.page(
      id: candidate.id, title: candidate.title, text: excerpt ?? candidate.text,
      isCurrent: candidate.isCurrent, isExcerpt: excerpt != nil)
  }

  private mutating func leaveOut(_ candidate: PromptMaterial.Candidate, _ reason: String) {
    leftOut.append(
      LeftOut(
        kind: "page", id: candidate.id, reason: reason, tokens: TokenEstimate.tokens(of: text(candidate))))
  }

  private func finish() -> Prompt {
    var messages = [Message(role: .system, content: persona)]
    if !pageTexts.isEmpty { messages.append(Message(role: .system, content: PageBlock.block(pageTexts))) }
    messages += turns.reversed()
    messages.append(Message(role: .user, content: question))
    let history = material.request.history
    let missingTurns = (0..<(history.count - turns.count)).map { index in
      LeftOut(
        kind: "turn", id: String(index), reason: "budget",
        tokens: TokenEstimate.tokens(of: history[index].content))
    }
    let personaTokens = TokenEstimate.tokens(of: persona) + Self.frame
    let tokens = TokenShares(
      budget: material.budgetTokens, total: personaTokens + pageTokens + turnTokens + questionTokens,
      persona: personaTokens, pages: pageTokens, history: turnTokens, query: questionTokens)
    return Prompt(
      prompt: question, characterID: material.request.characterID, messages: messages, pages: pages,
      tokens: tokens, leftOut: leftOut + missingTurns, gatePageID: material.gatePageID,
      requestID: material.request.requestID, sessionID: material.request.sessionID,
      options: material.request.options)
  }
}
