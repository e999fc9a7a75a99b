// Builds the prompt: persona, samples, lore, pages, history, question, in one budget that is never exceeded.

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
    /// Where it stands in the reading order.
    public var place = 0
    /// How it stands whole in a prompt, where somebody knows already.
    var told: ToldPage?
  }

  public var character: StoryCharacter
  public var request: ChatRequest
  /// The current page first, then the found ones by rank.
  public var candidates: [Candidate]
  /// The question's words, by which excerpts are chosen.
  public var terms: [String]
  public var gatePageID: String?
  /// Where the reader is, when that is not the gate.
  public var currentPageID: String? = nil
  public var budgetTokens: Int
  /// What the character's card knows of what is spoken of.
  public var lore: PromptLore? = nil
  /// Passages of the character's own pages, best first.
  public var samples: [VoiceSample] = []
  /// What the session remembers; the request's own history comes after it.
  public var conversation = PromptConversation()
}

/// Spends the budget. The question is never cut, and the persona has a short form: it is used where the full one would
/// exceed a quarter of the budget or leave no room for the question. Of what then remains, lore may take a quarter, and
/// goes in whole entries; passages of the character's own pages may take a tenth of the budget, and no more than a fifth of what
/// remains; of what then remains, history may take a third, newest turns first, a question never without its answer nor an
/// answer without its question; pages go in whole, the current one first and then by rank. No page takes more than half of the
/// pages' room, the fence set aside, unless it is the only one: one that alone is longer goes in as its best paragraphs. What
/// pages leave over goes to older turns. Where not all turns of a session fit, a third of history's room is for those that the
/// question calls back. Everything that does not make it is listed in `left_out`. What the chat template adds
/// is counted in the persona's share for the two messages that every prompt has, and in the share of the others for theirs.
///
/// The messages stand in the order in which they change least: docs/design/0013-order-of-a-prompt.md.
struct PromptBuilder {
  /// More pages than this distract a model more than they tell it.
  static let pageLimit = 12
  /// The full persona is used while it takes at most this part of the budget.
  private static let personaPart = 4
  private static let historyPart = 3
  private static let pagePart = 2
  private static let lorePart = 4
  private static let samplesPart = 10
  private static let samplesRoomPart = 5
  /// Less room than this holds no sentence worth reading.
  private static let excerptLeast = 16

  private let material: PromptMaterial
  private let question: String
  private let persona: String
  /// With the rules and the frame, as long as they may become.
  private let personaTokens: Int
  private let questionTokens: Int
  private var history: PromptHistory
  /// Pages that are in, in the order in which they came to be.
  private var kept: [KeptPage] = []
  private var pagePieces = 0
  private var pageTokens = 0
  private var samples = PromptSamples([], room: 0)
  private var loreText: String?
  private var loreTokens = 0
  private var lore: [PromptLoreEntry] = []
  private var leftOut: [LeftOut] = []

  private struct KeptPage {
    let place: Int
    let text: String
    let page: PromptPage
  }

  /// - Throws: `GibseyError.budgetTooSmall`, `.questionTooLong`.
  static func prompt(_ material: PromptMaterial) throws -> Prompt {
    var builder = try PromptBuilder(material)
    builder.addLore(room: builder.room / lorePart)
    let samplesRoom = min(material.budgetTokens / samplesPart, builder.room / samplesRoomPart)
    // What the best take is kept free; those of pages that turn out to be in the prompt give way to the next.
    let reserve = PromptSamples(material.samples, room: samplesRoom).tokens
    let room = builder.room - builder.loreTokens - reserve
    let historyRoom = material.candidates.isEmpty ? room : room / historyPart
    let recallRoom = builder.history.reserve(of: historyRoom)
    builder.history.add(room: historyRoom - recallRoom)
    builder.addPages(room: room - builder.history.tokens - recallRoom)
    builder.samples = PromptSamples(material.samples, room: reserve, pages: Set(builder.kept.map(\.page.id.spelling)))
    let rest = room + reserve - builder.samples.tokens - builder.pageTokens
    builder.history.add(room: rest - recallRoom)
    builder.history.recall(room: rest - builder.history.tokens)
    builder.history.add(room: rest - builder.history.recalledTokens)
    return builder.finish()
  }

