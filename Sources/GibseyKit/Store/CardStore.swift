// Character cards in a database: the files as they came, and their lore by the words that call it.

/// A card as a prompt wants it: the members of its `data` that are used.
struct StoredCard {
  /// A number of this file.
  let row: Int
  let used: JSONObject
}

/// An entry of lore.
struct StoredLore {
  let place: Int
  let isConstant: Bool
  /// The members that are used, without the content.
  let entry: JSONObject
  /// Nil when it is longer than asked for.
  let content: String?
}

/// What is written of a card.
struct CardToStore {
  /// An entry of lore, and the words that call it.
  struct Lore {
    let entry: StoredLore
    let words: Set<String>
  }

  let id: String
  let name: String
  let used: JSONObject
  let json: [UInt8]
  let picture: [UInt8]?
  let lore: [Lore]
}

extension PageStore {
  /// The ids and names of all cards, by id.
  func cards() throws -> [(id: String, name: String)] {
    let statement = try connection.prepare("SELECT id, name FROM card ORDER BY id")
    var cards: [(id: String, name: String)] = []
    while try statement.step() { cards.append((statement.text(0) ?? "", statement.text(1) ?? "")) }
    return cards
  }

  /// The same as records.
  func cardListing() throws -> [CharacterListing] {
    try cards().map { CharacterListing(id: $0.id, name: $0.name, colour: nil, source: CharacterListing.card) }
  }

  func card(id: String) throws -> StoredCard? {
    let statement = try connection.kept("SELECT card_id, used FROM card WHERE id = ?1")
    statement.bind(1, id)
    guard try statement.step() else { return nil }
    return StoredCard(row: statement.integer(0), used: try object(statement.text(1)))
  }

  /// The file of a card as it came: its JSON, and the picture that it came in.
  func cardFile(id: String) throws -> (json: [UInt8], picture: [UInt8])? {
    let statement = try connection.prepare("SELECT json, picture FROM card WHERE id = ?1")
    statement.bind(1, id)
    return try statement.step() ? (statement.bytes(0), statement.bytes(1)) : nil
  }

  /// The entries of a card that are told whatever is spoken of, in the order of the book.
  func constantLore(ofCard row: Int, limit: Int, contentLimitBytes: Int) throws -> [StoredLore] {
    let statement = try connection.prepare(
      """
      SELECT place, is_constant, content_bytes, entry, content FROM lore
      WHERE card_id = ?1 AND is_constant ORDER BY place LIMIT ?2
      """)
    statement.bind(1, row)
    statement.bind(2, limit)
    var found: [StoredLore] = []
    while try statement.step() { found.append(try lore(statement, contentLimitBytes)) }
    return found
  }

  /// The entries with a key that begins with one of the words, in the order of the book; none that is constant.
  /// - Parameter limit: no more are read, however many there are.
  func lore(
    ofCard row: Int, calledBy words: [String], limit: Int, contentLimitBytes: Int
  ) throws -> [StoredLore] {
    let keys = try connection.prepare(
      "SELECT place FROM lore_key WHERE card_id = ?1 AND word = ?2 ORDER BY place LIMIT ?3")
    var places: Set<Int> = []
    for word in words where places.count < limit {
      keys.bind(1, row)
      keys.bind(2, word)
      keys.bind(3, limit - places.count)
      while try keys.step() { places.insert(keys.integer(0)) }
    }
    let statement = try connection.prepare(
      """
      SELECT place, is_constant, content_bytes, entry, content FROM lore
      WHERE card_id = ?1 AND place = ?2 AND NOT is_constant
      """)
    var found: [StoredLore] = []
    for place in places.sorted() {
      statement.bind(1, row)
      statement.bind(2, place)
      while try statement.step() { found.append(try lore(statement, contentLimitBytes)) }
    }
    return found
  }

  private func lore(_ row: borrowing Statement, _ contentLimitBytes: Int) throws -> StoredLore {
    StoredLore(
      place: row.integer(0), isConstant: row.integer(1) != 0, entry: try object(row.text(3)),
      content: row.integer(2) <= contentLimitBytes ? row.text(4) : nil)
  }

  private func object(_ text: String?) throws -> JSONObject {
    guard let text, let object = (try? JSONScanner.scan(text.utf8) { try $0.value() })?.objectValue else {
      throw GibseyError.notADatabase(path: path, reason: "a damaged card")
    }
    return object
  }

