// Counts a question's words in the turns of one branch.

/// Turns of a branch that may be told, for a search of their words.
struct ToldTurns {
  let places: PlaceTable
  let count: Int
  /// Words in all of them.
  let words: Int
  /// The first place that is looked at.
  let firstPlace: Int
}

extension TurnChain {
  /// All that may be told.
  var allTold: ToldTurns { ToldTurns(places: PlaceTable(told: told), count: count, words: words, firstPlace: 0) }

  /// Those that may be told of so many places before the branch's end.
  func lastTold(_ last: Int) -> ToldTurns {
    let first = max(0, told.count - last)
    var (count, words) = (0, 0)
    for own in told[first...] where own > 0 {
      count += 1
      words += Int(own) - 1
    }
    return ToldTurns(places: PlaceTable(told: told), count: count, words: words, firstPlace: first)
  }
}

extension ConversationStore {
  /// Counts the words of an FTS5 expression of words joined by OR, or of none, in turns that may be told. The rows are places of
  /// turns.
  func termCounts(_ match: String?, in chain: TurnChain, _ told: ToldTurns) throws -> TermCounts {
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
        statement.bind(2, first + told.firstPlace)
        statement.bind(3, first + max(0, chain.told.count - 1))
      }
    }
    var counts = collector.counts
    (counts.pages, counts.words) = (told.count, told.words)
    return counts
  }
}
