// Markdown into pages: a file is a page, or its headings part it.

/// Splits Markdown.
enum MarkdownPages {
  /// - Throws: `FrontMatter.Problem`.
  static func pages(of text: String, _ options: ReadingOptions) throws -> [Page] {
    let (front, body) = try FrontMatter.parse(PlainTextPages.normalized(text))
    let isLong = body.count > options.pageSizeCharacters
    let isSplit = options.split == .heading || (options.split == .auto && isLong)
    let sections = MarkdownSections.sections(of: body)
    var parts = isSplit ? sections : [(sections.lazy.compactMap(\.title).first, body)]
    if options.split != .none {
      parts = parts.flatMap { part in
        PageSplitter.pieces(of: part.text, sizeCharacters: options.pageSizeCharacters)
          .map { (part.title, $0) }
      }
    }
    let pages = parts.map { (title: $0.title, text: String(PageText.trimmed(Substring($0.text)))) }
      .filter { !$0.text.isEmpty }
    return try pages.enumerated().map { index, part in
      var page = try front.page(text: part.text)
      page.title = page.title ?? part.title
      if pages.count > 1 {
        page.id = page.id.map { "\($0)/\(index + 1)" }
        if index > 0 { page.pageIndex = nil }
      }
      return page
    }
  }
}

/// Parts that begin at headings of the first two levels, outside fenced code.
struct MarkdownSections {
  typealias Section = (title: String?, text: String)

  private var sections: [Section] = []
  private var title: String?
  private var lines: [Substring] = []
  /// Lines of the section that are neither blank nor headings.
  private var textLines = 0
  /// The fence that is open: its character and how many there were.
  private var fence: (mark: Character, count: Int)?

  /// A heading right after a heading (part, then chapter) stays with it, and the last one is the title.
  static func sections(of body: String) -> [Section] {
    var reader = MarkdownSections()
    for line in body.split(separator: "\n", omittingEmptySubsequences: false) { reader.take(line) }
    reader.close()
    return reader.sections
  }

  private mutating func take(_ line: Substring) {
    let isFence = takeFence(line)
    if !isFence, fence == nil, let words = Self.headingWords(line) {
      begin(words, [line])
    } else if !isFence, fence == nil, isUnderline(line), let above = lines.popLast() {
      textLines -= 1
      begin(String(PageText.trimmed(above)), [above, line])
    } else {
      lines.append(line)
      textLines += Self.isBlank(line) ? 0 : 1
    }
  }

  private mutating func begin(_ words: String, _ heading: [Substring]) {
    if textLines > 0 { close() }
    title = words.isEmpty ? title : words
    lines += heading
  }

  private mutating func close() {
    if !lines.allSatisfy(Self.isBlank) { sections.append((title, lines.joined(separator: "\n"))) }
    (title, lines, textLines) = (nil, [], 0)
  }

  /// Whether the line opens or closes fenced code (CommonMark §4.5): the end has the mark of the beginning, as often or
  /// more often, and nothing else.
  private mutating func takeFence(_ line: Substring) -> Bool {
    guard let marks = Self.unindented(line), let mark = marks.first, mark == "`" || mark == "~" else {
      return false
    }
    let count = marks.prefix { $0 == mark }.count
    let rest = PageText.trimmed(marks.dropFirst(count))
    if let open = fence {
      guard mark == open.mark, count >= open.count, rest.isEmpty else { return false }
      fence = nil
      return true
    }
    guard count >= 3, mark == "~" || !rest.contains("`") else { return false }
    fence = (mark, count)
    return false
  }

  /// "# Words #" (CommonMark §4.2), levels 1 and 2.
  private static func headingWords(_ line: Substring) -> String? {
    guard let line = unindented(line) else { return nil }
    let level = line.prefix { $0 == "#" }.count
    guard (1...2).contains(level), line.dropFirst(level).first?.isWhitespace == true else { return nil }
    let words = PageText.trimmed(line.dropFirst(level))
    let open = words.reversed().drop { $0 == "#" }
    // The closing marks stand apart from the words: "# C#" is about C#.
    guard open.count < words.count, open.first?.isWhitespace ?? true else { return String(words) }
    return String(PageText.trimmed(words.prefix(open.count)))
  }

  /// "===" or "---" under a line (CommonMark §4.3). Only under a paragraph of one line: under a longer one, what was
  /// meant is a break between scenes.
  private func isUnderline(_ line: Substring) -> Bool {
    let marks = PageText.trimmed(line)
    guard marks.count >= 3, marks.allSatisfy({ $0 == "=" }) || marks.allSatisfy({ $0 == "-" }),
      let above = lines.last, !Self.isBlank(above), let first = Self.unindented(above)?.first
    else { return false }
    let before = lines.dropLast().last
    let isAlone = before.map { Self.isBlank($0) || Self.headingWords($0) != nil } ?? true
    return isAlone && !"#>|-*+`~=<".contains(first)
  }

  /// Without its indentation of at most three spaces; nil for more, which makes it code.
  private static func unindented(_ line: Substring) -> Substring? {
    let spaces = line.prefix { $0 == " " }.count
    return spaces <= 3 ? line.dropFirst(spaces) : nil
  }

  private static func isBlank(_ line: Substring) -> Bool { line.allSatisfy(\.isWhitespace) }
}
