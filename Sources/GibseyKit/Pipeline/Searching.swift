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
  public struct Query {
    public var text: String
    /// Its vector, of the dimensions of the active embedder; nil to search by keywords alone. Asked for when the words have
    /// been looked up, so that it may be made meanwhile.
    public var vector: () throws -> [Float]?
    /// Whether it is being made now, on another thread: then pages are read before it is asked for.
    public var isVectorOnItsWay: Bool
    /// The last page_index that may be seen; nil for the whole book.
    public var gate: Int?
    /// The part of the book that is searched; nil for all of it.
    public var scope: PageScope?

    public init(
      text: String, vector: @escaping () throws -> [Float]? = { nil }, isVectorOnItsWay: Bool = false, gate: Int? = nil,
      scope: PageScope? = nil
    ) {
      self.isVectorOnItsWay = isVectorOnItsWay
      self.scope = scope
      self.text = text
      self.vector = vector
      self.gate = gate
    }
  }

  /// As many pages are looked at of those that words find, and of those that vectors find.
  static let candidates = 50
  /// Of these the best by what is known without reading them are read and compared word by word; by vectors alone, as many as
  /// are asked for.
  static let readCandidates = 40
  /// Pages that words find and that are read before the question's vector is there.
  static let readAhead = 32
  /// Vectors that are compared in full at most, of those that look near by their signs…
  static let vectorCandidates = 400
  /// …and more where there are more pages, one of so many: the more there are, the more look as near as the nearest.
  static let pagesPerCandidate = 256
  /// So many are compared before it is asked whether one of the others can still be nearer, and a quarter more each time.
  private static let comparedAtOnce = 50
  /// Up to here every vector is compared.
  static let exactLimit = 4096

  private let store: PageStore
  private let index: SearchIndex
  private let embedder: EmbedderRow?
  private let words: () throws -> (any WordVectors)?
  private let known: KnownPages
  private var options: Options

  /// - Parameters:
  ///   - embedder: whose vectors are compared; nil to search by keywords alone, whatever the options say.
  ///   - words: what words mean by themselves; nil compares words by their letters alone.
  ///   - known: what is known of the story's pages from the questions before.
  public init(
    store: PageStore, embedder: EmbedderRow? = nil, words: @escaping () throws -> (any WordVectors)? = { nil },
    known: KnownPages = KnownPages(), options: Options = Options()
  ) throws {
    self.store = store
    self.embedder = embedder
    self.words = words
    self.known = known
    self.options = options
    // Without vectors there is nothing but words to go by.
    if embedder == nil { self.options.mode = .keywords }
    index = try store.searchIndex()
  }

  /// Whether questions are compared by meaning, as far as they have vectors.
  var usesVectors: Bool { embedder != nil && options.mode != .keywords }

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
    let known: KnownPage
    public let evidence: PageEvidence

    public var page: StoredPage { known.page }
  }

  /// The best pages, best first, ties by id.
  ///
  /// Words and vectors each name their nearest pages; of these the best by both are read and compared with the question word
  /// by word: docs/design/0011-search.md.
  public func search(_ query: Query, limit: Int) throws -> [Found] {
    try store.reading {
      // Without a bound every page that has a vector may be found, and where it stands is of no interest.
      let needsPlaces = query.gate != nil || query.scope != nil || options.mode != .vectors
      var places = needsPlaces ? try index.places() : PlaceTable.withoutBounds()
      if let scope = query.scope { places.keep(only: try store.rows(of: scope)) }
      let terms = options.mode == .vectors ? [] : try store.distinctByStem(KeywordQuery(question: query.text).terms)
      let counts = try termCounts(terms)
      let width = options.mode == .vectors ? limit : max(limit, Self.candidates)
      var evidence: [Int: PageEvidence] = [:]
      let keywords = KeywordScores(counts, places: places, gate: query.gate).scores
      var reader = try PageReader(
        store: store, known: known, terms: terms, counts: counts, words: options.mode == .vectors ? nil : words)
      // While the question's vector is being made, the pages are read that will be wanted most likely.
      if query.isVectorOnItsWay, options.mode == .hybrid, embedder != nil {
        for (row, _) in keywords.largest(Self.readAhead, by: \.score) { try reader.read(row) }
      }
      let vector = options.mode == .keywords || embedder == nil ? nil : try query.vector()
      var meanings = PageMeanings()
      if let embedder, let vector { meanings = try compare(vector, embedder, query.gate, places, width: width) }
      for (row, meaning) in meanings.pages.largest(width, by: \.meaning) {
        evidence[row, default: PageEvidence(row: row)].meaning = meaning
      }
      for (row, score) in keywords.largest(width, by: \.score) {
        evidence[row, default: PageEvidence(row: row)].keywords = score
      }
      // A page that is near in meaning has its words told too, however few.
      for (row, score) in keywords where evidence[row] != nil { evidence[row]?.keywords = score }
      let found = try read(Array(evidence.values), &reader, vector, meanings, limit: limit)
      return Array(Self.ordered(found).prefix(limit))
    }
  }

  private func termCounts(_ terms: [String]) throws -> TermCounts {
    guard let match = KeywordQuery.matchExpression(terms) else { return TermCounts() }
    return try store.termCounts(match)
  }

  /// What vectors say of pages: of all of them or, where they are many, of no fewer than the `width` nearest.
  private func compare(
    _ vector: [Float], _ embedder: EmbedderRow, _ gate: Int?, _ places: PlaceTable, width: Int
  ) throws -> PageMeanings {
    if let table = try known.vectors(of: embedder, in: index, limit: Self.exactLimit) {
      return table.meanings(VectorQuery(vector, coding: embedder.coding)) { places.isOpen($0, gate: gate) }
    }
    let rows = try index.rowCount()
    // Who wants every page has none left out by its signs.
    let limit =
      options.isExact || width > Int.max / 4
      ? nil : max(Self.vectorCandidates, 4 * width, rows / Self.pagesPerCandidate)
    return try index.readingVectors(of: rows) {
      var nearest = NearestCodes(query: vector, limit: limit, allUpTo: Self.exactLimit, gate: gate)
      try index.forEachBlock(of: embedder) { block, firstRow in
        nearest.add(block, firstRow: firstRow, places: places)
      }
      let entries = nearest.finish()
      guard limit != nil, nearest.isSelecting else { return try meanings(ofAll: entries, vector, embedder) }
      return try meanings(entries, vector, embedder, wanted: width)
    }
  }

  /// The cosine of each page with the nearest of its vectors, of all that there are.
  private func meanings(
    ofAll entries: [NearestCodes.Entry], _ vector: [Float], _ embedder: EmbedderRow
  ) throws -> PageMeanings {
    // A page's entries stand together, and all of them name the vectors of its text.
    var pages: [(row: Int, vectorRow: Int)] = []
    for entry in entries where entry.pageRow != pages.last?.row { pages.append((entry.pageRow, entry.vectorRow)) }
    let query = VectorQuery(vector, coding: embedder.coding)
    var found = [Double?](repeating: nil, count: pages.count)
    try index.forEachVectors(atRows: pages.map(\.vectorRow)) { place, vectors in
      found[place] = query.nearest(vectors)
    }
    return PageMeanings(zip(pages, found).compactMap { page, meaning in meaning.map { (page.row, $0) } })
  }

  /// The cosine of each page with the nearest of its vectors.
  /// - Parameter wanted: how many of the nearest are wanted: the search ends when the vectors that are left look too far off
  ///   by their signs.
  private func meanings(
    _ entries: [NearestCodes.Entry], _ vector: [Float], _ embedder: EmbedderRow, wanted: Int
  ) throws -> PageMeanings {
    let query = VectorQuery(vector, coding: embedder.coding)
    var left = entries
    var trust = SignTrust(wanted: wanted)
    var meanings: [Int: Double] = [:]
    while !left.isEmpty {
      let step = max(Self.comparedAtOnce, meanings.count / 4)
      // What ties with the last is taken too, so that the order in which pages came does not decide.
      let bar = left.count > step ? NearestCodes.score(of: left, place: step - 1) : Int32.min
      // In the order of the file; of a page's vectors the nearest by its signs comes first.
      let batch = left.filter { $0.score >= bar }.sorted { ($0.vectorRow, $1.score) < ($1.vectorRow, $0.score) }
      for entry in batch where meanings[entry.pageRow] == nil {
        guard let meaning = try index.withVectors(entry.vectorRow, query.nearest) else {
          continue
        }
        meanings[entry.pageRow] = meaning
        trust.add(score: entry.score, cosine: meaning)
      }
      left.removeAll { $0.score >= bar }
      if trust.isBeyond(bar) { break }
    }
    return PageMeanings(meanings.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 })
  }

  /// Reads the pages that are the best without being read, and compares them word by word. What only words found is
  /// compared by meaning first.
  /// - Parameter meanings: of the pages that were compared before.
  private func read(
    _ evidence: [PageEvidence], _ reader: inout PageReader, _ vector: [Float]?, _ meanings: PageMeanings, limit: Int
  ) throws -> [Found] {
    let query = embedder.flatMap { embedder in vector.map { VectorQuery($0, coding: embedder.coding) } }
    let known = try evidence.map { item in
      var item = item
      if item.meaning == nil { item.meaning = meanings[item.row] }
      if let embedder, let query, item.meaning == nil, let row = try index.vectorRow(ofPage: item.row, embedder) {
        item.meaning = try index.withVectors(row, query.nearest)
      }
      reader.fillIn(&item)
      return item
    }
    // Reading tells more of a page only where its words are compared.
    let best = known.largest(options.mode == .vectors ? limit : max(limit, Self.readCandidates), by: \.score)
    return try best.sorted { $0.row < $1.row }.compactMap { item in
      guard let (page, coverage) = try reader.read(item.row) else { return nil }
      var item = item
      item.coverage = coverage
      return Found(known: page, evidence: item)
    }
  }

  private static func ordered(_ found: [Found]) -> [Found] {
    found.sorted { left, right in
      guard left.evidence.score == right.evidence.score else { return left.evidence.score > right.evidence.score }
      return left.page.id.utf8.lexicographicallyPrecedes(right.page.id.utf8)
    }
  }
}

