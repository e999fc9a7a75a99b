// Who speaks: the characters of the cast and those of the cards in the database, with the lore that a question calls.

/// Finds characters by id: a user's own first, then the cards of the database, then the built-in ones.
struct Speakers {
  /// A character, and its card if it has one.
  struct Speaker {
    let character: StoryCharacter
    fileprivate var card: (row: Int, card: CharacterCard)?
  }

  /// No more entries of lore than these are looked at for a prompt.
  static let loreLimit = 1000
  /// No text of that many bytes for each token of a budget fits into it: `TokenEstimate` counts at least one for 7.
  private static let bytesPerToken = 8
  /// How often the lore that was found is looked through for keys.
  private static let recursionLimit = 4

  private let store: PageStore
  private let cast: Cast
  private let known: KnownPages

  init(store: PageStore, cast: Cast, known: KnownPages) {
    self.store = store
    self.cast = cast
    self.known = known
  }

  /// The character of that id; without one the narrator.
  /// - Throws: `GibseyError.unknownCharacter`, which lists the known ones.
  func speaker(_ id: String?) throws -> Speaker {
    guard let id else { return Speaker(character: try cast.narrator) }
    if let own = cast.own(id) { return Speaker(character: own) }
    guard let stored = try store.card(id: id) else {
      do {
        return Speaker(character: try known.character(id) { try cast.named(id) })
      } catch GibseyError.unknownCharacter(let id, let known) {
        let all = Set(known.map(\.spelling)).union(try store.cards().map(\.id.spelling))
        throw GibseyError.unknownCharacter(id: id, known: all.sorted().map(\.text))
      }
    }
    let card: CharacterCard
    do { card = try CharacterCard(stored.used) } catch is RecordProblem { throw damaged }
    return Speaker(character: card.character, card: (stored.row, card))
  }

  /// The lore that the question and the last messages call, and what is constant, best first; nothing that becomes known
  /// only after the gate.
  /// - Parameters:
  ///   - conversation: what the session remembers; the request's own history is newer.
  ///   - gate: the last place in the reading order that the reader knows; nil for the whole book.
  func lore(
    of speaker: Speaker, for request: ChatRequest, after conversation: PromptConversation, upTo gate: Int?,
    budgetTokens: Int
  ) throws -> PromptLore? {
    guard let (row, card) = speaker.card else { return nil }
    let limitBytes = budgetTokens.multipliedReportingOverflow(by: Self.bytesPerToken)
    var calling = LoreCalling(
      macros: card.macros,
      isKnown: { entry in
        guard let gate, let id = entry.knownFrom else { return true }
        return try store.page(id: id).map { $0.pageIndex <= gate } ?? false
      })
    let contentLimit = limitBytes.overflow ? Int.max : limitBytes.partialValue
    try calling.add(
      try entries(store.constantLore(ofCard: row, limit: Self.loreLimit, contentLimitBytes: contentLimit)),
      isCalled: true)
    var words = calling.speak(request.prompt)
    if card.scanDepth == 0 { words = [] }
    let said = conversation.lastMessages(card.scanDepth - 1) + request.history
    for message in said.suffix(max(0, card.scanDepth - 1)).reversed() {
      words += calling.speak(message.content)
    }
    if card.isLoreRecursive { words += calling.speakOfLore() }
    for _ in 0..<(card.isLoreRecursive ? Self.recursionLimit : 1) where !words.isEmpty {
      let found = try store.lore(
        ofCard: row, calledBy: words, limit: Self.loreLimit, contentLimitBytes: contentLimit)
      try calling.add(try entries(found), isCalled: false)
      words = card.isLoreRecursive ? calling.speakOfLore() : []
    }
    return PromptLore(
      entries: calling.called.sorted(by: LoreEntry.isFirst).map { PromptLore.Entry($0, card.macros) },
      budgetTokens: card.loreBudgetTokens)
  }

  private func entries(_ stored: [StoredLore]) throws -> [LoreEntry] {
    do {
      return try stored.map { try LoreEntry($0.entry, place: $0.place, content: $0.content) }
    } catch is RecordProblem {
      throw damaged
    }
  }

  private var damaged: GibseyError { .notADatabase(path: store.path, reason: "a damaged card") }
}
