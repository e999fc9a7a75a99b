// Gives pages their ids and places as they come, and notices what a source says twice.

/// The pages of one source so far.
struct Shelf {
  private let source: String
  /// What came of the source, failures included.
  private(set) var items = 0
  private var lastPlace = 0
  private var placeOfID: [String: String] = [:]

  init(source: String) { self.source = source }

  /// Passes on a page, with `prefix/ordinal` for its id and the running order for its place where it has none.
  mutating func add(
    _ page: Page, prefix: String, ordinal: Int, place: String, _ visit: (SourceItem) throws -> Void
  ) throws {
    var page = page
    let id = page.id ?? "\(prefix)/\(ordinal)"
    page.id = id
    let pageIndex = page.pageIndex ?? lastPlace + 1
    page.pageIndex = pageIndex
    if let problem = Self.problem(of: page, id: id) {
      return try fail(id, .malformedInput(source: place, line: nil, reason: problem), visit)
    }
    if let first = placeOfID[id] {
      let reason = "the id \(id) was already used at \(first)"
      return try fail(id, .malformedInput(source: place, line: nil, reason: reason), visit)
    }
    placeOfID[id] = place
    lastPlace = pageIndex
    items += 1
    try visit(.page(page))
  }

  mutating func fail(_ id: String, _ error: GibseyError, _ visit: (SourceItem) throws -> Void) throws {
    items += 1
    try visit(.failure(id: id, error))
  }

  private static func problem(of page: Page, id: String) -> String? {
    if page.text.utf8.contains(0) || id.utf8.contains(0) { return "page \(id) contains a NUL" }
    if page.title?.utf8.contains(0) == true { return "the title of page \(id) contains a NUL" }
    if page.text.allSatisfy(\.isWhitespace) { return "page \(id) has no text" }
    return nil
  }
}
