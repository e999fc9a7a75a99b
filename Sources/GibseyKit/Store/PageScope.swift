// The pages of a character: those that it tells, and those that name it.

/// A part of a book, whatever the gate.
public struct PageScope: Sendable, Equatable {
  /// Who tells a page.
  public var characterID: String
  /// What a page may say to be in it too; a name is found as words in a row, whatever their case, by their stems.
  public var names: [String]

  public init(characterID: String, names: [String]) {
    self.characterID = characterID
    self.names = names
  }

  /// The full-text expression that finds the names; nil when there are none. A name that holds another is found by that.
  var matchExpression: String? {
    let words = names.map { name in
      KeywordQuery.allWords(of: name)
    }.filter { !$0.isEmpty }
    let needed = words.indices.filter { place in
      !words.indices.contains { other in
        other != place && Self.holds(words[place], words[other]) && (words[place] != words[other] || other < place)
      }
    }
    guard !needed.isEmpty else { return nil }
    return needed.map { "\"\(words[$0].joined(separator: " "))\"" }.joined(separator: " OR ")
  }

  private static func holds(_ words: [String], _ others: [String]) -> Bool {
    guard words.count >= others.count else { return false }
    return (0...(words.count - others.count)).contains { words[$0...].starts(with: others) }
  }
}

extension PageStore {
  /// The rows of the pages of a scope, up to the gate and after it; each once.
  ///
  /// The index by character and the full-text index tell both: no page is read.
  func rows(of scope: PageScope) throws -> [Int] {
    let own = try connection.prepare("SELECT page_id FROM page WHERE character_id = ?1")
    own.bind(1, scope.characterID)
    var rows: [Int] = []
    while try own.step() { rows.append(own.integer(0)) }
    guard let match = scope.matchExpression else { return rows }
    let naming = try connection.prepare("SELECT rowid FROM page_text WHERE page_text MATCH ?1")
    naming.bind(1, match)
    while try naming.step() { rows.append(naming.integer(0)) }
    return rows
  }

  /// Whether a page is of a scope.
  func isPage(_ page: StoredPage, of scope: PageScope) throws -> Bool {
    if page.characterID?.spelling == scope.characterID.spelling { return true }
    guard let match = scope.matchExpression else { return false }
    let naming = try connection.prepare(
      "SELECT 1 FROM page_text WHERE page_text MATCH ?1 AND rowid = (SELECT page_id FROM page WHERE id = ?2)")
    naming.bind(1, match)
    naming.bind(2, page.id)
    return try naming.step()
  }
}
