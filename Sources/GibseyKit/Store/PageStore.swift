// Reading pages: one by its id, all in reading order, those that match.

/// The pages of one database file. Owns a connection; for one task at a time.
public final class PageStore {
  /// How the file is opened.
  public enum Access: Sendable, Equatable {
    case readOnly
    /// Makes the file when it is missing, and brings an older schema up to date.
    case readWrite
    /// Reads and writes what is gone with the store; no file.
    case memory
  }

  /// The file's path.
  public let path: String
  let connection: Connection
  private let pageByID: LateStatement
  var pageByRow: Statement
  /// Reads imprints, once somebody has asked for one.
  var imprints: PageImprints?
  /// What a page is, besides its text.
  static let labels = "id, title, character_id, page_index, section, motifs, metadata"
  static let labelCount: Int32 = 7
  private static let columns = "\(labels), text"

  /// - Throws: `GibseyError.noDatabase`, `.notADatabase`, `.newerDatabase`, `.olderDatabase`, `.emptyDatabase`, `.databaseReadOnly`,
  ///   `.databaseBusy`.
  /// - Parameter patienceMilliseconds: how long a writer waits for another program's transaction.
  public init(path: String, access: Access, patienceMilliseconds: Int = 10_000) throws {
    self.path = path
    let isWriting = access != .readOnly
    connection = try Connection(path: path, access: Self.access(access, Int32(clamping: patienceMilliseconds)))
    try Schema.prepare(connection, mayWrite: isWriting)
    if isWriting {
      // NORMAL in write-ahead mode never corrupts; a power cut may take the last batch, which a rerun writes again.
      try connection.execute(
        """
        PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536;
        PRAGMA secure_delete = OFF
        """)
    }
    pageByID = LateStatement(connection, "SELECT \(Self.columns) FROM page WHERE id = ?1")
    pageByRow = try connection.prepare("SELECT \(Self.columns), text_hash FROM page WHERE page_id = ?1")
  }

  private static func access(_ access: Access, _ patienceMilliseconds: Int32) -> Connection.Access {
    switch access {
    case .readOnly: .read
    case .readWrite: .write(busyTimeoutMilliseconds: patienceMilliseconds)
    case .memory: .memory
    }
  }

  /// What has the path now.
  var standing: DatabasePlace.Standing { connection.standing }

  /// A number that is another one when somebody else has changed the file since (sqlite.org/pragma.html#pragma_data_version).
  public func changeNumber() throws -> Int { try connection.keptInteger("PRAGMA data_version") }

  /// The page of that id, gated or not: the caller knows the gate.
  public func page(id: String) throws -> StoredPage? {
    try pageByID.use { find in
      find.bind(1, id)
      return try find.step() ? try Self.read(find, path: path) : nil
    }
  }

  /// The id of the page at a place in the reading order; of several there the first by id. Nil when there is none.
  public func pageID(at pageIndex: Int) throws -> String? {
    let statement = try connection.kept("SELECT id FROM page WHERE page_index = ?1 ORDER BY id LIMIT 1")
    statement.bind(1, pageIndex)
    return try statement.step() ? statement.text(0) : nil
  }

  /// How many pages there are.
  public func pageCount() throws -> Int { try connection.integer("SELECT count(*) FROM page") }

  /// The id of the first page in the reading order; nil when there is none.
  public func firstPageID() throws -> String? {
    let statement = try connection.kept("SELECT id FROM page ORDER BY page_index, id LIMIT 1")
    return try statement.step() ? statement.text(0) : nil
  }

  /// The last page in the reading order that stands at a place or before it; nil when there is none.
  public func lastPage(upTo place: Int) throws -> StoredPage? {
    let statement = try connection.prepare(
      "SELECT \(Self.columns) FROM page WHERE page_index <= ?1 ORDER BY page_index DESC, id DESC LIMIT 1")
    statement.bind(1, place)
    return try statement.step() ? try Self.read(statement, path: path) : nil
  }

  /// Visits all pages in reading order, ties by id.
  public func forEachPage(_ visit: (StoredPage) throws -> Void) throws {
    let statement = try connection.prepare("SELECT \(Self.columns) FROM page ORDER BY page_index, id")
    while try statement.step() { try visit(try Self.read(statement, path: path)) }
  }

  static func read(_ row: borrowing Statement, path: String) throws -> StoredPage {
    guard let id = row.text(0), let text = row.text(7),
      let motifs = decode(row.text(5))?.arrayValue, let metadata = decode(row.text(6))?.objectValue?.asItCame
    else { throw GibseyError.notADatabase(path: path, reason: "a damaged page") }
    return StoredPage(
      id: id, title: row.text(1), characterID: row.text(2), pageIndex: row.integer(3), section: row.text(4),
      motifs: motifs.compactMap(\.stringValue), metadata: metadata, text: text)
  }

  private static func decode(_ text: String?) -> JSONValue? {
    guard let text else { return nil }
    return try? JSONScanner.scan(text.utf8) { try $0.value() }
  }
}
