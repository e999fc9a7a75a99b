// Finds what was said long ago, as pages are found: by words, by meaning, and never behind the gate.

/// Searches the turns of a branch.
struct Recalling {
  /// As many turns that words find, and as many that vectors find, are read and compared with the question word by word.
  static let readCandidates = 30
  /// What a turn must reach to be called back: the score of a turn that has a third of the question's words. But see `ordered`.
  static let least = 0.4
  /// Vectors that are compared in full, of those that look near by their signs.
  static let vectorCandidates = 100

  /// In a conversation of more turns than these a word that every tenth of the last ones has is not looked for, when the
  /// question has a rarer one: it tells nothing apart, and costs most of the time.
  static let longTurns = 4096
  static let sampledTurns = 1024
  static let frequentPart = 10
  /// Where it has none, the rarest of them is looked for among so many of the last turns.
  static let frequentTurns = 8192

  let pages: PageStore
  let store: ConversationStore
  let words: () throws -> (any WordVectors)?
  /// Whose vectors are compared; nil to look for words alone.
  let embedder: EmbedderRow?

  /// The turns that have most to do with a question, best first, ties by the newest.
  /// - Parameter vector: the question's, of the embedder's dimensions; nil where there is none. Asked for when the words have been
  ///   looked up, so that it may be made meanwhile.
  func turns(
    for question: String, vector: () throws -> [Float]?, in chain: TurnChain, limit: Int
  ) throws -> [PromptConversation.Turn] {
    let (terms, told) = try telling(
      try pages.distinctByStem(KeywordQuery(question: question).terms), in: chain)
    let counts = try store.termCounts(KeywordQuery.matchExpression(terms), in: chain, told)
    var evidence: [Int: PageEvidence] = [:]
    for (row, score) in KeywordScores(counts, places: told.places, gate: nil).scores.largest(
      Self.readCandidates, by: \.score)
    {
      evidence[row, default: PageEvidence(row: row)].keywords = score
    }
    if let embedder, let vector = try vector() {
      let near = try store.nearest(to: vector, in: chain, told.places, embedder, limit: Self.vectorCandidates)
      let compared = try store.nearness(
        of: near.union(evidence.keys).sorted(), in: chain, to: vector, embedder)
      let nearest = compared.filter { near.contains($0.place) }.largest(Self.readCandidates, by: \.cosine)
      for (row, _) in nearest where evidence[row] == nil { evidence[row] = PageEvidence(row: row) }
      for (row, cosine) in compared { evidence[row]?.meaning = cosine }
    }
    guard !evidence.isEmpty else { return [] }
    var coverage = WordCoverage(terms: terms, counts: counts, vocabulary: Vocabulary(try words()))
    let found = try evidence.values.sorted { $0.row < $1.row }.map { item in
      let turn = try store.turn(atPlace: item.row, of: chain.session)
      var item = item
      item.coverage = coverage.share(ofPage: item.row, text: turn.question + "\n" + turn.answer)
      item.closeness = coverage.closeness(ofPage: item.row)
      return Found(turn: turn, score: item.score, rarity: coverage.rarity(ofPage: item.row))
    }
    return Self.ordered(found).prefix(limit).map { PromptConversation.Turn($0.turn) }
  }

  /// A turn found, and why.
  private struct Found {
    let turn: StoredTurn
    let score: Double
    /// How rare the words are that it shares with the question, where that is no chance.
    let rarity: Double?
  }

  /// The best first. The turn that shares the rarest words is the first, if that can be no chance: a question that names a thing
  /// among many words that were never said covers little of itself by it, and in a long conversation there is always a turn that
  /// is nearer in meaning.
  private static func ordered(_ found: [Found]) -> [Found] {
    func isBefore(_ left: Found, _ right: Found) -> Bool {
      left.score == right.score ? left.turn.id > right.turn.id : left.score > right.score
    }
    let best = found.filter { $0.score >= Self.least }.sorted(by: isBefore)
    let rarest = found.filter { $0.rarity != nil }.min {
      $0.rarity == $1.rarity ? isBefore($0, $1) : $0.rarity ?? 0 > $1.rarity ?? 0
    }
    guard let rarest else { return best }
    return [rarest] + best.filter { $0.turn.id != rarest.turn.id }
  }

  /// The words that tell turns apart, and the turns in which they are looked for.
  private func telling(_ terms: [String], in chain: TurnChain) throws -> (terms: [String], told: ToldTurns) {
    let all = chain.allTold
    guard chain.count > Self.longTurns, let match = KeywordQuery.matchExpression(terms) else { return (terms, all) }
    let counts = try store.termCounts(match, in: chain, chain.lastTold(Self.sampledTurns))
    guard counts.terms == terms.count else { return (terms, all) }
    let turns = counts.pagesWith
    let telling = terms.indices.filter { turns[$0] * Self.frequentPart <= counts.pages }
    guard telling.isEmpty else { return (telling.map { terms[$0] }, all) }
    let rarest = turns.indices.min { turns[$0] < turns[$1] }
    return (rarest.map { [terms[$0]] } ?? terms, chain.lastTold(Self.frequentTurns))
  }
}
