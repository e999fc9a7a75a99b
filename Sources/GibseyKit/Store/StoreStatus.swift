// What a database holds, for people and scripts.

/// A description of a database file.
public struct StoreStatus: Sendable, Equatable {
  /// One source and how many pages it gave.
  public struct Source: Sendable, Equatable {
    public let name: String
    public let pages: Int
  }

  public let schema: Int
  public let pages: Int
  /// The first and the last place in the reading order; nil without pages.
  public let order: ClosedRange<Int>?
  public let sources: [Source]
  public let turns: Int
  /// The fingerprint of the active embedder; nil when pages are found by keywords alone.
  public let embedder: String?
  /// The size of the file, without a write-ahead log.
  public let fileBytes: Int
}

extension PageStore {
  /// Reads the description.
  /// - Throws: `GibseyError.damagedSchema` where the index of places contradicts itself, and database errors.
  public func status() throws -> StoreStatus {
    let pages = try pageCount()
    var sources: [StoreStatus.Source] = []
    let list = try connection.prepare(
      """
      SELECT source.name, count(page.page_id) FROM source LEFT JOIN page USING (source_id)
      GROUP BY source_id ORDER BY source.name
      """)
    while try list.step() { sources.append(.init(name: list.text(0) ?? "", pages: list.integer(1))) }
    let active = try connection.prepare("SELECT fingerprint FROM embedder WHERE is_active = 1")
    let first = try connection.integer("SELECT min(page_index) FROM page")
    let last = try connection.integer("SELECT max(page_index) FROM page")
    guard pages == 0 || 1 <= first && first <= last else {
      throw GibseyError.damagedSchema(path: path, reason: "its pages are said to go from \(first) to \(last)")
    }
    return StoreStatus(
      schema: try connection.integer("PRAGMA user_version"), pages: pages,
      order: pages > 0 ? first...last : nil, sources: sources,
      turns: try connection.integer("SELECT count(*) FROM turn"),
      embedder: try active.step() ? active.text(0) : nil,
      fileBytes: try connection.integer("PRAGMA page_count") * connection.integer("PRAGMA page_size"))
  }
}
