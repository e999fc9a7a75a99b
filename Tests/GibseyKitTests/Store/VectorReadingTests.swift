// Vectors of many pages, read in stretches or one by one.
import Testing

@testable import GibseyKit

struct VectorReadingTests {
  private static let dimensions = 8
  private let store: PageStore
  private let embedder: EmbedderRow
  private let folder = TemporaryFolder()

  /// Two hundred pages, of which each tenth has the text of the one before.
  init() throws {
    store = try PageStore(path: folder.path + "/vectors.db", access: .readWrite)
    let writer = try store.writer()
    let vectors = try store.vectorWriter(writer)
    try writer.begin()
    embedder = try vectors.embedder(
      "given 8", coding: VectorCoding(dimensions: Self.dimensions, precision: .int12))
    var generator = SeededGenerator(seed: 5)
    for number in 1...200 {
      let page = Page(id: "p\(number)", pageIndex: number, text: "Page \(number % 10 == 0 ? number - 1 : number).")
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
