// Writing vectors: a text's once for each embedder, and the switch from one embedder to another.

/// Writes vectors in the batches of a `PageWriter`.
public final class VectorWriter {
  /// A page whose text has no vectors of an embedder yet.
  public struct Wanting: Sendable {
    let row: Int
    let key: [UInt8]
    public let id: String
    public let text: String
  }

  private let connection: Connection
  private let pages: PageWriter
  private var insertEmbedder: Statement
  private var insertVectors: Statement
  private var findVectors: Statement
  private var listWanting: Statement
  private var countWanting: Statement

  /// The first 16 bytes of a text's SHA-256 name it here: 128 bits are enough that no two texts meet.
  private static let wanting =
    """
    FROM page WHERE page_id > ?1 AND NOT EXISTS (
      SELECT 1 FROM vector WHERE embedder_id = ?2 AND text_key = substr(page.text_hash, 1, 16))
    """

  init(connection: Connection, pages: PageWriter) throws {
    self.connection = connection
    self.pages = pages
    insertEmbedder = try connection.prepare(
      "INSERT INTO embedder (fingerprint, dimensions, encoding, is_active) VALUES (?1, ?2, ?3, 0)")
    insertVectors = try connection.prepare(
      "REPLACE INTO vector (embedder_id, text_key, vectors) VALUES (?1, ?2, ?3)")
    findVectors = try connection.prepare(
      """
      SELECT substr(page.text_hash, 1, 16), vector.vectors FROM page
      LEFT JOIN vector ON vector.embedder_id = ?2 AND vector.text_key = substr(page.text_hash, 1, 16)
      WHERE page.page_id = ?1
      """)
    listWanting = try connection.prepare(
      "SELECT page_id, substr(text_hash, 1, 16), id, text \(Self.wanting) ORDER BY page_id LIMIT ?3")
    countWanting = try connection.prepare("SELECT count(*), total(length(text)) \(Self.wanting)")
  }

  /// The embedder of a fingerprint, made known if it is new.
  /// - Throws: `GibseyError.dimensionsChanged` when it is known with other dimensions.
  public func embedder(_ fingerprint: String, coding: VectorCoding) throws -> EmbedderRow {
    if let known = try connection.embedders().first(where: { $0.fingerprint.spelling == fingerprint.spelling }) {
      guard known.coding == coding else {
        throw GibseyError.dimensionsChanged(
          embedder: fingerprint, was: known.coding.dimensions, now: coding.dimensions)
      }
      return known
    }
    insertEmbedder.bind(1, fingerprint)
    insertEmbedder.bind(2, coding.dimensions)
    insertEmbedder.bind(3, coding.precision.rawValue)
    try insertEmbedder.run()
    return EmbedderRow(
      row: Int(connection.lastInsertedRow), fingerprint: fingerprint, coding: coding, isActive: false)
  }

  /// How many pages want vectors, and the characters of their texts.
  public func countWanting(_ embedder: EmbedderRow) throws -> (pages: Int, characters: Int) {
    defer { countWanting.reset() }
    countWanting.bind(1, -1)
    countWanting.bind(2, embedder.row)
    return try countWanting.step() ? (countWanting.integer(0), countWanting.integer(1)) : (0, 0)
  }

  /// Pages that want vectors, from after a row on.
  public func wanting(_ embedder: EmbedderRow, after row: Int, limit: Int) throws -> [Wanting] {
    defer { listWanting.reset() }
    listWanting.bind(1, row)
    listWanting.bind(2, embedder.row)
    listWanting.bind(3, limit)
    var pages: [Wanting] = []
    while try listWanting.step() {
      guard let id = listWanting.text(2), let text = listWanting.text(3) else { continue }
      pages.append(Wanting(row: listWanting.integer(0), key: listWanting.bytes(1), id: id, text: text))
    }
    return pages
  }

  /// Keeps the vectors of a page's text, of this embedder's dimensions each: one for each part of it.
  public func write(_ vectors: [UnitVector], of page: Wanting, _ embedder: EmbedderRow) throws {
    try write(Self.coded(vectors, embedder.coding), key: page.key, row: page.row, embedder)
  }

  /// Keeps a vector that came with a page, unless it is kept already.
  public func write(_ vector: UnitVector, ofPage row: Int, _ embedder: EmbedderRow) throws {
    findVectors.bind(1, row)
    findVectors.bind(2, embedder.row)
    guard try findVectors.step() else { return }
    let (key, known) = (findVectors.bytes(0), findVectors.bytes(1))
    findVectors.reset()
    let bytes = Self.coded([vector], embedder.coding)
    if bytes != known { try write(bytes, key: key, row: row, embedder) }
  }

  private static func coded(_ vectors: [UnitVector], _ coding: VectorCoding) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(vectors.count * coding.stride)
    for vector in vectors { coding.append(vector.components, to: &bytes) }
    return bytes
  }

  private func write(_ bytes: [UInt8], key: [UInt8], row: Int, _ embedder: EmbedderRow) throws {
    insertVectors.bind(1, embedder.row)
    insertVectors.bind(2, key)
    insertVectors.bind(3, bytes)
    try insertVectors.run()
    pages.noteChange(row)
  }

  /// From the next commit on searches use this embedder; nil is none.
  public func activate(_ embedder: EmbedderRow?) throws {
    try connection.execute("UPDATE embedder SET is_active = (embedder_id = \(embedder?.row ?? -1))")
  }

  /// Forgets an embedder with all its vectors.
  public func forget(_ embedder: EmbedderRow) throws {
    try connection.execute(
      """
      DELETE FROM turn_code_block WHERE embedder_id = \(embedder.row);
      DELETE FROM turn_vector WHERE embedder_id = \(embedder.row);
      DELETE FROM code_block WHERE embedder_id = \(embedder.row);
      DELETE FROM vector WHERE embedder_id = \(embedder.row);
      DELETE FROM embedder WHERE embedder_id = \(embedder.row)
      """)
  }

  /// Lets go of vectors of texts that no page has any more.
  public func removeUnused() throws {
    try connection.execute(
      "DELETE FROM vector WHERE text_key NOT IN (SELECT substr(text_hash, 1, 16) FROM page)")
  }
}

extension PageStore {
  /// A writer of vectors in the batches of `pages`, which is this store's.
  public func vectorWriter(_ pages: PageWriter) throws -> VectorWriter {
    try VectorWriter(connection: connection, pages: pages)
  }

  /// Whether a text, by the first 16 bytes of its SHA-256, has vectors of an embedder.
  func hasVectors(ofText key: [UInt8], _ embedder: EmbedderRow) throws -> Bool {
    let find = try connection.prepare("SELECT 1 FROM vector WHERE embedder_id = ?1 AND text_key = ?2")
    find.bind(1, embedder.row)
    find.bind(2, key)
    return try find.step()
  }

  /// Visits the pages whose texts have no vectors of an embedder; all pages for nil.
  func forEachPageWanting(
    _ embedder: EmbedderRow?, _ visit: (_ id: String, _ key: [UInt8], _ text: String) throws -> Void
  ) throws {
    let list = try connection.prepare(
      """
      SELECT id, substr(text_hash, 1, 16), text FROM page WHERE NOT EXISTS (
        SELECT 1 FROM vector WHERE embedder_id = ?1 AND text_key = substr(page.text_hash, 1, 16)) ORDER BY page_id
      """)
    list.bind(1, embedder?.row ?? -1)
    while try list.step() { try visit(list.text(0) ?? "", list.bytes(1), list.text(2) ?? "") }
  }
}
