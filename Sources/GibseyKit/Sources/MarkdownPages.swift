// Markdown into pages: a file is a page, or its headings part it.

/// Splits Markdown.
enum MarkdownPages {
  /// - Throws: `FrontMatter.Problem`.
  static func pages(of text: String, _ options: ReadingOptions) throws -> [Page] {
    let (front, body) = try FrontMatter.parse(PlainTextPages.normalized(text))
    let isLong = body.count > options.pageSizeCharacters
    let isSplit = options.split == .heading || (options.split == .auto && isLong)
    var parts: [(title: String?, text: String)] =
      isSplit ? sections(of: body) : [(heading(of: body), body)]
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

  /// The first heading's words.
  private static func heading(of body: String) -> String? {
    sections(of: body).lazy.compactMap(\.title).first
  }

  /// Parts that begin at headings of the first two levels, outside fenced code.
  private static func sections(of body: String) -> [(title: String?, text: String)] {
    var sections: [(title: String?, text: String)] = []
    var title: String?
    var lines: [Substring] = []
    var isInFence = false
    func close() {
      if lines.contains(where: { !$0.allSatisfy(\.isWhitespace) }) {
        sections.append((title, lines.joined(separator: "\n")))
      }
      lines = []
    }
    for line in body.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") || line.hasPrefix("~~~") { isInFence.toggle() }
      if !isInFence, let words = headingWords(line) {
        close()
        title = words
      } else if !isInFence, isUnderline(line), let above = lines.last, !above.allSatisfy(\.isWhitespace) {
        lines.removeLast()
        close()
        title = String(PageText.trimmed(above))
        lines.append(above)
      }
      lines.append(line)
    }
    close()
    return sections
  }

  /// "# Words #" (CommonMark §4.2), levels 1 and 2.
  private static func headingWords(_ line: Substring) -> String? {
    let level = line.prefix { $0 == "#" }.count
    guard (1...2).contains(level), line.dropFirst(level).first?.isWhitespace == true else { return nil }
    var words = PageText.trimmed(line.dropFirst(level))
    while words.last == "#" { words.removeLast() }
    return String(PageText.trimmed(words))
  }

  /// "===" or "---" under a line (CommonMark §4.3).
  private static func isUnderline(_ line: Substring) -> Bool {
    let marks = PageText.trimmed(line)
    return marks.count >= 3 && (marks.allSatisfy { $0 == "=" } || marks.allSatisfy { $0 == "-" })
  }
}
