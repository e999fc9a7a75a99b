// Reading turns: the branch that a question continues, gated like pages; one by its number; those with certain words.

/// Which branch of a session is asked for.
public struct ChainQuery: Sendable {
  public var sessionID: SessionID
  /// Nil for the narrator.
  public var characterID: String?
  /// The turn that it ends at.
  public var parent: TurnParent
  /// Where it ends at the newest turn, at the newest of those with a lower number; nil at the newest of all.
  public var before: Int? = nil
  /// The last page_index that may have been in a turn's prompt; nil for the whole book.
  public var gate: Int?

  public init(sessionID: SessionID, characterID: String?, parent: TurnParent = .newest, gate: Int? = nil) {
    self.sessionID = sessionID
    self.characterID = characterID
    self.parent = parent
    self.gate = gate
  }
}

/// A branch of a session: a turn, its parent, and so on to the first. Values; reading a turn's text is the store's.
public struct TurnChain: Sendable {
  /// The turn that the branch ends at, behind the gate or not: what a next one follows. Nil before the first.
  public let tip: Int?
  let session: Int
  /// What was found out on the way back from the tip; nil before the first turn.
  private let walk: TurnWalk?

  static let empty = TurnChain(tip: nil, session: 0, walk: nil)

  fileprivate init(tip: Int?, session: Int, walk: TurnWalk?) {
    self.tip = tip
    self.session = session
    self.walk = walk
  }

  /// How many turns may be told: those that the gate lets through and that have something to tell.
  public var count: Int { walk?.count ?? 0 }

  /// By place in the session, up to the tip: 1 + the count of its words for a turn that may be told, 0 for any other.
  var told: [UInt32] { walk?.told ?? [] }
  /// The words of all turns that may be told.
  var words: Int { walk?.words ?? 0 }
  /// The place of the newest turn that the gate lets through, with something to tell or not.
  var lastOpen: Int? { walk?.lastOpen }

  /// Whether the turn at a place may be told.
  func tells(_ place: Int) -> Bool { told.indices.contains(place) && told[place] > 0 }

  /// The places of the turns that may be told, newest first, from a number of them on.
  func places(from first: Int = 0) -> some Sequence<Int> {
    told.indices.reversed().lazy.filter { told[$0] > 0 }.dropFirst(first)
  }

  /// The place of the oldest turn that may be told.
  var oldest: Int? { told.firstIndex { $0 > 0 } }
}

extension ConversationStore {
  static let turnColumns =
    """
    turn.turn_id, turn.parent_turn, session.id, turn.character_id, turn.question,
    ifnull(draft.answer, turn.answer), turn.outcome, turn.furthest_page_index, turn.prompt_id, turn.made_at
    """
  static let turnTables =
    "turn JOIN session ON session.session_id = turn.session_id LEFT JOIN draft ON draft.turn_id = turn.turn_id"

  /// The branch that the next question continues; empty for a session that there is not.
  /// - Throws: `GibseyError.unknownTurn`, `.turnOfAnotherCharacter`.
  public func chain(_ query: ChainQuery, owner: String? = nil) throws -> TurnChain {
    if case .turn(nil) = query.parent { return .empty }
    guard let (row, session) = try row(of: query.sessionID, owner: owner) else {
      if case .turn(let id?) = query.parent { throw GibseyError.unknownTurn(id: id, sessionID: query.sessionID.text) }
      return .empty
    }
    let tip =
      if case .turn(let id?) = query.parent {
        try Optional(member(id, ofSession: row, query.sessionID, characterID: query.characterID))
      } else {
        try newest(ofSession: row, characterID: query.characterID, before: query.before)
      }
    guard let tip else { return .empty }
    let walk = try blocks.walk(row, from: tip.place, turns: session.turns, gate: query.gate)
    return TurnChain(tip: tip.id, session: row, walk: walk)
  }

  /// The newest turns of a branch that may be told, newest first.
  public func turns(of chain: TurnChain, from first: Int = 0, limit: Int) throws -> [StoredTurn] {
    try chain.places(from: first).prefix(limit).map { try turn(atPlace: $0, of: chain.session) }
  }

  /// The newest turns of the branch, newest first: what `chain` and `turns(of:limit:)` give in one go.
  public func history(_ query: ChainQuery, owner: String? = nil, limit: Int) throws -> [StoredTurn] {
    try turns(of: try chain(query, owner: owner), limit: limit)
  }

  /// The turn whose question was asked last, as far as the gate lets it through; whatever became of its answer.
  public func last(of chain: TurnChain) throws -> StoredTurn? {
    try chain.lastOpen.map { try turn(atPlace: $0, of: chain.session) }
  }

  /// The turn at a place that a block of turns has.
  func turn(atPlace place: Int, of session: Int) throws -> StoredTurn {
    let found = try findTurnAtPlace.use { find in
      find.bind(1, session)
      find.bind(2, place)
      return try find.step() ? try turn(find) : nil
    }
    guard let found else {
      throw GibseyError.notADatabase(path: path, reason: "a block of turns names one that is not there")
    }
    return found
  }

  /// The number of a turn at a place that a block of turns has.
  func number(atPlace place: Int, of session: Int) throws -> Int { try turn(atPlace: place, of: session).id }

  /// The numbers of two turns, and those between them. In a damaged file the later one may have the lower.
  func numbers(atPlaces first: Int, _ last: Int, of session: Int) throws -> ClosedRange<Int> {
    let (first, last) = (try number(atPlace: first, of: session), try number(atPlace: last, of: session))
    return min(first, last)...max(first, last)
  }

