// Plain text into pages: at form feeds, at chapter headings, at paragraph ends. No word of it is lost.

/// Splits plain text.
enum PlainTextPages {
  static func pages(of text: String, _ options: ReadingOptions) -> [Page] {
    let text = normalized(text)
    var pages: [Page] = []
    for part in parts(of: text, options) {
      let size = options.split == .none ? Int.max : options.pageSizeCharacters
      for piece in PageSplitter.pieces(of: part.text, sizeCharacters: size) {
        pages.append(Page(title: part.title, text: piece))
      }
    }
    return pages
  }

  /// Line feeds alone, no byte-order mark.
  static func normalized(_ text: String) -> String {
    var bytes = Array(text.utf8)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard bytes.contains(0x0D) else { return String(decoding: bytes, as: UTF8.self) }
    var plain: [UInt8] = []
    plain.reserveCapacity(bytes.count)
    for (index, byte) in bytes.enumerated() {
      guard byte == 0x0D else {
        plain.append(byte)
        continue
      }
      let isBeforeLineFeed = index + 1 < bytes.count && bytes[index + 1] == 0x0A
      if !isBeforeLineFeed { plain.append(0x0A) }
    }
    return String(decoding: plain, as: UTF8.self)
  }

  private static func parts(
    of text: String, _ options: ReadingOptions
  ) -> [(title: String?, text: String)] {
    switch options.split {
    case .none, .size: return [(nil, text)]
    case .heading: return chapters(of: text)
    case .auto, .formfeed:
      let parts = text.unicodeScalars.split(separator: "\u{0C}")
        .map { (title: String?.none, text: String($0)) }
        .filter { !$0.text.allSatisfy(\.isWhitespace) }
      // One form feed at the end, as a printer wants it, parts nothing.
      return options.split == .formfeed || parts.count > 1 ? parts : chapters(of: text)
    }
  }

  /// A chapter begins at a paragraph of one line that reads like a heading, and keeps it as its title and its first
  /// line. Headings right after each other (part, then chapter; a list of contents) stay together, and the last one is
  /// the title.
  private static func chapters(of text: String) -> [(title: String?, text: String)] {
    var chapters: [(title: String?, text: String)] = []
    var title: String?
    var range: Range<String.Index>?
    var hasText = false
    func close() {
      if let range { chapters.append((title, String(text[range]))) }
      (range, hasText) = (nil, false)
    }
    for paragraph in PageText.paragraphs(of: text) {
      let isHeading = isHeading(paragraph)
      if isHeading {
        if hasText { close() }
        title = String(PageText.trimmed(paragraph))
      }
      hasText = hasText || !isHeading
      range = (range?.lowerBound ?? paragraph.startIndex)..<paragraph.endIndex
    }
    close()
    return chapters
  }

  private static let headingWords: Set<String> = ["chapter", "part", "book", "canto", "act", "letter"]
  private static let loneWords: Set<String> = [
    "prologue", "epilogue", "preface", "introduction", "interlude", "foreword", "afterword", "prelude",
  ]
  private static let numberWords: Set<String> = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty",
    "forty", "fifty", "first", "second", "third", "fourth", "fifth", "last",
  ]

  /// "Chapter 4. The Lamp", "PART TWO", "Canto the First", "Prologue", "IV."; not "Part one of it was done."
  static func isHeading(_ paragraph: Substring) -> Bool {
    guard paragraph.utf8.count <= 320 else { return false }
    let line = PageText.trimmed(paragraph)
    guard !line.contains("\n"), line.count <= 80 else { return false }
    let words = line.split { $0.isWhitespace || separators.contains($0) }
    guard let first = words.first?.lowercased() else { return false }
    if loneWords.contains(first) { return isHead(words[0], of: line) }
    if words.count == 1 { return isRomanNumeral(line) }
    guard headingWords.contains(first) else { return false }
    let place = words[1].lowercased() == "the" && words.count > 2 ? 2 : 1
    return isNumber(words[place].lowercased()) && isHead(words[place], of: line)
  }

  private static let separators: Set<Character> = [".", ":", "-", "–", "—", ","]

  /// Whether what ends with `word` may head the line: nothing follows it, or a separator does, or a title that is no
  /// sentence.
  private static func isHead(_ word: Substring, of line: Substring) -> Bool {
    let behind = PageText.trimmed(line[word.endIndex...])
    guard let next = behind.first, !separators.contains(next) else { return true }
    return line.last.map { !".!?,;”\"’".contains($0) } ?? false
      && (next.isUppercase || next.isNumber || "(“\"‘".contains(next))
  }

  private static func isNumber(_ word: String) -> Bool {
    Int(word) != nil || numberWords.contains(word) || isRomanNumeral(Substring(word.uppercased()))
  }

  /// Capitals from I to XCIX and on to CCCXCIX, in their one spelling: CIVIL is none.
  private static func isRomanNumeral(_ line: Substring) -> Bool {
    var rest = line.hasSuffix(".") ? line.dropLast() : line
    guard !rest.isEmpty, rest.count <= 12 else { return false }
    rest = rest.dropFirst(min(rest.prefix { $0 == "C" }.count, 3))
    for (nine, five, four, one) in [("XC", "L", "XL", "X"), ("IX", "V", "IV", "I")] {
      if rest.hasPrefix(nine) || rest.hasPrefix(four) {
        rest = rest.dropFirst(2)
      } else {
        rest = rest.hasPrefix(five) ? rest.dropFirst() : rest
        rest = rest.dropFirst(min(rest.prefix { String($0) == one }.count, 3))
      }
    }
    return rest.isEmpty
  }
}
