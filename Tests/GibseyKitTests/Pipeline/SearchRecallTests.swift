// What a search by signs finds of what comparing every vector finds.
import Testing

@testable import GibseyKit

@Suite struct SearchRecallTests {
  private static let pages = 6000
  private static let dimensions = 384
  /// Pages of one kind: more of them than are compared in full.
  private static let kinds = 8

  private let store: PageStore
  private let kinds: [[Float]]
  private let folder = TemporaryFolder()

  init() throws {
    var generator = SeededGenerator(seed: 41)
    kinds = (0..<Self.kinds).map { _ in Self.drawn(&generator) }
    store = try PageStore(path: folder.path + "/recall.db", access: .readWrite)
    let writer = try store.writer()
    let vectors = try store.vectorWriter(writer)
    try writer.begin()
    let embedder = try vectors.embedder(
      "given 384", coding: VectorCoding(dimensions: Self.dimensions, precision: .int12))
    for number in 1...Self.pages {
      let page = Page(id: "p\(number)", title: nil, pageIndex: number, text: "Page \(number).")
      guard
        case .change(_, let row) = try writer.write(
          page, id: "p\(number)", pageIndex: number, source: "s", isDryRun: false)
      else { continue }
      try vectors.write(try #require(vector(&generator)), ofPage: row, embedder)
    }
    try vectors.activate(embedder)
    try writer.commit()
  }

  private static func drawn(_ generator: inout SeededGenerator) -> [Float] {
    (0..<dimensions).map { _ in Float.random(in: -0.5...0.5, using: &generator) }
  }

  /// A vector of one of the kinds.
  private func vector(_ generator: inout SeededGenerator) -> UnitVector? {
    let middle = kinds[Int.random(in: 0..<Self.kinds, using: &generator)]
    return UnitVector(normalizing: zip(middle, Self.drawn(&generator)).map { $0 + $1 })
  }

  private func found(_ vector: [Float], isExact: Bool, gate: Int?) throws -> [String] {
    var options = Searching.Options()
    options.mode = .vectors
    options.isExact = isExact
    let searching = try Searching(store: store, embedder: try store.activeEmbedder(), options: options)
    let query = Searching.Query(text: "", vector: { vector }, gate: gate)
    return try searching.search(query, limit: 10).map(\.page.id)
  }

  @Test func ninetyNineOfAHundredNearestAreFoundBySigns() throws {
    #expect(Self.pages > Searching.exactLimit)
    var generator = SeededGenerator(seed: 42)
    var hits = 0
    for round in 0..<40 {
      let query = try #require(vector(&generator)).components
      let gate = round.isMultiple(of: 2) ? nil : 5000
      let exact = try found(query, isExact: true, gate: gate)
      hits += Set(exact).intersection(try found(query, isExact: false, gate: gate)).count
    }
    #expect(hits >= 396, "\(hits) of 400")
  }
}
