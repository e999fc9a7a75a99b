// Writing turns: begun before the answer, finished when it ends; between, TurnDrafts.swift. Each is one short transaction.

extension ConversationStore {
  /// Begins a turn before its answer: it is there as interrupted, whatever becomes of this process.
  /// - Throws: `GibseyError.unknownSession` for another owner's session, `.sessionForgotten` when the session of the parent
  ///   is gone, `.unknownTurn` and `.turnOfAnotherCharacter` for a parent that cannot be one, and database errors.
  public func begin(_ turn: TurnToKeep, at now: Timestamp) throws -> OpenTurn {
    try append(turn, answer: "", outcome: .interrupted, at: now)
  }

  /// Appends a whole turn.
  /// - Throws: as `begin`.
  @discardableResult
  public func append(
    _ turn: TurnToKeep, answer: String, outcome: StoredTurn.Outcome, at now: Timestamp
  ) throws -> OpenTurn {
    try connection.immediately {
      let parent = try parent(of: turn)
      let session = try openSession(turn.sessionID, owner: turn.owner, at: now)
      try takeUpDrafts(of: session)
      let count = try connection.kept("SELECT turns FROM session WHERE session_id = ?1")
      count.bind(1, session)
      let place = try count.step() ? count.integer(0) : 0
      let furthest = try self.place(of: turn.sources)
      let insert = try connection.kept(
        """
        INSERT INTO turn (session_id, place, parent_turn, character_id, question, answer, outcome, furthest_page_index,
          prompt_id, made_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        """)
      insert.bind(1, session)
      insert.bind(2, place)
      if let parent { insert.bind(3, parent.id) }
      insert.bind(4, turn.characterID ?? "")
      insert.bind(5, turn.question)
      insert.bind(6, answer)
      insert.bind(7, outcome.rawValue)
      if let furthest { insert.bind(8, furthest) }
      insert.bind(9, turn.promptID)
      insert.bind(10, now.text)
      try insert.run()
      let id = Int(connection.lastInsertedRow)
      try keep(turn.sources, of: id)
      let words = try addWords(Self.words(turn.question, answer), row: Self.textRow(session, place))
      let fact = TurnFact(
        id: id, furthest: furthest ?? 0, parent: parent?.place, words: words,
        isTelling: !answer.isEmpty)
      try blocks.write(fact, session: session, place: place)
      let page = try turn.pageID.flatMap { id in try placeOfPage(id).map { (id: id, index: $0) } }
      try mark(
        session, characterID: .some(turn.characterID), page: page, isThere: turn.isReaderThere(), newTurns: 1, at: now)
      return OpenTurn(id: id, sessionID: turn.sessionID, parent: parent?.id)
    }
  }

  /// The answer has ended.
  /// - Throws: `GibseyError.sessionForgotten`, and database errors.
  public func finish(_ turn: OpenTurn, answer: String, outcome: StoredTurn.Outcome, at now: Timestamp) throws {
    let session = try connection.immediately {
      let session = try rewrite(turn.id, answer: answer, outcome: outcome)
      if let session { try mark(session, characterID: nil, page: nil, newTurns: 0, at: now) }
      return session
    }
    guard session != nil else { throw GibseyError.sessionForgotten(id: turn.sessionID.text) }
  }

