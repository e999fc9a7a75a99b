// The turns of a session as its reader may see them again, the newest first in line.

extension ConversationStore {
  /// The newest turns of a session, oldest first, whatever their branch and character.
  /// - Parameters:
  ///   - gate: the last page_index that may have been in a turn's prompt; nil for the whole book.
  ///   - before: only turns with a lower number; nil from the newest on.
  public func turns(
    of id: SessionID, owner: String? = nil, gate: Int?, before: Int? = nil, limit: Int
  ) throws -> [StoredTurn] {
    guard let row = try row(of: id, owner: owner)?.row else { return [] }
    let list = try connection.kept(
      """
      SELECT turn_id FROM turn WHERE session_id = ?1 AND turn_id < ?2 AND ifnull(furthest_page_index, 0) <= ?3
      ORDER BY place DESC LIMIT ?4
      """)
    list.bind(1, row)
    list.bind(2, before ?? Int.max)
    list.bind(3, gate ?? Int.max)
    list.bind(4, limit)
    var turns: [StoredTurn] = []
    while try list.step() {
      if let turn = try turn(list.integer(0)) { turns.append(turn) }
    }
    return turns.reversed()
  }

  /// How many conversations there are.
  public func sessionCount() throws -> Int { try connection.integer("SELECT count(*) FROM session") }
}