  /// Writes a card in the place of one of the same id, all of it or nothing; true when there was none.
  func write(_ card: CardToStore) throws -> Bool {
    try connection.execute("BEGIN IMMEDIATE")
    do {
      let old = try self.card(id: card.id)?.row
      if let old { try remove(card: old) }
      try insert(card)
      try connection.execute("COMMIT")
      return old == nil
    } catch {
      if connection.isInTransaction { try? connection.execute("ROLLBACK") }
      throw error
    }
  }

  private func remove(card row: Int) throws {
    for table in ["lore_key", "lore", "card"] {
      let statement = try connection.prepare("DELETE FROM \(table) WHERE card_id = ?1")
      statement.bind(1, row)
      try statement.run()
    }
  }

  private func insert(_ card: CardToStore) throws {
    let head = try connection.prepare("INSERT INTO card (id, name, used, json, picture) VALUES (?1, ?2, ?3, ?4, ?5)")
    head.bind(1, card.id)
    head.bind(2, card.name)
    head.bind(3, JSONValue.object(card.used).text)
    head.bind(4, card.json)
    if let picture = card.picture { head.bind(5, picture) }
    try head.run()
    let row = Int(connection.lastInsertedRow)
    let lore = try connection.prepare(
      "INSERT INTO lore (card_id, place, is_constant, content_bytes, entry, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    let key = try connection.prepare("INSERT INTO lore_key (card_id, word, place) VALUES (?1, ?2, ?3)")
    for item in card.lore {
      let content = item.entry.content ?? ""
      lore.bind(1, row)
      lore.bind(2, item.entry.place)
      lore.bind(3, item.entry.isConstant ? 1 : 0)
      lore.bind(4, content.utf8.count)
      lore.bind(5, JSONValue.object(item.entry.entry).text)
      lore.bind(6, content)
      try lore.run()
      for word in item.words {
        key.bind(1, row)
        key.bind(2, word)
        key.bind(3, item.entry.place)
        try key.run()
      }
    }
  }
}

/// A card as it is kept, for whoever compares it with what it came as.
struct KeptCard {
  let row: Int
  let used: String
  let json: [UInt8]
  /// Empty when it came without one.
  let picture: [UInt8]
}

/// An entry of lore as it is kept.
struct KeptEntry {
  let place: Int
  let isConstant: Bool
  let contentBytes: Int
  let entry: String
  let content: String
}

/// A word that calls an entry, by its letters and not by what they may be equal to.
struct KeptKey: Hashable {
  private let word: [UInt8]
  private let place: Int

  init(word: String, place: Int) {
    self.word = Array(word.utf8)
    self.place = place
  }
}

extension PageStore {
  func keptCard(id: String) throws -> KeptCard? {
    let statement = try connection.prepare("SELECT card_id, used, json, picture FROM card WHERE id = ?1")
    statement.bind(1, id)
    guard try statement.step() else { return nil }
    return KeptCard(
      row: statement.integer(0), used: statement.text(1) ?? "", json: statement.bytes(2), picture: statement.bytes(3))
  }

  /// Visits the entries of a card in the order of the book; false when a visit was.
  func forEachKeptEntry(ofCard row: Int, _ visit: (KeptEntry) throws -> Bool) throws -> Bool {
    let statement = try connection.prepare(
      "SELECT place, is_constant, content_bytes, entry, content FROM lore WHERE card_id = ?1 ORDER BY place")
    statement.bind(1, row)
    while try statement.step() {
      let entry = KeptEntry(
        place: statement.integer(0), isConstant: statement.integer(1) != 0, contentBytes: statement.integer(2),
        entry: statement.text(3) ?? "", content: statement.text(4) ?? "")
      guard try visit(entry) else { return false }
    }
    return true
  }

  func keptKeys(ofCard row: Int) throws -> Set<KeptKey> {
    let statement = try connection.prepare("SELECT word, place FROM lore_key WHERE card_id = ?1")
    statement.bind(1, row)
    var keys: Set<KeptKey> = []
    while try statement.step() { keys.insert(KeptKey(word: statement.text(0) ?? "", place: statement.integer(1))) }
    return keys
  }

  /// Entries and keys of cards that are not there.
  func strayLoreCount() throws -> Int {
    try connection.integer(
      """
      SELECT (SELECT count(*) FROM lore WHERE card_id NOT IN (SELECT card_id FROM card))
        + (SELECT count(*) FROM lore_key WHERE card_id NOT IN (SELECT card_id FROM card))
      """)
  }
}
