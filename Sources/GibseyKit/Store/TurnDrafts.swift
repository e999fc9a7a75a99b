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

  /// Takes up what a process that is gone has left of its answers: it is theirs, as interrupted, and its words are found. Of an answer
  /// that still goes on no harm is done.
  public func takeUpDrafts() throws {
    guard try connection.integer("SELECT EXISTS (SELECT 1 FROM draft)") == 1 else { return }
    try connection.immediately { try takeUpDrafts(of: nil) }
  }

  /// The same in a transaction.
  /// - Parameter session: whose drafts; nil takes up all.
  func takeUpDrafts(of session: Int?) throws {
    let all: StaticString = "SELECT turn_id, answer FROM draft ORDER BY turn_id"
    let some: StaticString = "SELECT turn_id, answer FROM draft WHERE session_id = ?1 ORDER BY turn_id"
    let list = try connection.kept(session == nil ? all : some)
    if let session { list.bind(1, session) }
    var drafts: [(turn: Int, answer: String)] = []
    while try list.step() { drafts.append((list.integer(0), list.text(1) ?? "")) }
    for draft in drafts { _ = try rewrite(draft.turn, answer: draft.answer, outcome: .interrupted) }
  }
}
