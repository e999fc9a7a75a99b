// Counts a query's words in every page that has one, by way of FTS5's interface for ranking functions.
//
// FTS5's own bm25() looks up each page's length in a table and sorts all of its words' places: it takes nineteen twentieths
// of a search's time (docs/design/0011-search.md). Here a page gives a byte for each word, and BM25 is computed from those.
internal import CSQLite

extension PageStore {
  /// Counts the words of an FTS5 expression of words joined by OR.
  public func termCounts(_ match: String) throws -> TermCounts {
    let collector = TermCollector()
    try connection.withRankingFunction("gibsey_count", collector: collector) {
      let statement = try connection.prepare(
        "SELECT gibsey_count(page_text) FROM page_text WHERE page_text MATCH ?1")
      statement.bind(1, match)
      while try statement.step() {}
    }
    return collector.counts
  }
}

/// Owns what a scan has counted so far; one scan on one connection.
final class TermCollector {
  fileprivate(set) var counts = TermCounts()
  static let countLimit = 255

  /// How far apart two neighbours of the question may stand in the page.
  static let closeWords: Int32 = 8
  /// The places of the last term's words in the page in hand, and of this one's.
  private var before: [Int32] = []
  private var places: [Int32] = []

  /// Called for each page that matches.
  fileprivate func take(_ api: Fts5ExtensionApi, _ page: OpaquePointer) {
    if counts.terms == 0 { begin(api, page) }
    guard let first = api.xPhraseFirst, let next = api.xPhraseNext, let row = api.xRowid?(page) else { return }
    counts.rows.append(Int(row))
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

  private func begin(_ api: Fts5ExtensionApi, _ page: OpaquePointer) {
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

  /// Makes a ranking function known while `body` runs.
  func withRankingFunction(_ name: String, collector: TermCollector, _ body: () throws -> Void) throws {
    let api = try fullTextAPI()
    let code = api.pointee.xCreateFunction(
      api, name, Unmanaged.passUnretained(collector).toOpaque(),
      { api, page, context, _, _ in
        guard let api, let page, let user = api.pointee.xUserData(page) else { return }
        Unmanaged<TermCollector>.fromOpaque(user).takeUnretainedValue().take(api.pointee, page)
        sqlite3_result_null(context)
      }, nil)
    guard code == SQLITE_OK else { throw lastError(code) }
    try withExtendedLifetime(collector) { try body() }
  }
}
