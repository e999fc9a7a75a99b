// Counts a question's words in the turns of one branch.

extension TurnChain {
  /// Which places there are of those that may be told, how many words each has, and how many all have.
  func told() -> (places: PlaceTable, words: Int) {
    var open = [Int](repeating: 0, count: facts.count)
    var words = [UInt32](repeating: 0, count: facts.count)
    var all = 0
    for place in places {
      open[place] = 1
      words[place] = facts.words(of: place)
      all += Int(words[place])
    }
    return (PlaceTable(places: open, words: words), all)
  }
}

extension ConversationStore {
  /// Counts the words of an FTS5 expression of words joined by OR, or of none, in the turns that may be told. The rows are
  /// places of turns.
  /// - Parameters:
  ///   - told: what `chain.told()` gives.
  ///   - last: looks only at so many of the session's last turns; nil at all.
  func termCounts(
    _ match: String?, in chain: TurnChain, _ told: (places: PlaceTable, words: Int), last: Int? = nil
  ) throws -> TermCounts {
    let first = Self.textRow(chain.session, 0)
    var collector = TermCollector(firstRow: first, open: told.places)
    if let match {
      let sql =
        """
        SELECT \(RankingFunction.name)(turn_text) FROM turn_text
        WHERE turn_text MATCH ?1 AND rowid BETWEEN ?2 AND ?3
        """
      try connection.collect(&collector, sql) { statement in
        statement.bind(1, match)
        statement.bind(2, first + max(0, last.map { chain.facts.count - $0 } ?? 0))
        statement.bind(3, Self.textRow(chain.session + 1, 0) - 1)
      }
    }
    var counts = collector.counts
    (counts.pages, counts.words) = (chain.count, told.words)
    return counts
  }
}
