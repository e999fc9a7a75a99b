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
  /// What the character's card knows of what is spoken of.
  public var lore: PromptLore? = nil
}

/// Spends the budget. The question is never cut, and the persona has a short form: it is used where the full one would
/// exceed a quarter of the budget or leave no room for the question. Of what then remains, lore may take a quarter, and
/// goes in whole entries; of what then remains, history may take a third,
/// newest turns first, a question never without its answer nor an answer without its question; pages go in whole, the
/// current one first and then by rank. No page takes more than half of the pages' room, the fence set aside, unless it is
/// the only one: one that alone is longer goes in as its best paragraphs. What pages leave over goes to older turns.
/// Everything that does not make it is listed in `left_out`. What the chat template adds is counted in the persona's share
/// for the two messages that every prompt has, and in the share of pages and history for theirs.
struct PromptBuilder {
  /// More pages than this distract a model more than they tell it.
  static let pageLimit = 12
  /// The full persona is used while it takes at most this part of the budget.
  private static let personaPart = 4
  private static let historyPart = 3
  private static let pagePart = 2
  private static let lorePart = 4
  /// Less room than this holds no sentence worth reading.
  private static let excerptLeast = 16

  private let material: PromptMaterial
  private let question: String
  private let persona: String
  private let questionTokens: Int
  private var turns: [Message] = []
  private var turnTokens = 0
  private var pageTexts: [String] = []
  private var pages: [PromptPage] = []
  private var pageTokens = 0
  private var loreText: String?
  private var loreTokens = 0
  private var leftOut: [LeftOut] = []

  /// - Throws: `GibseyError.budgetTooSmall`, `.questionTooLong`.
  static func prompt(_ material: PromptMaterial) throws -> Prompt {
    var builder = try PromptBuilder(material)
    builder.addLore(room: builder.room / lorePart)
    let room = builder.room - builder.loreTokens
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
    let (full, short) = (material.character.persona, material.character.shortPersona)
    let budget = material.budgetTokens
    let fullTokens = Self.tokens(of: full, for: material)
    let isFull = fullTokens * Self.personaPart <= budget && fullTokens + Self.frame + questionTokens <= budget
    persona = isFull ? full : short
    let personaTokens = Self.tokens(of: persona, for: material) + Self.frame
    guard personaTokens < budget else {
      throw GibseyError.budgetTooSmall(budgetTokens: budget, neededTokens: personaTokens + questionTokens)
    }
    guard personaTokens + questionTokens <= budget else {
      throw GibseyError.questionTooLong(questionTokens: questionTokens, roomTokens: budget - personaTokens)
    }
  }

  /// What a persona takes with its rules; with the longer rules, as long as it is open whether a page fits.
  private static func tokens(of persona: String, for material: PromptMaterial) -> Int {
    let without = TokenEstimate.tokens(of: instructions(persona, hasPages: false))
    guard !material.candidates.isEmpty else { return without }
    return max(without, TokenEstimate.tokens(of: instructions(persona, hasPages: true)))
  }

  private static func instructions(_ persona: String, hasPages: Bool) -> String {
    persona + "\n\n" + StandingRules.text(hasPages: hasPages)
  }

  /// What the template adds to a prompt of two messages.
  private static let frame = TokenEstimate.promptOverhead + 2 * TokenEstimate.messageOverhead

  /// What persona and question leave over.
  private var room: Int {
    material.budgetTokens - Self.frame - Self.tokens(of: persona, for: material) - questionTokens
  }

  private mutating func addLore(room: Int) {
    guard let (told, rest) = material.lore?.fitting(room) else { return }
    leftOut += rest
    guard !told.isEmpty else { return }
    let text = LoreBlock.block(told.compactMap(\.text))
    loreText = text
    loreTokens = TokenEstimate.tokens(of: text) + TokenEstimate.messageOverhead
  }

  /// Puts in turns, newest first and without a gap, as far as the room goes.
  private mutating func addTurns(room: Int) {
    let history = material.request.history
    while turns.count < history.count {
      let rest = history.dropLast(turns.count)
      let turn = rest[(rest.lastIndex { $0.role == .user } ?? rest.startIndex)...]
      let cost = turn.reduce(0) { $0 + TokenEstimate.tokens(of: $1.content) + TokenEstimate.messageOverhead }
      guard turnTokens + cost <= room else { return }
      turns += turn.reversed()
      turnTokens += cost
    }
  }

  private mutating func addPages(room: Int) {
    let fence = TokenEstimate.tokens(of: PageBlock.block([])) + TokenEstimate.messageOverhead
    let share = (room - fence) / (material.candidates.count > 1 ? Self.pagePart : 1)
    for candidate in material.candidates {
      guard pages.count < Self.pageLimit else {
        leaveOut(candidate, "rank")
        continue
      }
      if TokenEstimate.tokens(of: text(candidate)) <= share {
        if !add(candidate, text(candidate), isExcerpt: false, room: room) { leaveOut(candidate, "budget") }
      } else {
        addExcerpt(of: candidate, share: share, room: room)
      }
    }
  }

  /// Tokens of joined texts are at most the sum of theirs, so an excerpt that fits beside its label fits in all.
  private mutating func addExcerpt(of candidate: PromptMaterial.Candidate, share: Int, room: Int) {
    let label = text(candidate, excerpt: "")
    let limit = min(share - TokenEstimate.tokens(of: label), room - cost(adding: label, to: pageTexts))
    guard limit >= Self.excerptLeast,
      let excerpt = Excerpt.text(
        of: candidate.text, terms: material.terms, fits: { TokenEstimate.tokens(of: $0) <= limit }),
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
    let instructions = Self.instructions(persona, hasPages: !pages.isEmpty)
    var messages = [Message(role: .system, content: instructions)]
    if let loreText { messages.append(Message(role: .system, content: loreText)) }
    if !pageTexts.isEmpty { messages.append(Message(role: .system, content: PageBlock.block(pageTexts))) }
    messages += turns.reversed()
    messages.append(Message(role: .user, content: question))
    let history = material.request.history
    let missingTurns = (0..<(history.count - turns.count)).map { index in
      LeftOut(
        kind: "turn", id: String(index), reason: "budget",
        tokens: TokenEstimate.tokens(of: history[index].content))
    }
    let personaTokens = TokenEstimate.tokens(of: instructions) + Self.frame
    let tokens = TokenShares(
      budget: material.budgetTokens, total: personaTokens + loreTokens + pageTokens + turnTokens + questionTokens,
      persona: personaTokens, pages: pageTokens, history: turnTokens, query: questionTokens,
      lore: loreText == nil ? nil : loreTokens)
    return Prompt(
      prompt: question, characterID: material.request.characterID, messages: messages, pages: pages,
      tokens: tokens, leftOut: leftOut + missingTurns, gatePageID: material.gatePageID,
      requestID: material.request.requestID, sessionID: material.request.sessionID,
      options: material.request.options)
  }
}