  private init(_ material: PromptMaterial) throws {
    self.material = material
    question = material.request.prompt
    questionTokens = TokenEstimate.tokens(of: question)
    history = PromptHistory(
      material.request.history, material.conversation, question: question, questionTokens: questionTokens)
    let (full, short) = (material.character.persona, material.character.shortPersona)
    let budget = material.budgetTokens
    let fullTokens = Self.tokens(of: full, for: material)
    let isFull = fullTokens * Self.personaPart <= budget && fullTokens + Self.frame + questionTokens <= budget
    persona = isFull ? full : short
    personaTokens = Self.tokens(of: persona, for: material) + Self.frame
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
  private var room: Int { material.budgetTokens - personaTokens - questionTokens }

  private mutating func addLore(room: Int) {
    guard let (told, rest) = material.lore?.fitting(room) else { return }
    leftOut += rest
    guard !told.isEmpty else { return }
    lore = told.map { PromptLoreEntry(id: $0.entry.id, tokens: $0.tokens, knownFrom: $0.entry.knownFrom) }
    let text = LoreBlock.block(told.compactMap { $0.entry.text })
    loreText = text
    loreTokens = TokenEstimate.tokens(of: text) + TokenEstimate.messageOverhead
  }

  private mutating func addPages(room: Int) {
    let fence = TokenEstimate.tokens(pieces: Self.fencePieces) + TokenEstimate.messageOverhead
    let share = (room - fence) / (material.candidates.count > 1 ? Self.pagePart : 1)
    for candidate in material.candidates {
      let told = candidate.told ?? ToldPage(candidate)
      let (text, pieces) = (told.text, told.pieces)
      if kept.count == Self.pageLimit {
        leaveOut(candidate, "rank", pieces)
      } else if TokenEstimate.tokens(pieces: pieces) <= share {
        if !add(candidate, text, pieces, isExcerpt: false, room: room) { leaveOut(candidate, "budget", pieces) }
      } else if !addExcerpt(of: candidate, share: share, room: room) {
        leaveOut(candidate, "budget", pieces)
      }
    }
  }

  /// Tokens of joined texts are at most the sum of theirs, so an excerpt that fits beside its label fits in all.
  private mutating func addExcerpt(of candidate: PromptMaterial.Candidate, share: Int, room: Int) -> Bool {
    let label = ToldPage(candidate, excerpt: "").pieces
    let limit = min(share - TokenEstimate.tokens(pieces: label), room - cost(adding: label))
    guard limit >= Self.excerptLeast,
      let excerpt = Excerpt.text(
        of: candidate.text, terms: material.terms, fits: { TokenEstimate.tokens(of: $0) <= limit })
    else { return false }
    let told = ToldPage(candidate, excerpt: excerpt)
    return add(candidate, told.text, told.pieces, isExcerpt: true, room: room)
  }

  private mutating func add(
    _ candidate: PromptMaterial.Candidate, _ text: String, _ pieces: Int, isExcerpt: Bool, room: Int
  ) -> Bool {
    let cost = cost(adding: pieces)
    guard cost <= room else { return false }
    pagePieces += (kept.isEmpty ? 0 : Self.jointPieces) + pieces
    pageTokens = cost
    let page = PromptPage(
      id: candidate.id, title: candidate.title, score: candidate.score,
      tokens: TokenEstimate.tokens(pieces: pieces), reasons: candidate.reasons, isExcerpt: isExcerpt)
    kept.append(KeptPage(place: candidate.place, text: text, page: page))
    return true
  }

  /// What all pages cost with one more, their message included. A page begins and ends at a line feed, so that its pieces are
  /// the same in every neighbourhood.
  private func cost(adding pieces: Int) -> Int {
    let joint = kept.isEmpty ? 0 : Self.jointPieces
    return TokenEstimate.tokens(pieces: Self.fencePieces + pagePieces + joint + pieces)
      + TokenEstimate.messageOverhead
  }

  private static let fencePieces = TokenEstimate.pieces(of: PageBlock.block([]))
  private static let jointPieces = TokenEstimate.pieces(of: PageBlock.joint)

  private mutating func leaveOut(_ candidate: PromptMaterial.Candidate, _ reason: String, _ pieces: Int) {
    leftOut.append(
      LeftOut(kind: "page", id: candidate.id, reason: reason, tokens: TokenEstimate.tokens(pieces: pieces)))
  }

  /// The pages in reading order, ties by id.
  private var pagesInOrder: [KeptPage] {
    kept.sorted { one, other in
      guard one.place == other.place else { return one.place < other.place }
      return one.page.id.utf8.lexicographicallyPrecedes(other.page.id.utf8)
    }
  }

  private func finish() -> Prompt {
    let instructions = Self.instructions(persona, hasPages: !kept.isEmpty)
    let pages = pagesInOrder
    var messages = [Message(role: .system, content: instructions)]
    if let message = samples.message { messages.append(message) }
    if let loreText { messages.append(Message(role: .system, content: loreText)) }
    if !pages.isEmpty { messages.append(Message(role: .system, content: PageBlock.block(pages.map(\.text)))) }
    messages += history.messages + [history.asking]
    let personaTokens = TokenEstimate.tokens(of: instructions) + Self.frame
    let tokens = TokenShares(
      budget: material.budgetTokens,
      total: personaTokens + samples.tokens + loreTokens + pageTokens + history.tokens + questionTokens,
      persona: personaTokens, pages: pageTokens, history: history.tokens, query: questionTokens,
      lore: loreText == nil ? nil : loreTokens, samples: samples.told.isEmpty ? nil : samples.tokens)
    var prompt = Prompt(
      prompt: question, characterID: material.request.characterID, messages: messages, pages: pages.map(\.page),
      tokens: tokens, leftOut: leftOut + samples.leftOut + history.leftOut, gatePageID: material.gatePageID,
      parentTurn: material.conversation.parent,
      requestID: material.request.requestID, sessionID: material.request.sessionID,
      options: material.request.options)
    prompt.currentPageID = material.currentPageID
    prompt.samples = samples.told
    prompt.lore = lore
    prompt.turns = history.turns
    return prompt
  }
}
