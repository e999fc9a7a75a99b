// The pages that a character tells.

extension PageStore {
  /// The first pages of a character, in reading order, each with the beginning of its text; none after the gate.
  /// - Parameter gate: the last page_index that may be seen; nil for the whole book.
  func ownPages(
    of characterID: String, upTo gate: Int?, limit: Int, textLimitCharacters: Int
  ) throws -> [(id: String, text: String)] {
    let list = try connection.kept(
      """
      SELECT id, substr(text, 1, ?4) FROM page WHERE character_id = ?1 AND page_index <= ?2
      ORDER BY page_index, id LIMIT ?3
      """)
    list.bind(1, characterID)
    list.bind(2, gate ?? Int.max)
    list.bind(3, limit)
    list.bind(4, textLimitCharacters)
    var pages: [(id: String, text: String)] = []
    while try list.step() {
      guard let id = list.text(0), let text = list.text(1) else {
        throw GibseyError.notADatabase(path: path, reason: "a damaged page")
      }
      pages.append((id, text))
    }
    return pages
  }
}
