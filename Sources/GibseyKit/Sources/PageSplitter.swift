// Cuts a long text into pieces at the best place there is: paragraph, sentence, word.

/// Splits text by size.
enum PageSplitter {
  /// Pieces of at most `sizeCharacters`, cut at paragraph ends; a longer paragraph is cut at sentence ends, a longer
  /// sentence at white space, and what has none at the size. White space between pieces is dropped, nothing else:
  /// each piece is a stretch of the text as it came. Linear in the length of the text.
  static func pieces(of text: String, sizeCharacters: Int) -> [String] {
    let size = max(sizeCharacters, 1)
    let whole = PageText.trimmed(Substring(text))
    guard !whole.isEmpty else { return [] }
    guard isLonger(whole, than: size) else { return [String(whole)] }
    var pieces: [String] = []
    var start = whole.startIndex
    var end = start
    var count = 0
    for paragraph in PageText.paragraphs(of: text) {
      for part in parts(of: PageText.trimmed(paragraph), size) {
        // The gap is white space, which counts while it stays inside the piece.
        let grown = count + text[end..<part.startIndex].count + part.count
        if grown > size, count > 0 {
          pieces.append(String(text[start..<end]))
          (start, count) = (part.startIndex, part.count)
        } else {
          (start, count) = count == 0 ? (part.startIndex, part.count) : (start, grown)
        }
        end = part.endIndex
      }
    }
    if count > 0 { pieces.append(String(text[start..<end])) }
    return pieces
  }

  private static func isLonger(_ text: Substring, than size: Int) -> Bool {
    guard let limit = text.index(text.startIndex, offsetBy: size, limitedBy: text.endIndex) else {
      return false
    }
    return limit < text.endIndex
  }

  private static func parts(of paragraph: Substring, _ size: Int) -> [Substring] {
    guard isLonger(paragraph, than: size) else { return [paragraph] }
    return PageText.sentences(of: paragraph).flatMap { cut($0, size) }
  }

  /// The sentence in parts that fit.
  private static func cut(_ sentence: Substring, _ size: Int) -> [Substring] {
    var parts: [Substring] = []
    var rest = sentence
    while let limit = rest.index(rest.startIndex, offsetBy: size, limitedBy: rest.endIndex),
      limit < rest.endIndex
    {
      let space = rest[...limit].lastIndex { $0.isWhitespace }
      let end = space.flatMap { $0 > rest.startIndex ? $0 : nil } ?? limit
      let part = PageText.trimmed(rest[..<end])
      if !part.isEmpty { parts.append(part) }
      rest = rest[end...].drop { $0.isWhitespace }
    }
    if !rest.isEmpty { parts.append(rest) }
    return parts
  }
}
