// Cuts a long text into pieces at the best place there is: paragraph, sentence, word.

/// Splits text by size.
enum PageSplitter {
  /// Pieces of at most `sizeCharacters`, cut at paragraph ends; a longer paragraph is cut at sentence ends, a longer
  /// sentence at white space, and what has none at the size. White space between pieces is dropped, nothing else.
  static func pieces(of text: String, sizeCharacters: Int) -> [String] {
    let whole = PageText.trimmed(Substring(text))
    guard !whole.isEmpty else { return [] }
    guard whole.count > sizeCharacters else { return [String(whole)] }
    var pieces: [String] = []
    var piece = ""
    var pieceCount = 0
    for paragraph in PageText.paragraphs(of: text) {
      for part in parts(of: paragraph, sizeCharacters) {
        let isParagraphStart = part.startIndex == paragraph.startIndex
        let joint = piece.isEmpty ? "" : isParagraphStart ? "\n\n" : " "
        let count = part.count
        if pieceCount + joint.count + count > sizeCharacters, !piece.isEmpty {
          pieces.append(piece)
          piece = String(part)
          pieceCount = count
        } else {
          piece += joint + part
          pieceCount += joint.count + count
        }
      }
    }
    if !piece.isEmpty { pieces.append(piece) }
    return pieces
  }

  private static func parts(of paragraph: Substring, _ size: Int) -> [Substring] {
    guard paragraph.count > size else { return [paragraph] }
    return PageText.sentences(of: paragraph).flatMap { cut($0, size) }
  }

  private static func cut(_ sentence: Substring, _ size: Int) -> [Substring] {
    var parts: [Substring] = []
    var rest = sentence
    while rest.count > size {
      let limit = rest.index(rest.startIndex, offsetBy: size)
      let space = rest[..<limit].lastIndex { $0.isWhitespace }
      let end = space.flatMap { $0 > rest.startIndex ? $0 : nil } ?? limit
      parts.append(PageText.trimmed(rest[..<end]))
      rest = rest[end...].drop { $0.isWhitespace }
    }
    if !rest.isEmpty { parts.append(rest) }
    return parts
  }
}
