// Finds what was said long ago, as pages are found: by words, by meaning, and never behind the gate.

/// Searches the turns of a branch.
struct Recalling {
  /// As many turns are read and compared with the question word by word.
  static let readCandidates = 40
  /// What a turn must reach to be called back at all: the score of a turn that has a third of the question's words.
  static let least = 0.4

  /// In a conversation of more turns than these a word that every tenth of the last ones has is not looked for, when the
  /// question has a rarer one: it tells nothing apart, and costs most of the time.
  static let sampledTurns = 2048
  static let frequentPart = 10

  let pages: PageStore
  let store: ConversationStore
  let words: () throws -> (any WordVectors)?

  /// The turns that have most to do with a question, best first, ties by the newest.
  func turns(for question: String, in chain: TurnChain, limit: Int) throws -> [PromptConversation.Turn] {
    let terms = try telling(try pages.distinctByStem(KeywordQuery(question: question).terms), in: chain)
    guard let match = KeywordQuery.matchExpression(terms) else { return [] }
    let (counts, places) = try store.termCounts(match, in: chain)
    let keywords = KeywordScores(counts, places: places, gate: nil).scores
    guard !keywords.isEmpty else { return [] }
    var coverage = WordCoverage(terms: terms, counts: counts, words: try words())
    let best = keywords.largest(Self.readCandidates, by: \.score)
    let found = try best.sorted { $0.row < $1.row }.map { row, score in
      let turn = try store.turn(atPlace: row, of: chain)
      var evidence = PageEvidence(row: row)
      evidence.keywords = score
      evidence.coverage = coverage.share(ofPage: row, text: turn.question + "\n" + turn.answer)
      evidence.closeness = coverage.closeness(ofPage: row)
      return (turn: turn, score: evidence.score)
    }
    return found.filter { $0.score >= Self.least }
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
