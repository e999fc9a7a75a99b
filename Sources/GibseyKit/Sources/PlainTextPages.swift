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
    let hasFormFeeds = text.utf8.contains(0x0C)
    switch options.split {
    case .none, .size: return [(nil, text)]
    case .auto where hasFormFeeds, .formfeed:
      return text.split(separator: "\u{0C}").map { (nil, String($0)) }
    case .auto, .heading: return chapters(of: text)
    }
  }

  /// A chapter begins at a paragraph of one line that reads like a heading, and keeps it as its title and its first line.
  private static func chapters(of text: String) -> [(title: String?, text: String)] {
    var chapters: [(title: String?, text: String)] = []
    var title: String?
    var paragraphs: [Substring] = []
    func close() {
      if !paragraphs.isEmpty { chapters.append((title, paragraphs.joined(separator: "\n\n"))) }
      paragraphs = []
    }
    for paragraph in PageText.paragraphs(of: text) {
      if isHeading(paragraph) {
        // A heading right after a heading (part, then chapter) stays with it.
        if paragraphs.count != 1 || title.map({ Substring($0) != PageText.trimmed(paragraphs[0]) }) ?? true {
          close()
        }
        title = String(PageText.trimmed(paragraph))
      }
      paragraphs.append(paragraph)
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

  /// "Chapter 4. The Lamp", "PART TWO", "Prologue", "IV."
  static func isHeading(_ paragraph: Substring) -> Bool {
    let line = PageText.trimmed(paragraph)
    guard !line.contains("\n"), line.count <= 80 else { return false }
    let words = line.split { $0.isWhitespace || ".:-—".contains($0) }.map { $0.lowercased() }
    guard let first = words.first else { return false }
    if loneWords.contains(first) { return words.count <= 8 }
    if words.count == 1 { return isRomanNumeral(line) }
    guard headingWords.contains(first) else { return false }
    let number = words[1].split(separator: "-").first.map(String.init) ?? words[1]
    return Int(number) != nil || numberWords.contains(number) || isRomanNumeral(Substring(number.uppercased()))
  }

  private static func isRomanNumeral(_ line: Substring) -> Bool {
    let letters = line.hasSuffix(".") ? line.dropLast() : line
    return !letters.isEmpty && letters.count <= 7 && letters.allSatisfy { "IVXLC".contains($0) }
  }
}
