// Conversations in a database: who talks, where the reader is, and what was said.

/// The sessions and turns of one database file. Owns a connection; for one task at a time.
///
/// Several processes may write one file: each change is one short transaction that waits for the others. Writers of turns do
/// not ask for the `WriterLock` of indexers.
public final class ConversationStore {
  /// How long a writer waits for another, by default: longer than the longest batch of an indexer.
  public static let patienceMilliseconds = 30_000

  public let path: String
  let connection: Connection
  let blocks: TurnBlocks
  private let findSession: LateStatement
  let findTurn: LateStatement
  let findTurnAtPlace: LateStatement
  static let sessionColumns =
    """
    session_id, id, owner, made_at, seen_at, character_id, page_id, furthest_page_index, turns, furthest_page_id
    """

  /// Opens a file that is there.
  /// - Parameter access: to write, an older schema is brought up to date; a file that is missing is not made.
  /// - Throws: `GibseyError.noDatabase`, `.notADatabase`, `.newerDatabase`, `.olderDatabase`, `.emptyDatabase`, `.databaseReadOnly`,
  ///   `.databaseBusy`.
  public convenience init(
    path: String, access: PageStore.Access, patienceMilliseconds: Int = ConversationStore.patienceMilliseconds
  ) throws {
    let connection: Connection
    if access == .readWrite {
      connection = try Connection(
        path: path, access: .writeExisting(busyTimeoutMilliseconds: Int32(clamping: patienceMilliseconds)))
      // A file without a schema may be one that is still being copied: that is not written to.
      try Schema.prepare(connection, mayWrite: true, mayMake: false)
      // A turn outlives the process that wrote it; a power cut may take the last ones, and nothing else. FULL would wait for
      // the disk with every turn: 4 ms here in place of 0.3.
      try connection.execute("PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON")
    } else {
      connection = try Connection(path: path, access: .read)
      try Schema.prepare(connection, mayWrite: false)
    }
    self.init(connection)
  }

  /// The conversations of a store's file, over its connection: what is read of both is of one state of the file.
  public convenience init(_ store: PageStore) { self.init(store.connection) }

  private init(_ connection: Connection) {
    self.connection = connection
    path = connection.path
    blocks = TurnBlocks(connection)
    findSession = LateStatement(connection, "SELECT \(Self.sessionColumns) FROM session WHERE id = ?1")
    let turns = "SELECT \(Self.turnColumns) FROM \(Self.turnTables)"
    findTurn = LateStatement(connection, "\(turns) WHERE turn.turn_id = ?1")
    findTurnAtPlace = LateStatement(connection, "\(turns) WHERE turn.session_id = ?1 AND turn.place = ?2")
  }

  /// Folds the write-ahead log into the file, as far as others let it: what was written is in the one file then.
  /// - Returns: whether all of it could be.
  @discardableResult
  func foldLog() throws -> Bool { try connection.foldLog() }

  /// What has the path now, and which file is open.
  var standing: DatabasePlace.Standing { connection.standing }
  var file: FileIdentity? { connection.file }

  /// From now on a writer waits so long for others.
  public func wait(milliseconds: Int) { connection.setBusyTimeout(Int32(clamping: milliseconds)) }

  /// Whether the file can only be read, whatever was asked for.
  public var isReadOnly: Bool { connection.isReadOnly }

  // MARK: Sessions

  /// The session of that name; nil when there is none, or when it is another owner's.
  /// - Parameter owner: nil asks for none.
  public func session(_ id: SessionID, owner: String? = nil) throws -> StoredSession? {
    try row(of: id, owner: owner)?.session
  }

  /// The sessions, the last seen first, ties by name.
  public func sessions(owner: String? = nil, limit: Int = .max) throws -> [StoredSession] {
    let list = try connection.prepare(
      """
      SELECT \(Self.sessionColumns) FROM session WHERE ?1 IS NULL OR owner = ?1
      ORDER BY seen_at DESC, id LIMIT ?2
      """)
    list.bind(1, owner)
    list.bind(2, limit)
    var sessions: [StoredSession] = []
    while try list.step() { sessions.append(try read(list)) }
    return sessions
  }

