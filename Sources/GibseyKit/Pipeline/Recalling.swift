// Finds what was said long ago, as pages are found: by words, by meaning, and never behind the gate.

/// Searches the turns of a branch.
struct Recalling {
  /// As many turns are read and compared with the question word by word.
  static let readCandidates = 40
  /// What a turn must reach to be called back at all: the score of a turn that has a third of the question's words.
  static let least = 0.4
  static let leastWithMeaning = 0.4
  /// Vectors that are compared in full, of those that look near by their signs.
  static let vectorCandidates = 100

  /// In a conversation of more turns than these a word that every tenth of the last ones has is not looked for, when the
  /// question has a rarer one: it tells nothing apart, and costs most of the time.
  static let sampledTurns = 2048
  static let frequentPart = 10

  let pages: PageStore
  let store: ConversationStore
  let words: () throws -> (any WordVectors)?
  /// Whose vectors are compared; nil to look for words alone.
  let embedder: EmbedderRow?

  /// The turns that have most to do with a question, best first, ties by the newest.
  /// - Parameter vector: the question's, of the embedder's dimensions; nil where there is none.
  func turns(
    for question: String, vector: [Float]?, in chain: TurnChain, limit: Int
  ) throws -> [PromptConversation.Turn] {
    let terms = try telling(try pages.distinctByStem(KeywordQuery(question: question).terms), in: chain)
    let (counts, places) = try store.termCounts(KeywordQuery.matchExpression(terms), in: chain)
    var evidence: [Int: PageEvidence] = [:]
    for (row, score) in KeywordScores(counts, places: places, gate: nil).scores.largest(
      Self.readCandidates, by: \.score)
    {
      evidence[row, default: PageEvidence(row: row)].keywords = score
    }
    if let embedder, let vector {
      let near = try store.nearest(to: vector, in: chain, places, embedder, limit: Self.vectorCandidates)
      let compared = try near.sorted().compactMap { row -> (row: Int, meaning: Double)? in
        try store.nearness(of: chain.ids[row], to: vector, embedder).map { (row, $0) }
      }
      for (row, _) in compared.largest(Self.readCandidates, by: \.meaning) where evidence[row] == nil {
        evidence[row] = PageEvidence(row: row)
      }
      for row in evidence.keys.sorted() {
        evidence[row]?.meaning = try store.nearness(of: chain.ids[row], to: vector, embedder)
      }
    }
    guard !evidence.isEmpty else { return [] }
    var coverage = WordCoverage(terms: terms, counts: counts, words: try words())
    let found = try evidence.values.sorted { $0.row < $1.row }.map { item in
      let turn = try store.turn(atPlace: item.row, of: chain)
      var item = item
      item.coverage = coverage.share(ofPage: item.row, text: turn.question + "\n" + turn.answer)
      item.closeness = coverage.closeness(ofPage: item.row)
      return (turn: turn, score: item.score)
    }
    let least = embedder == nil || vector == nil ? Self.least : Self.leastWithMeaning
    return found.filter { $0.score >= least }
      .sorted { $0.score == $1.score ? $0.turn.id > $1.turn.id : $0.score > $1.score }
      .prefix(limit).map { PromptConversation.Turn($0.turn) }
  }

  /// The words that tell turns apart.
  private func telling(_ terms: [String], in chain: TurnChain) throws -> [String] {
    guard terms.count > 1, chain.count > 2 * Self.sampledTurns, let match = KeywordQuery.matchExpression(terms) else {
      return terms
    }
    let counts = try store.termCounts(match, in: chain, last: Self.sampledTurns).counts
    guard counts.terms == terms.count else { return terms }
    let turns = terms.indices.map { term in
      counts.rows.indices.count { counts.counts[$0 * terms.count + term] > 0 }
    }
    let telling = terms.indices.filter { turns[$0] * Self.frequentPart <= Self.sampledTurns }
    guard telling.isEmpty else { return telling.map { terms[$0] } }
    return turns.indices.min { turns[$0] < turns[$1] }.map { [terms[$0]] } ?? terms
  }
}
