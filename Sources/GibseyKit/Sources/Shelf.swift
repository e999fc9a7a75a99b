// Gives pages their ids and places as they come, and notices what a source says twice.
internal import Glibc

/// Where in a source a page stood; its words are made only when somebody must be told.
enum SourcePlace: Equatable {
  case file(path: String)
  case line(Int, path: String)
  case element(Int, path: String)

  /// As in `story.jsonl: line 3`.
  var words: String {
    switch self {
    case .file(let path): path
    case .line(let number, let path): "\(path): line \(number)"
    case .element(let number, let path): "\(path): element \(number)"
    }
  }
}

/// The pages of one source so far.
struct Shelf {
  private let source: String
  /// What came of the source, failures included.
  private(set) var items = 0
  /// Pages that had no place of their own and took the next one.
  private(set) var placesGiven = 0
  private var lastPlace = 0
  private var placeOfID: [Spelling: SourcePlace] = [:]

  init(source: String) { self.source = source }

  /// Passes on a page, with `prefix/ordinal` for its id and the running order for its place where it has none.
  mutating func add(
    _ page: Page, prefix: String, ordinal: Int, place: SourcePlace, _ visit: (SourceItem) throws -> Void
  ) throws {
    var page = page
    let id = page.id ?? "\(prefix)/\(ordinal)"
    page.id = id
    if let problem = Self.problem(of: page, id: id) { return try fail(id, problem, at: place, visit) }
    if let first = placeOfID[id.spelling] {
      return try fail(id, "the id \(id) was already used at \(first.words)", at: place, visit)
    }
    let next = lastPlace < JSONNumber.largestInteger ? lastPlace + 1 : nil
    guard let pageIndex = page.pageIndex ?? next else {
      return try fail(id, "page \(id) has no page_index and none is left", at: place, visit)
    }
    let isGiven = page.pageIndex == nil
    page.pageIndex = pageIndex
    if let bytes = page.bytesBeyondLine {
      let limit = RecordCoder.lineLimitBytes
      let reason = "page \(id) takes \(bytes) bytes as a record, and a line holds \(limit): part it into shorter ones"
      return try fail(id, reason, at: place, visit)
    }
    if isGiven { placesGiven += 1 }
    placeOfID[id.spelling] = place
    lastPlace = pageIndex
    items += 1
    try visit(.page(page))
  }

  mutating func fail(_ id: String, _ error: GibseyError, _ visit: (SourceItem) throws -> Void) throws {
    items += 1
    try visit(.failure(id: id, error))
  }

  private mutating func fail(
    _ id: String, _ reason: String, at place: SourcePlace, _ visit: (SourceItem) throws -> Void
  ) throws {
    try fail(id, .malformedInput(source: place.words, line: nil, reason: reason), visit)
  }

  private static func problem(of page: Page, id: String) -> String? {
    if hasNUL(page.text) || hasNUL(id) { return "page \(id) contains a NUL" }
    if page.title.map(hasNUL) == true { return "the title of page \(id) contains a NUL" }
    if page.characterID.map(hasNUL) == true || page.section.map(hasNUL) == true
      || page.motifs.contains(where: hasNUL)
    {
      return "a field of page \(id) contains a NUL"
    }
    if page.text.allSatisfy(\.isWhitespace) { return "page \(id) has no text" }
    return nil
  }

  private static func hasNUL(_ text: String) -> Bool {
    let found = text.utf8.withContiguousStorageIfAvailable { bytes in
      bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
    }
    return found ?? text.utf8.contains(0)
  }
}