  /// The session of that name, made when there is none, and seen now. A session without an owner becomes `owner`'s.
  /// - Throws: `GibseyError.unknownSession` when it is another owner's.
  @discardableResult
  public func touch(_ id: SessionID, owner: String? = nil, at now: Timestamp) throws -> StoredSession {
    try connection.immediately {
      let row = try openSession(id, owner: owner, at: now)
      try mark(row, characterID: nil, page: nil, newTurns: 0, at: now)
      guard let session = try self.session(id) else { throw GibseyError.unknownSession(id: id.text) }
      return session
    }
  }

  /// The reader of a session is on a page now: the furthest page only ever grows. The session is made when there is none.
  /// - Throws: `GibseyError.unknownSession` when it is another owner's.
  @discardableResult
  public func advance(
    _ id: SessionID, to page: (id: String, index: Int), owner: String? = nil, at now: Timestamp
  ) throws -> StoredSession {
    try connection.immediately {
      let row = try openSession(id, owner: owner, at: now)
      // Where it stands now, if it was moved since the caller looked.
      let index = try placeOfPage(page.id) ?? page.index
      try mark(row, characterID: nil, page: (page.id, index), newTurns: 0, at: now)
      guard let session = try self.session(id) else { throw GibseyError.unknownSession(id: id.text) }
      return session
    }
  }

  func row(of id: SessionID, owner: String?) throws -> (row: Int, session: StoredSession)? {
    let found = try findSession.use { find in
      find.bind(1, id.text)
      return try find.step() ? (row: find.integer(0), session: try read(find)) : nil
    }
    if let owner, let known = found?.session.owner, known.spelling != owner.spelling { return nil }
    return found
  }

  /// The row of a session, made when there is none.
  func openSession(_ id: SessionID, owner: String?, at now: Timestamp) throws -> Int {
    if let found = try row(of: id, owner: nil) {
      guard let owner, found.session.owner?.spelling != owner.spelling else { return found.row }
      guard found.session.owner == nil else { throw GibseyError.unknownSession(id: id.text) }
      let claim = try connection.kept("UPDATE session SET owner = ?2 WHERE session_id = ?1")
      claim.bind(1, found.row)
      claim.bind(2, owner)
      try claim.run()
      return found.row
    }
    let insert = try connection.kept(
      "INSERT INTO session (id, owner, made_at, seen_at, turns) VALUES (?1, ?2, ?3, ?3, 0)")
    insert.bind(1, id.text)
    insert.bind(2, owner)
    insert.bind(3, now.text)
    try insert.run()
    return Int(connection.lastInsertedRow)
  }

  /// Notes on a session that it was seen, and what of it changed.
  /// - Parameter isThere: whether the reader is still on that page; it is the furthest they have been at in any case.
  func mark(
    _ row: Int, characterID: String??, page: (id: String, index: Int)?, isThere: Bool = true, newTurns: Int,
    at now: Timestamp
  ) throws {
    let update = try connection.kept(
      """
      UPDATE session SET seen_at = max(seen_at, ?2), turns = turns + ?3,
        character_id = iif(?4, ?5, character_id), page_id = iif(?8, ifnull(?6, page_id), page_id),
        furthest_page_id = iif(?7 > ifnull(furthest_page_index, 0), ?6, furthest_page_id),
        furthest_page_index = iif(?7 > ifnull(furthest_page_index, 0), ?7, furthest_page_index)
      WHERE session_id = ?1
      """)
    update.bind(1, row)
    update.bind(2, now.text)
    update.bind(3, newTurns)
    update.bind(4, characterID == nil ? 0 : 1)
    update.bind(5, characterID ?? nil)
    update.bind(6, page?.id)
    update.bind(7, page?.index ?? 0)
    update.bind(8, isThere ? 1 : 0)
    try update.run()
  }

  func read(_ row: borrowing Statement) throws -> StoredSession {
    guard let id = SessionID(stored: row.text(1) ?? ""), let madeAt = row.text(3), let seenAt = row.text(4) else {
      throw GibseyError.notADatabase(path: path, reason: "a damaged session")
    }
    return StoredSession(
      id: id, owner: row.text(2), madeAt: madeAt, seenAt: seenAt, characterID: row.text(5), pageID: row.text(6),
      furthestPageIndex: row.isNull(7) ? nil : row.integer(7), turns: row.integer(8), furthestPageID: row.text(9))
  }
}
