// What a search reads: the places of all pages, the codes of their vectors, the vectors of the few that are near.

/// A reader of the packed blocks and the vectors of one database. Owns its statements; for one task at a time.
public final class SearchIndex {
  private let connection: Connection
  private var listCodes: Statement
  private var readVectors: Statement
  private let findVectors: LateStatement

  init(_ connection: Connection) throws {
    self.connection = connection
    listCodes = try connection.kept("SELECT block, codes FROM code_block WHERE embedder_id = ?1 ORDER BY block")
    findVectors = LateStatement(
      connection,
      """
      SELECT vector.vector_id FROM page
      JOIN vector ON vector.embedder_id = ?2 AND vector.text_key = substr(page.text_hash, 1, 16)
      WHERE page.page_id = ?1
      """)
    readVectors = try connection.kept("SELECT vectors FROM vector WHERE vector_id = ?1")
  }

  /// The place and length of every page.
  public func places() throws -> PlaceTable {
    let list = try connection.kept("SELECT block, places FROM place_block ORDER BY block")
    var table = try PlaceTable(rows: rowCount())
    while try list.step() {
      guard table.append(list.bytes(1), firstRow: try firstRow(list.integer(0))) else {
        throw GibseyError.notADatabase(path: connection.path, reason: "a damaged block of places")
      }
    }
    return table
  }

  /// The row of a block's first page. No file of ours has blocks beyond the limit: 67 million pages.
  private func firstRow(_ block: Int) throws -> Int {
    guard (0..<1 << 16).contains(block) else {
      throw GibseyError.notADatabase(path: connection.path, reason: "a damaged number of a block")
    }
    return block * SearchBlocks.pagesPerBlock
  }

  /// From so many pages on their codes are more than SQLite's cache holds, which then only costs.
  private static let manyPages = 32 * SearchBlocks.pagesPerBlock

  /// How many rows there are for pages, used or not.
  func rowCount() throws -> Int {
    try firstRow(try connection.keptInteger("SELECT max(block) FROM place_block")) + SearchBlocks.pagesPerBlock
  }

  /// Runs a search of the vectors of so many rows of pages. Where they are many, nothing of what it reads is kept:
  /// docs/design/0011-search.md.
  func readingVectors<Result>(of rows: Int, _ body: () throws -> Result) throws -> Result {
    try rows < Self.manyPages ? body() : connection.readingOnce(body)
  }

  /// Visits the blocks of an embedder's codes, each with the row of its first page.
  public func forEachBlock(of embedder: EmbedderRow, _ visit: (CodeBlock, _ firstRow: Int) throws -> Void) throws {
    listCodes.bind(1, embedder.row)
    defer { listCodes.reset() }
    while try listCodes.step() {
      let first = try firstRow(listCodes.integer(0))
      try listCodes.withBytes(1) { bytes in
        guard let block = CodeBlock(bytes, coding: embedder.coding) else {
          throw GibseyError.notADatabase(path: connection.path, reason: "a damaged block of codes")
        }
        try visit(block, first)
      }
    }
  }

  /// The row of the vectors of a page's text; nil when it has none.
  public func vectorRow(ofPage row: Int, _ embedder: EmbedderRow) throws -> Int? {
    try findVectors.use { find in
      find.bind(1, row)
      find.bind(2, embedder.row)
      return try find.step() ? find.integer(0) : nil
    }
  }

  /// A stretch of rows is read as a whole where at least one of so many is wanted.
  private static let stretch = 4

  /// Visits the vectors of many texts, each with its place among `rows`; not those of rows that are gone. They come in the order
  /// of the file: to read a stretch of it takes less than as many searches for a row.
  func forEachVectors(atRows rows: [Int], _ visit: (Int, UnsafeRawBufferPointer) -> Void) throws {
    let order = rows.indices.sorted { rows[$0] < rows[$1] }
    guard let first = order.first.map({ rows[$0] }), let last = order.last.map({ rows[$0] }),
      last - first < Self.stretch * rows.count
    else {
      for place in order { try withVectors(rows[place]) { if $0.baseAddress != nil { visit(place, $0) } } }
      return
    }
    let list = try connection.kept(
      "SELECT vector_id, vectors FROM vector WHERE vector_id BETWEEN ?1 AND ?2 ORDER BY vector_id")
    list.bind(1, first)
    list.bind(2, last)
    var next = 0
    while next < order.count, try list.step() {
      let row = list.integer(0)
      while next < order.count, rows[order[next]] < row { next += 1 }
      // Pages of one text have one row.
      while next < order.count, rows[order[next]] == row {
        list.withBytes(1) { visit(order[next], $0) }
        next += 1
      }
    }
  }

  /// What tells the vectors of an embedder, as they are in this transaction, from what they ever were or will be.
  func vectorState(of embedder: EmbedderRow) throws -> VectorState {
    let read = try connection.kept("SELECT state FROM vector_state")
    guard try read.step() else {
      throw GibseyError.notADatabase(path: connection.path, reason: "no state of the vectors")
    }
    return VectorState(state: read.bytes(0), embedder: embedder.row)
  }

  /// The vectors of all pages; nil where there are more vectors, or where they take more.
  func vectors(of embedder: EmbedderRow, limit: Int, limitBytes: Int) throws -> VectorTable? {
    var pages: [(row: Int, vectorRow: Int)] = []
    var count = 0
    try forEachBlock(of: embedder) { block, firstRow in
      count += block.count
      guard count <= limit else { return }
      // A page's entries stand together, and all of them name the vectors of its text.
      for entry in 0..<block.count where firstRow + block.slot(entry) != pages.last?.row {
        pages.append((firstRow + block.slot(entry), block.row(entry)))
      }
    }
    guard count <= limit, count * embedder.coding.stride <= limitBytes else { return nil }
    var table = VectorTable(rows: pages.map(\.row), bytes: count * embedder.coding.stride)
    // In a damaged file they may be of any length.
    var isTooMuch = table.bytes > limitBytes
    try forEachVectors(atRows: pages.map(\.vectorRow)) { place, vectors in
      isTooMuch = isTooMuch || table.bytes + vectors.count > limitBytes
      if !isTooMuch { table.put(vectors, at: place) }
    }
    return isTooMuch ? nil : table
  }

  /// The vectors of one text; empty when the row is gone.
  public func withVectors<Result>(_ row: Int, _ body: (UnsafeRawBufferPointer) -> Result) throws -> Result {
    readVectors.bind(1, row)
    defer { readVectors.reset() }
    guard try readVectors.step() else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    return readVectors.withBytes(0, body)
  }
}

extension PageStore {
  /// Runs `body` on one state of the database, whatever an indexer does meanwhile.
  public func reading<Result>(_ body: () throws -> Result) throws -> Result {
    guard !connection.isInTransaction else { return try body() }
    try connection.kept("BEGIN").run()
    defer { try? connection.kept("COMMIT").run() }
    return try body()
  }

  public func searchIndex() throws -> SearchIndex { try SearchIndex(connection) }
}
