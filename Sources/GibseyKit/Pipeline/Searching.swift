// Finds the pages for a question: by its words, by its meaning, or by both; none that the gate closes off.

/// Searches one store. Same store, same question: same pages in the same order.
public struct Searching {
  /// What is asked.
  public enum Mode: String, Sendable, CaseIterable { case keywords, vectors, hybrid }

  public struct Options: Sendable {
    public var mode = Mode.hybrid
    /// Compares every vector instead of those that look near by their signs.
    public var isExact = false

    public init() {}
  }

  /// A question, behind a gate.
  public struct Query: Sendable {
    public var text: String
    /// Its vector, of the dimensions of the active embedder; nil to search by keywords alone.
    public var vector: [Float]?
    /// The last page_index that may be seen; nil for the whole book.
    public var gate: Int?

    public init(text: String, vector: [Float]? = nil, gate: Int? = nil) {
      self.text = text
      self.vector = vector
      self.gate = gate
    }
  }

  /// As many pages are read and compared word by word, of those that words find and of those that vectors find.
  static let readCandidates = 50
  /// Vectors that are compared in full, of those that look near by their signs.
  static let vectorCandidates = 400
  /// Up to here every vector is compared.
  static let exactLimit = 4096

  private let store: PageStore
  private let index: SearchIndex
  private let embedder: EmbedderRow?
  private let words: () throws -> (any WordVectors)?
  private let options: Options

  /// - Parameters:
  ///   - embedder: whose vectors are compared; nil to search by keywords alone.
  ///   - words: what words mean by themselves; nil compares words by their letters alone.
  public init(
    store: PageStore, embedder: EmbedderRow? = nil, words: @escaping () throws -> (any WordVectors)? = { nil },
    options: Options = Options()
  ) throws {
    self.store = store
    self.embedder = embedder
    self.words = words
    self.options = options
    index = try store.searchIndex()
  }

  /// A vector that came with a question, at length one; nil when there is nothing to compare it with.
  /// - Throws: `GibseyError.malformedInput` when it is of other dimensions than the pages'.
  func checked(_ vector: [Float]) throws -> [Float]? {
    guard let embedder else { return nil }
    guard vector.count == embedder.coding.dimensions else {
      let reason = "wanted \(embedder.coding.dimensions) numbers, got \(vector.count)"
      throw GibseyError.malformedInput(source: "vector", line: nil, reason: reason)
    }
    return UnitVector(normalizing: vector)?.components
  }

  /// A page found, and why.
  public struct Found: Sendable {
    public let page: StoredPage
    public let evidence: PageEvidence
  }

  /// The best pages, best first, ties by id.
  ///
  /// Words and vectors each name their nearest pages; of these the best by both are read and compared with the question word
  /// by word: docs/design/0010-search.md.
  public func search(_ query: Query, limit: Int) throws -> [Found] {
    let places = try index.places()
    let terms = try store.distinctByStem(KeywordQuery(question: query.text).terms)
    let counts = options.mode == .vectors ? TermCounts() : try termCounts(terms)
    let width = max(limit, Self.readCandidates)
    var evidence: [Int: PageEvidence] = [:]
    if options.mode != .keywords, let embedder, let vector = query.vector {
      try compare(vector, embedder, query.gate, places, width: width, &evidence)
    }
    let keywords = KeywordScores(counts, places: places, gate: query.gate).scores
    for (row, score) in keywords.largest(width, by: \.score) {
      evidence[row, default: PageEvidence(row: row)].keywords = score
    }
    // A page that is near in meaning has its words told too, however few.
    for (row, score) in keywords where evidence[row] != nil { evidence[row]?.keywords = score }
    let found = try read(Array(evidence.values), terms, counts, options.mode == .keywords ? nil : query.vector)
    return Array(Self.ordered(found).prefix(limit))
  }

  private func termCounts(_ terms: [String]) throws -> TermCounts {
    guard let match = KeywordQuery.matchExpression(terms) else { return TermCounts() }
    return try store.termCounts(match)
  }

  /// Fills in what vectors say: of the `width` pages that are nearest. A page that words find is compared in `read`.
  private func compare(
    _ vector: [Float], _ embedder: EmbedderRow, _ gate: Int?, _ places: PlaceTable, width: Int,
    _ evidence: inout [Int: PageEvidence]
  ) throws {
    let isExact = try options.isExact || index.vectorCount(embedder) <= Self.exactLimit
    let limit = isExact ? nil : max(Self.vectorCandidates, 4 * width)
    var nearest = NearestCodes(query: vector, limit: limit, gate: gate)
    try index.forEachBlock(of: embedder) { block, firstRow in
      nearest.add(block, firstRow: firstRow, places: places)
    }
    var rows: [Int: Int] = [:]
    for entry in nearest.finish() { rows[entry.pageRow] = entry.vectorRow }
    let compared = try rows.sorted { $0.value < $1.value }.compactMap {
      row, vectorRow -> (row: Int, meaning: Double)? in
      let meaning = try index.withVectors(vectorRow) { embedder.coding.nearest(vector, $0) }
      return meaning.map { (row, $0) }
    }
    for (row, meaning) in compared.largest(width, by: \.meaning) {
      evidence[row, default: PageEvidence(row: row)].meaning = meaning
    }
  }

  /// Reads the pages and compares them word by word; those that only words found are compared by meaning too.
  private func read(
    _ evidence: [PageEvidence], _ terms: [String], _ counts: TermCounts, _ vector: [Float]?
  ) throws -> [Found] {
    var coverage = WordCoverage(terms: terms, counts: counts, words: counts.rows.isEmpty ? nil : try words())
    return try evidence.sorted { $0.row < $1.row }.compactMap { item in
      guard let page = try store.page(row: item.row) else { return nil }
      var item = item
      if let embedder, let vector, item.meaning == nil, let row = try index.vectorRow(ofPage: item.row, embedder) {
        item.meaning = try index.withVectors(row) { embedder.coding.nearest(vector, $0) }
      }
      if options.mode != .vectors, !terms.isEmpty {
        item.coverage = coverage.share(ofPage: item.row, text: page.text)
        item.closeness = coverage.closeness(ofPage: item.row)
      }
      return Found(page: page, evidence: item)
    }
  }

  private static func ordered(_ found: [Found]) -> [Found] {
    found.sorted { left, right in
      guard left.evidence.score == right.evidence.score else { return left.evidence.score > right.evidence.score }
      return left.page.id.utf8.lexicographicallyPrecedes(right.page.id.utf8)
    }
  }
}
