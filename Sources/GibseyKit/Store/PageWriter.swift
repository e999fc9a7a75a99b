// Writing pages: what changed, and only that, in batches that are whole or not there.

/// Writes pages of one source after another. What it has not committed is gone when it goes.
public final class PageWriter {
  private let connection: Connection
  private var findPage: Statement
  private var insertPage: Statement
  private var updatePage: Statement
  private var labelPage: Statement
  private var deletePage: Statement
  private var readText: Statement
  private var addWords: Statement
  private var removeWords: Statement
  private var findSource: Statement
  private var insertSource: Statement
  private var movePage: Statement
  private let blocks: SearchBlocks
  /// Blocks with pages that this batch changed.
  private var changedBlocks: Set<Int> = []
  /// What this batch did to the order of the pages.
  private var moves = PageMoves()

  /// What the database knows of a page's id before it is written.
  private struct Known {
    let row: Int
    let sourceID: Int
    let labels: Labels
    let textHash: [UInt8]
  }

  /// Everything of a page but its text.
  private struct Labels: Equatable {
    let pageIndex: Int
    let title: String?
    let characterID: String?
    let section: String?
    let motifs: String
    let metadata: String

    private var words: [Spelling?] { [title, characterID, section, motifs, metadata].map { $0?.spelling } }

    static func == (one: Labels, other: Labels) -> Bool {
      one.pageIndex == other.pageIndex && one.words == other.words
    }

    init(_ page: Page, pageIndex: Int) {
      self.pageIndex = pageIndex
      title = page.title
      characterID = page.characterID
      section = page.section
      motifs = JSONValue.array(page.motifs.map { .string($0) }).text
      metadata = JSONValue.object(page.metadata).text
    }

    init(_ row: borrowing Statement) {
      pageIndex = row.integer(2)
      title = row.text(3)
      characterID = row.text(4)
      section = row.text(5)
      motifs = row.text(6) ?? "[]"
      metadata = row.text(7) ?? "{}"
    }
  }

  /// What writing would do, or did.
  public enum Outcome: Equatable, Sendable {
    case change(PageIndexed.Change, row: Int)
    /// Another source owns the id.
    case foreign(source: String)
  }

  init(connection: Connection) throws {
    self.connection = connection
    blocks = try SearchBlocks(connection)
    findPage = try connection.prepare(
      """
      SELECT page_id, source_id, page_index, title, character_id, section, motifs, metadata, text_hash
      FROM page WHERE id = ?1
      """)
    insertPage = try connection.prepare(
      """
      INSERT INTO page (id, source_id, page_index, title, character_id, section, motifs, metadata, text_hash, text)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
      """)
    updatePage = try connection.prepare(
      """
      UPDATE page SET page_index = ?3, title = ?4, character_id = ?5, section = ?6, motifs = ?7, metadata = ?8,
        text_hash = ?9, text = ?10 WHERE page_id = ?1
      """)
    labelPage = try connection.prepare(
      """
      UPDATE page SET page_index = ?3, title = ?4, character_id = ?5, section = ?6, motifs = ?7, metadata = ?8
      WHERE page_id = ?1
      """)
    deletePage = try connection.prepare("DELETE FROM page WHERE page_id = ?1")
    readText = try connection.prepare("SELECT text FROM page WHERE page_id = ?1")
    // Not triggers: a statement with a trigger opens a savepoint, at which FTS5 writes out its words, every page anew;
    // that takes 2.7 times as long for 10,000 pages. Both rows are of one transaction either way.
    addWords = try connection.prepare("INSERT INTO page_text (rowid, text) VALUES (?1, ?2)")
    removeWords = try connection.prepare(
      "INSERT INTO page_text (page_text, rowid, text) VALUES ('delete', ?1, ?2)")
    findSource = try connection.prepare("SELECT source_id FROM source WHERE name = ?1")
    insertSource = try connection.prepare("INSERT INTO source (name) VALUES (?1)")
    movePage = try connection.prepare("UPDATE page SET source_id = ?2 WHERE page_id = ?1")
  }

  /// Begins a batch; other writers wait from here to `commit`, readers never do.
  public func begin() throws { try connection.execute("BEGIN IMMEDIATE") }
  public func commit() throws {
    for block in changedBlocks.sorted() { try blocks.repack(block) }
    changedBlocks = []
    try TurnPlaces(connection: connection).renew(after: moves)
    moves = PageMoves()
    try connection.execute("COMMIT")
  }
  /// Undoes the batch in hand, if there is one.
  public func rollBack() {
    changedBlocks = []
    moves = PageMoves()
    if connection.isInTransaction { try? connection.execute("ROLLBACK") }
  }

  /// Has the block of a page packed anew when the batch is committed.
  func noteChange(_ row: Int) { changedBlocks.insert(row / SearchBlocks.pagesPerBlock) }

