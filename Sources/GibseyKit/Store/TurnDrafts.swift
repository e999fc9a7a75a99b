// What has come of answers that go on. An answer's words are put into the full-text index when it has ended: each second anew they
// were the most that a daemon of many readers wrote.

extension ConversationStore {
  /// Keeps what has come of answers, still as interrupted, all in one transaction; of a session that was forgotten nothing. Their
  /// words are found when they have ended, or were taken up.
  public func keep(_ answers: [(turn: OpenTurn, answer: String)]) throws {
    try connection.immediately {
      let find = try connection.kept(
        """
        SELECT turn.session_id, turn.place, draft.turn_id IS NOT NULL OR turn.answer <> ''
        FROM turn LEFT JOIN draft USING (turn_id) WHERE turn_id = ?1
        """)
      let put = try connection.kept("REPLACE INTO draft (turn_id, session_id, answer) VALUES (?1, ?2, ?3)")
      for (turn, answer) in answers where !answer.isEmpty {
        find.bind(1, turn.id)
        defer { find.reset() }
        guard try find.step() else { continue }
        put.bind(1, turn.id)
        put.bind(2, find.integer(0))
        put.bind(3, answer)
        try put.run()
        if find.integer(2) == 0 { try blocks.noteTelling(session: find.integer(0), place: find.integer(1)) }
      }
    }
  }

  /// Takes up what processes that are gone have left of their answers, one by one: it is their turns', as interrupted, and its words are
  /// found. An answer that still goes on is written again when more of it has come.
  public func takeUpDrafts() throws {
    let list = try connection.kept("SELECT turn_id FROM draft ORDER BY turn_id")
    for turn in try drafts(list) { try connection.immediately { try takeUp(turn) } }
  }

  /// The same of one session, in a transaction that is open.
  func takeUpDrafts(of session: Int) throws {
    let list = try connection.kept("SELECT turn_id FROM draft WHERE session_id = ?1 ORDER BY turn_id")
    list.bind(1, session)
    for turn in try drafts(list) { try takeUp(turn) }
  }

  private func drafts(_ list: borrowing Statement) throws -> [Int] {
    var turns: [Int] = []
    while try list.step() { turns.append(list.integer(0)) }
    return turns
  }

  private func takeUp(_ turn: Int) throws {
    let find = try connection.kept("SELECT answer FROM draft WHERE turn_id = ?1")
    find.bind(1, turn)
    guard try find.step(), let answer = find.text(0) else { return }
    find.reset()
    _ = try rewrite(turn, answer: answer, outcome: .interrupted)
  }
}
