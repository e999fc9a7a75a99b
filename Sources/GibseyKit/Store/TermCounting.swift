// Counts a query's words in every page that has one, by way of FTS5's interface for ranking functions.
//
// FTS5's own bm25() looks up each page's length in a table and sorts all of its words' places: it takes nineteen twentieths
// of a search's time (docs/design/0011-search.md). Here a page gives a byte for each word, and BM25 is computed from those.
internal import CSQLite

extension PageStore {
  /// Counts the words of an FTS5 expression of words joined by OR.
  public func termCounts(_ match: String) throws -> TermCounts {
    var collector = TermCollector()
    let sql = "SELECT \(RankingFunction.name)(page_text) FROM page_text WHERE page_text MATCH ?1"
    try connection.collect(&collector, sql) { $0.bind(1, match) }
    return collector.counts
  }
}

/// What a scan has counted so far. A value: the scan works on it in place.
struct TermCollector {
  private(set) var counts = TermCounts()
  static let countLimit = 255
  /// Rows are counted from this one on.
  private let firstRow: Int
  /// Rows that are looked at; nil for all.
  private let open: PlaceTable?

  /// How far apart two neighbours of the question may stand in the page.
  static let closeWords: Int32 = 8
  /// The places of the last term's words in the page in hand, and of this one's.
  private var before: [Int32] = []
  private var places: [Int32] = []

  /// Counts in the rows that are there for `open`, under their numbers there: of the others nothing is felt.
  init(firstRow: Int = 0, open: PlaceTable? = nil) {
    self.firstRow = firstRow
    self.open = open
  }

  /// Called for each page that matches, in the order of their rows.
  fileprivate mutating func take(_ api: borrowing Fts5ExtensionApi, _ page: OpaquePointer) {
    if counts.terms == 0 { begin(api, page) }
    guard let first = api.xPhraseFirst, let next = api.xPhraseNext, let rowid = api.xRowid?(page) else { return }
    let row = Int(rowid) - firstRow
    if let open, !open.isOpen(row, gate: nil) { return }
    counts.rows.append(row)
    var close: UInt64 = 0
    before.removeAll(keepingCapacity: true)
    for term in 0..<counts.terms {
      places.removeAll(keepingCapacity: true)
      var iterator = Fts5PhraseIter()
      var (column, offset): (Int32, Int32) = (0, 0)
      let code = first(page, Int32(term), &iterator, &column, &offset)
      while code == SQLITE_OK, column >= 0, places.count < Self.countLimit {
        places.append(offset)
        next(page, &iterator, &column, &offset)
      }
      counts.counts.append(UInt8(places.count))
      if areClose { close |= 1 << UInt64(term - 1) }
      swap(&before, &places)
    }
    counts.close.append(close)
  }

  /// Whether one of the last term's words stands close to one of this one's.
  private var areClose: Bool {
    guard !before.isEmpty, !places.isEmpty else { return false }
    var (left, right) = (0, 0)
    while left < before.count, right < places.count {
      if abs(before[left] - places[right]) <= Self.closeWords { return true }
      if before[left] < places[right] { left += 1 } else { right += 1 }
    }
    return false
  }

  private mutating func begin(_ api: borrowing Fts5ExtensionApi, _ page: OpaquePointer) {
    var number: sqlite3_int64 = 0
    counts.terms = Int(api.xPhraseCount?(page) ?? 0)
    if api.xRowCount?(page, &number) == SQLITE_OK { counts.pages = Int(number) }
    if api.xColumnTotalSize?(page, -1, &number) == SQLITE_OK { counts.words = Int(number) }
  }
}

extension PageStore {
  /// The words, one for each stem, the first of it: as the full-text index stems them.
  public func distinctByStem(_ words: [String]) throws -> [String] {
    let stems = try connection.stems(of: words)
    var seen: Set<String> = []
    return zip(words, stems).filter { seen.insert($0.1).inserted }.map(\.0)
  }
}

extension Connection {
  /// The stems of words, by the tokenizer of the full-text index; a word that it takes apart is its own.
  func stems(of words: [String]) throws -> [String] {
    let api = try fullTextAPI()
    var user: UnsafeMutableRawPointer?
    var tokenizer = fts5_tokenizer()
    var instance: OpaquePointer?
    var code = api.pointee.xFindTokenizer(api, "porter", &user, &tokenizer)
    guard code == SQLITE_OK else { throw lastError(code) }
    code = "unicode61".withCString { name in
      var arguments: [UnsafePointer<CChar>?] = [name]
      return tokenizer.xCreate(user, &arguments, 1, &instance)
    }
    guard code == SQLITE_OK, let instance else { throw lastError(code) }
    defer { tokenizer.xDelete(instance) }
    return words.map { word in
      var tokens: [String] = []
      withUnsafeMutablePointer(to: &tokens) { tokens in
        _ = tokenizer.xTokenize(
          instance, tokens, FTS5_TOKENIZE_QUERY, word, Int32(word.utf8.count),
          { user, _, text, count, _, _ in
            guard let user, let text else { return SQLITE_OK }
            let bytes = UnsafeRawBufferPointer(start: text, count: Int(count))
            user.assumingMemoryBound(to: [String].self).pointee.append(String(decoding: bytes, as: UTF8.self))
            return SQLITE_OK
          })
      }
      return tokens.count == 1 ? tokens[0] : word
    }
  }
}

/// The function by which a scan sees the places of a question's words. FTS5 keeps every one that it is told of until the
/// connection ends, under the same name too: so a connection has one.
final class RankingFunction {
  static let name = "gibsey_count"

  /// Where the scan that is running keeps what it counts; nil while none is. Owned.
  private let collector: UnsafeMutablePointer<UnsafeMutablePointer<TermCollector>?>
  /// How often FTS5 was told of the function.
  private(set) var registrations = 0

  init() {
    collector = .allocate(capacity: 1)
    collector.initialize(to: nil)
  }

  deinit { collector.deallocate() }

  /// Runs `body`, in which one scan counts into `scan`.
  func counting(
    into scan: inout TermCollector, on connection: Connection, _ body: () throws -> Void
  ) throws {
    if registrations == 0 { try register(on: connection) }
    try withUnsafeMutablePointer(to: &scan) { scan in
      collector.pointee = scan
      defer { collector.pointee = nil }
      try body()
    }
  }

  private func register(on connection: Connection) throws {
    let api = try connection.fullTextAPI()
    let code = api.pointee.xCreateFunction(
      api, Self.name, collector,
      { api, page, context, _, _ in
        if let api, let page, let user = api.pointee.xUserData(page) {
          user.assumingMemoryBound(to: UnsafeMutablePointer<TermCollector>?.self).pointee?
            .pointee.take(api.pointee, page)
        }
        sqlite3_result_null(context)
      }, nil)
    guard code == SQLITE_OK else { throw connection.lastError(code) }
    registrations += 1
  }
}

extension Connection {
  /// Runs a statement to its end that calls `RankingFunction` for each row, which counts into `collector`.
  func collect(_ collector: inout TermCollector, _ sql: String, bind: (borrowing Statement) -> Void) throws {
    try ranking.counting(into: &collector, on: self) {
      // Not kept: one of FTS5 holds what its largest question took, tens of MiB in a daemon (docs/design/0022).
      let statement = try prepare(sql)
      bind(statement)
      while try statement.step() {}
    }
  }
}