  /// Writes the page if anything of it changed.
  /// - Parameters:
  ///   - isDryRun: says what would happen and writes nothing.
  ///   - mayMove: whether a page of that row may be taken from the source that owns it.
  public func write(
    _ page: Page, id: String, pageIndex: Int, source: String, isDryRun: Bool,
    mayMove: (_ owner: String, _ row: Int) -> Bool = { _, _ in false }
  ) throws -> Outcome {
    let labels = Labels(page, pageIndex: pageIndex)
    let textHash = SHA256.digest(of: Array(page.text.utf8))
    guard let known = try find(id) else {
      if isDryRun { return .change(.added, row: 0) }
      try fill(insertPage, labels, textHash, page.text, id: id, source: try sourceID(source))
      let row = Int(connection.lastInsertedRow)
      try addWords(row, page.text)
      noteChange(row)
      moves.added.insert(id.spelling)
      return .change(.added, row: row)
    }
    let isMoved = try known.sourceID != existingSourceID(source)
    if isMoved {
      let owner = try sourceName(known.sourceID)
      guard mayMove(owner, known.row) else { return .foreign(source: owner) }
      if !isDryRun { try move(known.row, to: source) }
    }
    if !isDryRun, known.labels.pageIndex != pageIndex, !moves.added.contains(id.spelling),
      moves.before[id.spelling] == nil
    {
      moves.before[id.spelling] = known.labels.pageIndex
    }
    if known.textHash != textHash {
      if !isDryRun {
        try removeWords(known.row)
        try fill(updatePage, labels, textHash, page.text, row: known.row)
        try addWords(known.row, page.text)
        noteChange(known.row)
      }
      return .change(.updated, row: known.row)
    }
    guard isMoved || known.labels != labels else { return .change(.unchanged, row: known.row) }
    if !isDryRun {
      try fill(labelPage, labels, row: known.row)
      noteChange(known.row)
    }
    return .change(.relabelled, row: known.row)
  }

  /// Removes the source's pages whose rows are not among `kept`; returns their ids in reading order.
  public func removePages(of source: String, except kept: Set<Int>, isDryRun: Bool) throws -> [String] {
    guard let sourceID = try existingSourceID(source) else { return [] }
    let list = try connection.prepare(
      "SELECT page_id, id FROM page WHERE source_id = ?1 ORDER BY page_index, id")
    list.bind(1, sourceID)
    var gone: [(row: Int, id: String)] = []
    while try list.step() {
      let row = list.integer(0)
      if !kept.contains(row) { gone.append((row, list.text(1) ?? "")) }
    }
    guard !isDryRun else { return gone.map(\.id) }
    for page in gone {
      try removeWords(page.row)
      deletePage.bind(1, page.row)
      try deletePage.run()
      noteChange(page.row)
      moves.hasRemoved = true
    }
    return gone.map(\.id)
  }

  /// Gives back what is free in the file and folds the write-ahead log into it, as far as readers let it.
  public func finish() throws {
    connection.giveBack()
    try connection.foldLog()
  }

  private func addWords(_ row: Int, _ text: String) throws {
    addWords.bind(1, row)
    addWords.bind(2, text)
    try addWords.run()
  }

  /// FTS5 finds the words to remove in the text that was indexed: call it before the text changes.
  private func removeWords(_ row: Int) throws {
    defer { readText.reset() }
    readText.bind(1, row)
    guard try readText.step() else { return }
    removeWords.bind(1, row)
    removeWords.bind(2, readText.text(0))
    try removeWords.run()
  }

  private func find(_ id: String) throws -> Known? {
    defer { findPage.reset() }
    findPage.bind(1, id)
    guard try findPage.step() else { return nil }
    return Known(
      row: findPage.integer(0), sourceID: findPage.integer(1), labels: Labels(findPage),
      textHash: findPage.bytes(8))
  }

  private func fill(
    _ statement: borrowing Statement, _ labels: Labels, _ textHash: [UInt8], _ text: String, id: String,
    source: Int
  ) throws {
    statement.bind(1, id)
    statement.bind(2, source)
    try bind(statement, labels, textHash, text)
  }

  private func fill(
    _ statement: borrowing Statement, _ labels: Labels, _ textHash: [UInt8]? = nil, _ text: String? = nil,
    row: Int
  ) throws {
    statement.bind(1, row)
    try bind(statement, labels, textHash, text)
  }

  private func bind(
    _ statement: borrowing Statement, _ labels: Labels, _ textHash: [UInt8]?, _ text: String?
  ) throws {
    statement.bind(3, labels.pageIndex)
    statement.bind(4, labels.title)
    statement.bind(5, labels.characterID)
    statement.bind(6, labels.section)
    statement.bind(7, labels.motifs)
    statement.bind(8, labels.metadata)
    if let textHash { statement.bind(9, textHash) }
    if let text { statement.bind(10, text) }
    try statement.run()
  }

  private func existingSourceID(_ name: String) throws -> Int? {
    defer { findSource.reset() }
    findSource.bind(1, name)
    return try findSource.step() ? findSource.integer(0) : nil
  }

  private func sourceID(_ name: String) throws -> Int {
    if let known = try existingSourceID(name) { return known }
    insertSource.bind(1, name)
    try insertSource.run()
    return Int(connection.lastInsertedRow)
  }

  private func move(_ row: Int, to source: String) throws {
    movePage.bind(1, row)
    movePage.bind(2, try sourceID(source))
    try movePage.run()
  }

  private func sourceName(_ sourceID: Int) throws -> String {
    let statement = try connection.prepare("SELECT name FROM source WHERE source_id = ?1")
    statement.bind(1, sourceID)
    return try statement.step() ? statement.text(0) ?? "" : ""
  }
}

extension PageStore {
  /// A writer on this store's connection; the store must be open for writing.
  public func writer() throws -> PageWriter { try PageWriter(connection: connection) }
}