  /// Where a turn stands in a session; nil when it is not of it.
  func place(ofTurn id: Int, in session: Int) throws -> Int? {
    let find = try connection.kept("SELECT place FROM turn WHERE turn_id = ?1 AND session_id = ?2")
    find.bind(1, id)
    find.bind(2, session)
    return try find.step() ? find.integer(0) : nil
  }

  /// The turn of that number, gated or not: the caller knows the gate.
  public func turn(_ id: Int) throws -> StoredTurn? {
    try findTurn.use { find in
      find.bind(1, id)
      return try find.step() ? try turn(find) : nil
    }
  }

  /// Visits all turns of a session in the order in which they were begun; false when there is no such session.
  public func forEachTurn(
    of id: SessionID, owner: String? = nil, _ visit: (StoredTurn) throws -> Void
  ) throws -> Bool {
    guard let row = try row(of: id, owner: owner)?.row else { return false }
    let list = try connection.prepare(
      "SELECT \(Self.turnColumns) FROM \(Self.turnTables) WHERE turn.session_id = ?1 ORDER BY turn.place")
    list.bind(1, row)
    while try list.step() { try visit(try turn(list)) }
    return true
  }

  /// Who answered in a session, by id; nil is the narrator.
  func characters(of id: SessionID) throws -> [String?] {
    guard let row = try row(of: id, owner: nil)?.row else { return [] }
    let list = try connection.kept("SELECT DISTINCT character_id FROM turn WHERE session_id = ?1 ORDER BY 1")
    list.bind(1, row)
    var ids: [String?] = []
    while try list.step() { ids.append(list.text(0).flatMap { $0.isEmpty ? nil : $0 }) }
    return ids
  }

  /// The turns that have all words of a text, in any form, best first and of equal ones the newest first.
  /// - Parameters:
  ///   - id: whose turns; nil for all sessions.
  ///   - gate: the last page_index that may have been in a turn's prompt; nil for the whole book.
  public func find(
    _ text: String, in id: SessionID? = nil, owner: String? = nil, gate: Int? = nil, limit: Int
  ) throws -> [StoredTurn] {
    let words = KeywordQuery.words(of: text, limit: KeywordQuery.termLimit)
    guard !words.isEmpty else { return [] }
    var range = (0, Int.max)
    if let id {
      guard let row = try row(of: id, owner: owner)?.row else { throw GibseyError.unknownSession(id: id.text) }
      range = (Self.textRow(row, 0), Self.textRow(row + 1, 0) - 1)
    }
    let list = try connection.prepare(
      """
      SELECT \(Self.turnColumns) FROM turn_text
      JOIN turn ON turn.session_id = turn_text.rowid >> 32 AND turn.place = turn_text.rowid & 4294967295
      JOIN session ON session.session_id = turn.session_id
      LEFT JOIN draft ON draft.turn_id = turn.turn_id
      WHERE turn_text MATCH ?1 AND turn_text.rowid BETWEEN ?2 AND ?3
        AND (?4 IS NULL OR session.owner IS NULL OR session.owner = ?4)
        AND (?5 IS NULL OR ifnull(turn.furthest_page_index, 0) <= ?5)
      ORDER BY bm25(turn_text), turn.turn_id DESC LIMIT ?6
      """)
    list.bind(1, words.map { "\"\($0)\"" }.joined(separator: " "))
    list.bind(2, range.0)
    list.bind(3, range.1)
    list.bind(4, owner)
    if let gate { list.bind(5, gate) }
    list.bind(6, limit)
    var found: [StoredTurn] = []
    while try list.step() { found.append(try turn(list)) }
    return found
  }

  /// The newest turn of a session with a character.
  /// - Parameter before: only of those with a lower number; nil of all.
  func newest(ofSession row: Int, characterID: String?, before: Int? = nil) throws -> (id: Int, place: Int)? {
    let find = try connection.kept(
      """
      SELECT turn_id, place FROM turn WHERE session_id = ?1 AND character_id = ?2 AND turn_id < ?3
      ORDER BY place DESC LIMIT 1
      """)
    find.bind(1, row)
    find.bind(2, characterID ?? "")
    find.bind(3, before ?? Int.max)
    return try find.step() ? (find.integer(0), find.integer(1)) : nil
  }

  /// A turn that is of the session and the character. Of another session's it is not said that there is one.
  func member(
    _ id: Int, ofSession row: Int, _ sessionID: SessionID, characterID: String?
  ) throws -> (id: Int, place: Int) {
    let find = try connection.kept(
      "SELECT place, character_id FROM turn WHERE turn_id = ?1 AND session_id = ?2")
    find.bind(1, id)
    find.bind(2, row)
    guard try find.step() else { throw GibseyError.unknownTurn(id: id, sessionID: sessionID.text) }
    let character = find.text(1) ?? ""
    guard character.spelling == (characterID ?? "").spelling else {
      throw GibseyError.turnOfAnotherCharacter(id: id, characterID: character.isEmpty ? nil : character)
    }
    return (id, find.integer(0))
  }

  private func turn(_ row: borrowing Statement) throws -> StoredTurn {
    guard let session = SessionID(row.text(2) ?? ""), let character = row.text(3), let question = row.text(4),
      let answer = row.text(5), let outcome = StoredTurn.Outcome(rawValue: row.text(6) ?? ""),
      let prompt = row.text(8), let madeAt = row.text(9)
    else { throw GibseyError.notADatabase(path: path, reason: "a damaged turn") }
    return StoredTurn(
      id: row.integer(0), parent: row.isNull(1) ? nil : row.integer(1), sessionID: session,
      characterID: character.isEmpty ? nil : character, question: question, answer: answer, outcome: outcome,
      furthestPageIndex: row.isNull(7) ? nil : row.integer(7), promptID: prompt, madeAt: madeAt)
  }
}
