// How far in the book a turn is: as far as its reader, and as whatever was in its prompt.

/// What a turn has seen of the book.
public struct TurnSources: Sendable, Equatable {
  /// Behind every page: where something stands of which nobody knows how far it is.
  public static let unknownPlace = Int.max

  /// Ids: the reader's page, pages and samples of the prompt, and those from which on its lore is known.
  public var pages: [String]
  /// Numbers of the turns in the prompt: what they have seen was seen again.
  public var turns: [Int]
  /// Whether there was something that may be from anywhere.
  public var hasUnknown: Bool

  public init(pages: [String] = [], turns: [Int] = [], hasUnknown: Bool = false) {
    self.pages = pages
    self.turns = turns
    self.hasUnknown = hasUnknown
  }
}

extension ConversationStore {
  /// The furthest place in the reading order of what a turn has seen; nil when that is nothing of the book.
  func place(of sources: TurnSources) throws -> Int? {
    var furthest = sources.hasUnknown ? TurnSources.unknownPlace : 0
    for id in Set(sources.pages.map(\.spelling)).map(\.text) {
      furthest = try max(furthest, placeOfPage(id) ?? seenPage(id)?.place ?? TurnSources.unknownPlace)
    }
    let find = try connection.kept("SELECT ifnull(furthest_page_index, 0) FROM turn WHERE turn_id = ?1")
    for id in sources.turns {
      find.bind(1, id)
      furthest = max(furthest, try find.step() ? find.integer(0) : TurnSources.unknownPlace)
      find.reset()
    }
    return furthest > 0 ? furthest : nil
  }

  /// Keeps what a turn has seen, so that it stands where that does whenever pages move.
  func keep(_ sources: TurnSources, of turn: Int) throws {
    var source = TurnSource()
    source.least = sources.hasUnknown ? TurnSources.unknownPlace : 0
    source.turns = try newest(of: sources.turns)
    if try source.turns.contains(where: { try self.turn($0) == nil }) { source.least = TurnSources.unknownPlace }
    for id in Set(sources.pages.map(\.spelling)).sorted().map(\.text) {
      if let seen = try seenPage(id) {
        source.pages.append(seen.row)
        continue
      }
      let place = try placeOfPage(id)
      let insert = try connection.kept("INSERT INTO seen_page (id, anchor, page_index) VALUES (?1, ?2, ?3)")
      insert.bind(1, id)
      insert.bind(2, place == nil ? nil : id)
      insert.bind(3, place ?? TurnSources.unknownPlace)
      try insert.run()
      source.pages.append(Int(connection.lastInsertedRow))
    }
    let insert = try connection.prepare(TurnSource.insertion)
    source.bind(to: insert, turn: turn)
    try insert.run()
  }

  /// Those of some turns that none of the others has seen; what these have seen is seen with them. Newest first.
  private func newest(of turns: [Int]) throws -> [Int] {
    let all = Set(turns)
    let find = try connection.kept("SELECT turns FROM turn_source WHERE turn_id = ?1")
    var (newest, covered): ([Int], Set<Int>) = ([], [])
    for id in all.sorted(by: >) {
      if !covered.contains(id) { newest.append(id) }
      find.bind(1, id)
      if try find.step() { covered.formUnion(TurnSource(least: 0, pages: [], turns: find.bytes(0)).turns) }
      find.reset()
    }
    return newest
  }

  /// The turns whose contents stood in a turn's prompt, without those that these had seen already. Of a turn from before this was
  /// remembered, none.
  func turnsSeen(by turn: Int) throws -> [Int] {
    let find = try connection.kept("SELECT turns FROM turn_source WHERE turn_id = ?1")
    find.bind(1, turn)
    return try find.step() ? TurnSource(least: 0, pages: [], turns: find.bytes(0)).turns : []
  }

  /// The ids of the pages that a turn has seen, also of those that are gone. Of a turn from before this was remembered, none.
  func pagesSeen(by turn: Int) throws -> [String] {
    let find = try connection.kept("SELECT pages FROM turn_source WHERE turn_id = ?1")
    find.bind(1, turn)
    guard try find.step() else { return [] }
    let page = try connection.kept("SELECT id FROM seen_page WHERE seen_id = ?1")
    return try TurnSource(least: 0, pages: find.bytes(0), turns: []).pages.compactMap { row in
      defer { page.reset() }
      page.bind(1, row)
      return try page.step() ? page.text(0) : nil
    }
  }

  /// What is remembered of a page that a turn has seen.
  private func seenPage(_ id: String) throws -> (row: Int, place: Int)? {
    let find = try connection.kept("SELECT seen_id, page_index FROM seen_page WHERE id = ?1")
    find.bind(1, id)
    return try find.step() ? (find.integer(0), find.integer(1)) : nil
  }

  /// Where a page stands; nil when there is none of that id.
  func placeOfPage(_ id: String) throws -> Int? {
    let find = try connection.kept("SELECT page_index FROM page WHERE id = ?1")
    find.bind(1, id)
    return try find.step() ? find.integer(0) : nil
  }
}