/// Reads pages and compares them with a question word by word, each once.
private struct PageReader {
  private let store: PageStore
  private let known: KnownPages
  private let hasTerms: Bool
  private let vocabulary: Vocabulary
  private var coverage: WordCoverage
  private var pages: [Int: (page: KnownPage, coverage: Double)] = [:]

  /// - Parameter words: what words mean; nil when words have no say at all.
  init(
    store: PageStore, known: KnownPages, terms: [String], counts: TermCounts, words: (() throws -> (any WordVectors)?)?
  ) throws {
    self.store = store
    self.known = known
    hasTerms = words != nil && !terms.isEmpty
    vocabulary = hasTerms ? known.vocabulary(spelledBy: try words?()) : Vocabulary()
    coverage = WordCoverage(
      terms: terms, counts: counts, vocabulary: vocabulary, usesMeaning: hasTerms && !counts.rows.isEmpty)
  }

  /// What the full-text index knows of the page.
  func fillIn(_ item: inout PageEvidence) {
    guard hasTerms else { return }
    item.coverage = coverage.share(ofPage: item.row)
    item.closeness = coverage.closeness(ofPage: item.row)
  }

  /// The page, and the share of the question that its words cover; nil when it is gone.
  @discardableResult
  mutating func read(_ row: Int) throws -> (page: KnownPage, coverage: Double)? {
    if let read = pages[row] { return read }
    guard let page = try known.page(row: row, in: store) else { return nil }
    let read = (page, hasTerms ? coverage.share(ofPage: row, words: page.words(in: vocabulary)) : 0)
    pages[row] = read
    return read
  }
}
