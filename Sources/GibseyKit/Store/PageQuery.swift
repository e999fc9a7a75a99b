// Leafing: pages in reading order, a few at a time, none after the gate.

/// Where a page stands: in the reading order, ties by id.
public struct PagePlace: Sendable, Equatable {
  public let pageIndex: Int
  public let id: String

  public init(pageIndex: Int, id: String) {
    self.pageIndex = pageIndex
    self.id = id
  }
}

/// Which pages are wanted.
public struct PageQuery: Sendable, Equatable {
  /// Whose; nil for everybody's.
  public var characterID: String?
  /// Only those behind this place; nil from the first on.
  public var after: PagePlace?
  /// The last page_index that may be seen; nil for the whole book.
  public var gate: Int?
  public var limit: Int

  public init(characterID: String? = nil, after: PagePlace? = nil, gate: Int? = nil, limit: Int) {
    self.characterID = characterID
    self.after = after
    self.gate = gate
    self.limit = limit
  }
}

extension PageStore {
  /// The pages in reading order, ties by id; an index leads to the first one, however far it is.
  public func pages(_ query: PageQuery) throws -> [StoredPage] {
    let list = try connection.prepare(
      """
      SELECT id FROM page WHERE (page_index, id) > (?1, ?2) AND page_index <= ?3
      \(query.characterID == nil ? "" : "AND character_id = ?5") ORDER BY page_index, id LIMIT ?4
      """)
    list.bind(1, query.after?.pageIndex ?? 0)
    list.bind(2, query.after?.id ?? "")
    list.bind(3, query.gate ?? Int.max)
    list.bind(4, query.limit)
    if let characterID = query.characterID { list.bind(5, characterID) }
    var pages: [StoredPage] = []
    while try list.step() {
      if let page = try page(id: list.text(0) ?? "") { pages.append(page) }
    }
    return pages
  }

  /// The page behind a place, or before it; nil when there is none, or none up to the gate.
  public func neighbour(of place: PagePlace, isNext: Bool, gate: Int?) throws -> PagePlace? {
    let (comparison, direction) = isNext ? (">", "ASC") : ("<", "DESC")
    let find = try connection.prepare(
      """
      SELECT page_index, id FROM page WHERE (page_index, id) \(comparison) (?1, ?2) AND page_index <= ?3
      ORDER BY page_index \(direction), id \(direction) LIMIT 1
      """)
    find.bind(1, place.pageIndex)
    find.bind(2, place.id)
    find.bind(3, gate ?? Int.max)
    return try Self.place(find)
  }

  /// The last page that stands at a place in the order or before it; nil when there is none.
  public func lastPlace(upTo pageIndex: Int) throws -> PagePlace? {
    let find = try connection.prepare(
      "SELECT page_index, id FROM page WHERE page_index <= ?1 ORDER BY page_index DESC, id DESC LIMIT 1")
    find.bind(1, pageIndex)
    return try Self.place(find)
  }

  private static func place(_ find: borrowing Statement) throws -> PagePlace? {
    guard try find.step() else { return nil }
    return PagePlace(pageIndex: find.integer(0), id: find.text(1) ?? "")
  }
}