  /// Writes the answer of a turn, whose draft is over then.
  /// - Returns: the row of its session; nil when there is no such turn any more.
  func rewrite(_ turn: Int, answer: String, outcome: StoredTurn.Outcome) throws -> Int? {
    let find = try connection.kept(
      """
      SELECT turn.session_id, turn.place, turn.question, turn.answer, ifnull(turn.furthest_page_index, 0), parent.place
      FROM turn LEFT JOIN turn AS parent ON parent.turn_id = turn.parent_turn WHERE turn.turn_id = ?1
      """)
    find.bind(1, turn)
    guard try find.step() else { return nil }
    let (session, place, question) = (find.integer(0), find.integer(1), find.text(2) ?? "")
    let old = find.text(3) ?? ""
    let (furthest, parent) = (find.integer(4), find.isNull(5) ? nil : find.integer(5))
    find.reset()
    let update = try connection.kept("UPDATE turn SET answer = ?2, outcome = ?3 WHERE turn_id = ?1")
    update.bind(1, turn)
    update.bind(2, answer)
    update.bind(3, outcome.rawValue)
    let row = Self.textRow(session, place)
    try removeWords(Self.words(question, old), row: row)
    if !old.isEmpty, old != answer { try dropVectors(of: turn, session, place) }
    try update.run()
    let words = try addWords(Self.words(question, answer), row: row)
    let fact = TurnFact(
      id: turn, furthest: furthest, parent: parent, words: words,
      isTelling: !answer.isEmpty)
    try blocks.write(fact, session: session, place: place)
    let end = try connection.kept("DELETE FROM draft WHERE turn_id = ?1")
    end.bind(1, turn)
    try end.run()
    return session
  }

  /// Forgets a session with all its turns, and leaves none of their words in the file; false when there is none.
  public func forget(_ id: SessionID, owner: String? = nil) throws -> Bool {
    let wasThere = try connection.immediately { () -> Bool in
      guard let row = try row(of: id, owner: owner)?.row else { return false }
      let list = try connection.kept("SELECT place, question, answer FROM turn WHERE session_id = ?1")
      list.bind(1, row)
      while try list.step() {
        try removeWords(Self.words(list.text(1) ?? "", list.text(2) ?? ""), row: Self.textRow(row, list.integer(0)))
      }
      try connection.execute(
        """
        DELETE FROM turn_code_block WHERE session_id = \(row);
        DELETE FROM turn_vector WHERE turn_id IN (SELECT turn_id FROM turn WHERE session_id = \(row));
        DELETE FROM draft WHERE session_id = \(row);
        DELETE FROM turn_source WHERE turn_id IN (SELECT turn_id FROM turn WHERE session_id = \(row));
        DELETE FROM turn_block WHERE session_id = \(row);
        DELETE FROM turn WHERE session_id = \(row);
        DELETE FROM session WHERE session_id = \(row);
        INSERT INTO turn_text (turn_text) VALUES ('optimize')
        """)
      return true
    }
    guard wasThere else { return false }
    connection.giveBack()
    // What was deleted is still in the write-ahead log, until it is folded into the file; a reader may hold that up.
    try connection.foldLog()
    return true
  }

  /// The parent of a turn to keep, if it has one that it may have.
  private func parent(of turn: TurnToKeep) throws -> (id: Int, place: Int)? {
    let session = try row(of: turn.sessionID, owner: nil)?.row
    guard case .turn(let wanted) = turn.parent else {
      guard let session else { return nil }
      return try newest(ofSession: session, characterID: turn.characterID)
    }
    guard let wanted else { return nil }
    guard let session else { throw GibseyError.sessionForgotten(id: turn.sessionID.text) }
    return try member(wanted, ofSession: session, turn.sessionID, characterID: turn.characterID)
  }

  /// Where a turn stands in the full-text index: a session's turns are a range of rows.
  static func textRow(_ session: Int, _ place: Int) -> Int { session << 32 | place }

  /// What is found of a turn: its question and its answer, as the view `turn_words` has them.
  private static func words(_ question: String, _ answer: String) -> String { question + "\n" + answer }

  /// Adds the words of a turn; returns how many there are.
  private func addWords(_ text: String, row: Int) throws -> Int {
    let insert = try connection.kept("INSERT INTO turn_text (rowid, text) VALUES (?1, ?2)")
    insert.bind(1, row)
    insert.bind(2, text)
    try insert.run()
    let size = try connection.kept("SELECT sz FROM turn_text_docsize WHERE id = ?1")
    size.bind(1, row)
    return try size.step() ? SearchBlocks.wordCount(size.bytes(0)) : 0
  }

  private func removeWords(_ text: String, row: Int) throws {
    let delete = try connection.kept("INSERT INTO turn_text (turn_text, rowid, text) VALUES ('delete', ?1, ?2)")
    delete.bind(1, row)
    delete.bind(2, text)
    try delete.run()
  }
}
