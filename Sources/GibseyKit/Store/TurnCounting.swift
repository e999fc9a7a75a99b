// Counts a question's words in the turns of one branch.

extension ConversationStore {
  /// Counts the words of an FTS5 expression of words joined by OR, or of none, in the turns that may be told. The rows are places of turns.
  /// - Parameter last: looks only at so many of the session's last turns; nil at all.
  /// - Returns: with the counts, which places there are and how many words each has.
  func termCounts(
    _ match: String?, in chain: TurnChain, last: Int? = nil
  ) throws -> (counts: TermCounts, places: PlaceTable) {
    let collector = TermCollector()
    if let match { try count(match, chain, last: last, collector) }
    var open = [Int](repeating: 0, count: chain.words.count)
    var words = 0
    for place in chain.places {
      open[place] = 1
      words += Int(chain.words[place])
    }
    let first = Self.textRow(chain.session, 0)
    let counts = collector.counts.keeping(pages: chain.count, words: words) { row in
      let place = row - first
      return open.indices.contains(place) && open[place] == 1 ? place : nil
    }
    return (counts, PlaceTable(places: open, words: chain.words))
  }

  private func count(_ match: String, _ chain: TurnChain, last: Int?, _ collector: TermCollector) throws {
    try connection.withRankingFunction("gibsey_count_turn", collector: collector) {
      let statement = try connection.prepare(
        "SELECT gibsey_count_turn(turn_text) FROM turn_text WHERE turn_text MATCH ?1 AND rowid BETWEEN ?2 AND ?3")
      statement.bind(1, match)
      statement.bind(2, Self.textRow(chain.session, max(0, last.map { chain.words.count - $0 } ?? 0)))
      statement.bind(3, Self.textRow(chain.session + 1, 0) - 1)
      while try statement.step() {}
    }
  }
}
