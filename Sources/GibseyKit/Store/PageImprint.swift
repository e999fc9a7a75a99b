// What a page's row says without its text: enough to know whether it is still the page that somebody has read before.

/// Everything that a row says of its page, the hash of its text in the place of the text: equal imprints, equal pages.
struct PageImprint: Sendable, Equatable {
  private var bytes: [UInt8] = []

  /// - Parameters:
  ///   - labels: how many of the first columns are the page's labels.
  ///   - hash: the column with the hash of the text.
  fileprivate init(_ row: borrowing Statement, labels: Int32, hash: Int32) {
    bytes.reserveCapacity(256)
    for column in 0..<labels { append(row, column) }
    append(row, hash)
  }

  /// What a column holds, told from every other, and from nothing.
  private mutating func append(_ row: borrowing Statement, _ column: Int32) {
    guard !row.isNull(column) else { return bytes.append(0) }
    row.withBytes(column) { value in
      bytes.append(1)
      bytes.append(littleEndian: UInt32(truncatingIfNeeded: value.count))
      bytes.append(contentsOf: value)
    }
  }

  /// About what it takes.
  var count: Int { bytes.count }
}

/// Reads the imprints of one connection. Owns its statement.
final class PageImprints {
  private var read: Statement

  fileprivate init(_ connection: Connection) throws {
    read = try connection.prepare("SELECT \(PageStore.labels), text_hash FROM page WHERE page_id = ?1")
  }

  fileprivate func imprint(ofRow row: Int) throws -> PageImprint? {
    defer { read.reset() }
    read.bind(1, row)
    return try read.step() ? PageImprint(read, labels: PageStore.labelCount, hash: PageStore.labelCount) : nil
  }
}

extension PageStore {
  /// The imprint of the page in a row, for a fifth of what reading the page takes; nil when there is none.
  func imprint(ofRow row: Int) throws -> PageImprint? {
    let imprints = try self.imprints ?? PageImprints(connection)
    self.imprints = imprints
    return try imprints.imprint(ofRow: row)
  }

  /// The page in a row, and its imprint; nil when there is none.
  func imprintedPage(row: Int) throws -> (page: StoredPage, imprint: PageImprint)? {
    defer { pageByRow.reset() }
    pageByRow.bind(1, row)
    guard try pageByRow.step() else { return nil }
    return (
      try Self.read(pageByRow, path: path),
      PageImprint(pageByRow, labels: Self.labelCount, hash: Self.labelCount + 1)
    )
  }

  /// What tells the first pages of a character from all others, and from what they were: their ids and the hashes of their texts, in
  /// the order of `ownPages`.
  func ownPagesImprint(of characterID: String, upTo gate: Int?, limit: Int) throws -> [UInt8] {
    let list = try connection.kept(
      """
      SELECT id, text_hash FROM page WHERE character_id = ?1 AND page_index <= ?2
      ORDER BY page_index, id LIMIT ?3
      """)
    list.bind(1, characterID)
    list.bind(2, gate ?? Int.max)
    list.bind(3, limit)
    var bytes: [UInt8] = []
    while try list.step() {
      for column in Int32(0)...1 {
        list.withBytes(column) { value in
          bytes.append(littleEndian: UInt32(truncatingIfNeeded: value.count))
          bytes.append(contentsOf: value)
        }
      }
    }
    return bytes
  }
}
