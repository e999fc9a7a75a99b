// Vectors of many pages, read in stretches or one by one.
import Testing

@testable import GibseyKit

struct VectorReadingTests {
  private static let dimensions = 8
  private let store: PageStore
  private let embedder: EmbedderRow
  private let folder = TemporaryFolder()

  /// Two hundred pages, of which each tenth has the text of the one before. Ann tells every third.
  init() throws {
    store = try PageStore(path: folder.path + "/vectors.db", access: .readWrite)
    let writer = try store.writer()
    let vectors = try store.vectorWriter(writer)
    try writer.begin()
    embedder = try vectors.embedder(
      "given 8", coding: VectorCoding(dimensions: Self.dimensions, precision: .int12))
    var generator = SeededGenerator(seed: 5)
    for number in 1...200 {
      let page = Page(
        id: "p\(number)", characterID: number % 3 == 0 ? "ann" : nil, pageIndex: number,
        text: "Page \(number % 10 == 0 ? number - 1 : number).")
      guard
        case .change(_, let row) = try writer.write(
          page, id: page.id ?? "", pageIndex: number, source: "s", isDryRun: false)
      else { continue }
      let drawn = (0..<Self.dimensions).map { _ in Float.random(in: -1...1, using: &generator) }
      try vectors.write(try #require(UnitVector(normalizing: drawn)), ofPage: row, embedder)
    }
    try vectors.activate(embedder)
    try writer.commit()
  }

  private func read(_ rows: [Int]) throws -> [[UInt8]?] {
    let index = try store.searchIndex()
    var found = [[UInt8]?](repeating: nil, count: rows.count)
    try index.forEachVectors(atRows: rows) { place, bytes in
      #expect(found[place] == nil)
      found[place] = Array(bytes)
    }
    return found
  }

  private func alone(_ row: Int) throws -> [UInt8]? {
    try store.searchIndex().withVectors(row) { $0.baseAddress == nil ? nil : Array($0) }
  }

  @Test func aStretchTellsWhatEachRowTells() throws {
    let index = try store.searchIndex()
    var rows = try (1...200).compactMap { try index.vectorRow(ofPage: $0, embedder) }
    #expect(rows.count == 200 && Set(rows).count == 180)
    // In any order, some of them wanted twice, and some of them gone.
    rows.reverse()
    let gone = Array(rows[60..<64])
    for row in gone { try store.connection.execute("DELETE FROM vector WHERE vector_id = \(row)") }
    #expect(try read(rows).count { $0 == nil } >= gone.count)
    rows += [300, 5]
    for wanted in [rows, Array(rows.prefix(100)), [rows[0], rows[199]], [rows[7]], [4000], [], [1, 100_000]] {
      #expect(try read(wanted) == wanted.map { try alone($0) })
    }
  }

  private func found(
    _ known: KnownPages, _ store: PageStore, _ mode: Searching.Mode = .vectors, gate: Int? = nil,
    scope: PageScope? = nil
  ) throws -> [String] {
    var options = Searching.Options()
    options.mode = mode
    let searching = try Searching(store: store, embedder: embedder, known: known, options: options)
    let vector = try #require(UnitVector(normalizing: [1, -1, 2, 0.5, -1, 0, 0.5, 3])).components
    let query = Searching.Query(text: "page 7", vector: { vector }, gate: gate, scope: scope)
    return try searching.search(query, limit: 300).map { "\($0.page.id) \($0.evidence)" }
  }

  private func table(_ known: KnownPages, _ store: PageStore) throws -> VectorTable? {
    try known.vectors(of: embedder, in: store.searchIndex(), limit: 1000)
  }

  /// What is found with what is known is what the file says.
  private func expectTruth(_ known: KnownPages, _ store: PageStore) throws {
    #expect(try table(known, store) != nil)
    let ann = PageScope(characterID: "ann", names: [])
    for (mode, gate, scope) in [
      (Searching.Mode.vectors, nil, nil), (.vectors, 30, nil), (.vectors, 199, ann), (.vectors, nil, ann),
      (.hybrid, nil, nil), (.hybrid, 199, nil), (.hybrid, 100, ann),
    ] as [(Searching.Mode, Int?, PageScope?)] {
      let fresh = try found(KnownPages(), store, mode, gate: gate, scope: scope)
      #expect(fresh.count >= 20)
      #expect(try found(known, store, mode, gate: gate, scope: scope) == fresh)
    }
  }

  @Test func vectorsThatAreKnownAreThoseOfTheFile() throws {
    let known = KnownPages()
    #expect(try table(known, store) == nil, "a single question reads what it wants")
    try expectTruth(known, store)
    #expect(known.bytes >= 180 * embedder.coding.stride)
    // Whoever changes them, and be it so that rows and signs stay, or that pages and vectors find each other anew.
    let connection = store.connection
    let last = try connection.integer("SELECT max(vector_id) FROM vector")
    let all = try found(KnownPages(), store)
    for change in [
      "UPDATE vector SET vectors = (SELECT vectors FROM vector WHERE vector_id = 20) WHERE vector_id = 7",
      "DELETE FROM vector WHERE vector_id IN (1, 9, \(last))",
      "INSERT INTO vector (embedder_id, text_key, vectors) VALUES (\(embedder.row), x'01', zeroblob(16))",
      "REPLACE INTO vector (embedder_id, text_key, vectors) SELECT \(embedder.row), x'01', vectors FROM vector LIMIT 1",
      "UPDATE code_block SET codes = codes", "DELETE FROM code_block",
    ] {
      try connection.execute(change)
      #expect(try table(known, store) == nil, "after \(change)")
      if change != "DELETE FROM code_block" { try expectTruth(known, store) }
    }
    #expect(try found(known, store).isEmpty)
    // A transaction that comes to nothing changes nothing, but is seen while it lasts.
    try SearchBlocks(connection).repackAll()
    #expect(try table(known, store) == nil)
    try expectTruth(known, store)
    try connection.execute("BEGIN; DELETE FROM vector WHERE vector_id = 3")
    #expect(try table(known, store) == nil)
    try expectTruth(known, store)
    try connection.execute("ROLLBACK")
    #expect(try table(known, store) == nil)
    try expectTruth(known, store)
    #expect(try found(known, store) != all)
  }

  @Test func vectorsOfACopyThatWentItsOwnWayAreNotThoseOfTheOther() throws {
    let other = folder.path + "/copy.db"
    try store.connection.execute("VACUUM INTO '\(other)'")
    let copy = try PageStore(path: other, access: .readWrite)
    let known = KnownPages()
    _ = try table(known, store)
    try expectTruth(known, store)
    // Of the same state until then.
    try expectTruth(known, copy)
    for (number, store) in [copy, store].enumerated() {
      try store.connection.execute(
        "UPDATE vector SET vectors = (SELECT vectors FROM vector WHERE vector_id = \(20 + number)) WHERE vector_id = 4")
    }
    #expect(try found(KnownPages(), copy) != found(KnownPages(), store))
    for store in [copy, store, copy] {
      #expect(try table(known, store) == nil)
      try expectTruth(known, store)
    }
  }

  @Test func vectorsThatAreTooManyAreNotKept() throws {
    let index = try store.searchIndex()
    let all = try #require(try index.vectors(of: embedder, limit: 200, limitBytes: .max))
    #expect(try index.vectors(of: embedder, limit: 199, limitBytes: .max) == nil)
    #expect(try index.vectors(of: embedder, limit: 200, limitBytes: all.bytes - 1) == nil)
    #expect(try index.vectors(of: embedder, limit: 200, limitBytes: all.bytes) != nil)
    let small = KnownPages(limitBytes: 4 * all.bytes - 4)
    for _ in 0..<3 { #expect(try table(small, store) == nil) }
    #expect(small.bytes == KnownPages().bytes)
  }

  @Test func aBlobOfAStrangerIsNotCopiedBeyondTheLimit() throws {
    let index = try store.searchIndex()
    let all = try #require(try index.vectors(of: embedder, limit: 200, limitBytes: .max))
    try store.connection.execute("UPDATE vector SET vectors = zeroblob(100000) WHERE vector_id = 2")
    #expect(try index.vectors(of: embedder, limit: 200, limitBytes: all.bytes + 90_000) == nil)
    #expect(try index.vectors(of: embedder, limit: 200, limitBytes: all.bytes + 110_000) != nil)
  }

  @Test func aFileThatWouldNotTellThatItsVectorsChangeIsDamaged() throws {
    let finding = StoreFinding.damage("the state of the vectors: nobody would see that they change")
    #expect(try !store.check().contains(finding))
    try store.connection.execute("INSERT INTO vector_state VALUES (x'00')")
    #expect(try store.check().contains(finding))
    try store.connection.execute("DELETE FROM vector_state WHERE state = x'00'")
    #expect(try !store.check().contains(finding))
    try store.connection.execute("DROP TRIGGER code_block_changed")
    #expect(try store.check().contains(finding))
  }

  @Test func meaningsAreFoundByTheirRows() {
    let meanings = PageMeanings([(2, 0.5), (3, 0.25), (9, -1)])
    #expect([1, 2, 3, 4, 9, 10].map { meanings[$0] } == [nil, 0.5, 0.25, nil, -1, nil])
    #expect(PageMeanings()[1] == nil)
  }

  @Test func aPageMeansTheSameWhetherTheVectorIsOnItsWayAndWhoeverFoundIt() throws {
    let searching = try Searching(store: store, embedder: embedder)
    let vector = try #require(UnitVector(normalizing: [1, 0, 2, 0, -1, 0, 0.5, 3])).components
    func found(_ isOnItsWay: Bool) throws -> [Searching.Found] {
      let query = Searching.Query(
        text: "page 7 or page 190", vector: { vector }, isVectorOnItsWay: isOnItsWay, gate: 195)
      return try searching.search(query, limit: 60)
    }
    let all = try found(false)
    #expect(try all.map { "\($0.page.id) \($0.evidence)" } == found(true).map { "\($0.page.id) \($0.evidence)" })
    #expect(all.count >= 60)
    let index = try store.searchIndex()
    for item in all {
      let row = try #require(try index.vectorRow(ofPage: item.evidence.row, embedder))
      #expect(try index.withVectors(row, VectorQuery(vector, coding: embedder.coding).nearest) == item.evidence.meaning)
    }
  }
}
