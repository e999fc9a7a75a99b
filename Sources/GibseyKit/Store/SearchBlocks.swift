// What every search reads of every page, packed: a thousand pages a row, derived from the other tables.
//
// A block holds the pages whose page_id divided by 1,024 is its number. Reading a packed block costs a hundredth of reading
// its pages one by one. It is written anew, in the same transaction, whenever something of its pages changes.
//
//     place_block.places: for each page_id from the block's first on, 8 bytes of page_index (0: no such page), then, after
//       all of these, 4 bytes of the count of its words in the full-text index.
//     code_block.codes: 4 bytes count; for each vector 2 bytes page_id - first; for each 4 bytes of vector_id; then the
//       signs of its components, a bit each, eight vectors side by side (CKernelsSearch.h), the last group filled with 0.
//
// All numbers are little-endian.

/// Writes the blocks of a connection that may write.
final class SearchBlocks {
  static let pagesPerBlock = 1024

  private let connection: Connection
  private var listPages: Statement
  private var listVectors: Statement
  private var putPlaces: Statement
  private var putCodes: Statement
  private var dropPlaces: Statement
  private var dropCodes: Statement

  init(_ connection: Connection) throws {
    self.connection = connection
    listPages = try connection.prepare(
      """
      SELECT page.page_id, page.page_index, size.sz FROM page
      LEFT JOIN page_text_docsize AS size ON size.id = page.page_id
      WHERE page.page_id BETWEEN ?1 AND ?2 ORDER BY page.page_id
      """)
    listVectors = try connection.prepare(
      """
      SELECT page.page_id, vector.vector_id, vector.vectors FROM page
      JOIN vector ON vector.embedder_id = ?3 AND vector.text_key = substr(page.text_hash, 1, 16)
      WHERE page.page_id BETWEEN ?1 AND ?2 ORDER BY page.page_id
      """)
    putPlaces = try connection.prepare("REPLACE INTO place_block (block, places) VALUES (?1, ?2)")
    putCodes = try connection.prepare("REPLACE INTO code_block (embedder_id, block, codes) VALUES (?1, ?2, ?3)")
    dropPlaces = try connection.prepare("DELETE FROM place_block WHERE block = ?1")
    dropCodes = try connection.prepare("DELETE FROM code_block WHERE embedder_id = ?1 AND block = ?2")
  }

  /// Packs every block anew.
  func repackAll() throws {
    let last = try connection.integer("SELECT max(page_id) FROM page")
    try connection.execute("DELETE FROM place_block; DELETE FROM code_block")
    guard last > 0 else { return }
    for block in 0...(last / Self.pagesPerBlock) { try repack(block) }
  }

  /// Packs a block anew, for every embedder.
  func repack(_ block: Int) throws {
    try packPlaces(block)
    for embedder in try connection.embedders() { try packCodes(block, embedder) }
  }

  private func packPlaces(_ block: Int) throws {
    let bytes = try places(of: block)
    guard !bytes.isEmpty else {
      dropPlaces.bind(1, block)
      return try dropPlaces.run()
    }
    putPlaces.bind(1, block)
    putPlaces.bind(2, bytes)
    try putPlaces.run()
  }

  /// What the pages say of a block of places; empty without pages.
  func places(of block: Int) throws -> [UInt8] {
    let first = block * Self.pagesPerBlock
    bind(listPages, block)
    var places: [Int64] = []
    var words: [UInt32] = []
    while try listPages.step() {
      let slot = listPages.integer(0) - first
      // In a damaged file rows come in any order.
      guard slot >= places.count, slot < Self.pagesPerBlock else { throw damaged }
      places.append(contentsOf: repeatElement(0, count: slot - places.count))
      words.append(contentsOf: repeatElement(0, count: slot - words.count))
      places.append(Int64(listPages.integer(1)))
      words.append(UInt32(clamping: Self.wordCount(listPages.bytes(2))))
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(places.count * 12)
    for place in places { bytes.append(littleEndian: place) }
    for count in words { bytes.append(littleEndian: count) }
    return bytes
  }

  /// Packs the signs of the vectors of one embedder's block.
  func packCodes(_ block: Int, _ embedder: EmbedderRow) throws {
    let bytes = try codes(of: block, embedder)
    guard !bytes.isEmpty else {
      dropCodes.bind(1, embedder.row)
      dropCodes.bind(2, block)
      return try dropCodes.run()
    }
    putCodes.bind(1, embedder.row)
    putCodes.bind(2, block)
    putCodes.bind(3, bytes)
    try putCodes.run()
  }

  /// What the vectors say of a block of codes; empty without vectors.
  func codes(of block: Int, _ embedder: EmbedderRow) throws -> [UInt8] {
    bind(listVectors, block)
    listVectors.bind(3, embedder.row)
    var packer = CodePacker(coding: embedder.coding)
    while try listVectors.step() {
      let slot = listVectors.integer(0) - block * Self.pagesPerBlock
      guard (0..<Self.pagesPerBlock).contains(slot) else { throw damaged }
      packer.add(
        slot: UInt16(slot), row: listVectors.integer(1),
        vectors: listVectors.bytes(2))
    }
    return packer.count > 0 ? packer.bytes : []
  }

  private var damaged: GibseyError { .notADatabase(path: connection.path, reason: "pages out of their order") }

  private func bind(_ list: borrowing Statement, _ block: Int) {
    list.bind(1, block * Self.pagesPerBlock)
    list.bind(2, (block + 1) * Self.pagesPerBlock - 1)
  }

  /// The words of a page, of all columns, from FTS5's record of them: a varint a column (sqlite.org/fts5.html §9).
  static func wordCount(_ bytes: [UInt8]) -> Int {
    var total = 0
    var value = 0
    for byte in bytes {
      value = value << 7 | Int(byte & 0x7F)
      guard byte & 0x80 == 0 else { continue }
      total += value
      value = 0
    }
    return total
  }
}

/// Puts the signs of vectors side by side.
struct CodePacker {
  let coding: VectorCoding
  private(set) var count = 0
  private var slots: [UInt8] = []
  private var rows: [UInt8] = []
  /// A code after the other.
  private var codes: [UInt64] = []

  init(coding: VectorCoding) { self.coding = coding }

  mutating func add(slot: UInt16, row: Int, vectors: [UInt8]) {
    for index in 0..<coding.count(of: vectors) {
      count += 1
      slots.append(littleEndian: slot)
      rows.append(littleEndian: UInt32(clamping: row))
      codes.append(contentsOf: coding.signs(of: vectors, at: index))
    }
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt32(count))
    bytes += slots
    bytes += rows
    let words = coding.codeWords
    for group in stride(from: 0, to: count, by: CodeBlock.abreast) {
      for word in 0..<words {
        for entry in group..<group + CodeBlock.abreast {
          bytes.append(littleEndian: entry < count ? codes[entry * words + word] : 0)
        }
      }
    }
    return bytes
  }
}
