// The parts of a text: paragraphs and sentences. Reading and prompting cut at the same places.

/// Where a text may be cut.
enum PageText {
  /// Paragraphs, parted by blank lines; a line ends with LF, CR LF (to Swift one character) or CR.
  static func paragraphs(of text: String) -> [Substring] {
    var paragraphs: [Substring] = []
    var start: String.Index?
    var end = text.startIndex
    let isEnd = { (character: Character) in character == "\n" || character == "\r\n" || character == "\r" }
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: isEnd) {
      if line.allSatisfy(\.isWhitespace) {
        if let begun = start { paragraphs.append(text[begun..<end]) }
        start = nil
      } else {
        start = start ?? line.startIndex
        end = line.endIndex
      }
    }
    if let start { paragraphs.append(text[start..<end]) }
    return paragraphs
  }

  /// Without white space at either end.
  static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }

  /// Sentences: up to a full stop, question or exclamation mark that white space follows.
  static func sentences(of paragraph: Substring) -> [Substring] {
    var sentences: [Substring] = []
    var start = paragraph.startIndex
    var previous: Character = " "
    for index in paragraph.indices {
      let character = paragraph[index]
      if character.isWhitespace, ".!?\"”’…".contains(previous) {
        let sentence = trimmed(paragraph[start..<index])
        if !sentence.isEmpty { sentences.append(sentence) }
        start = index
      }
      previous = character
    }
    let last = trimmed(paragraph[start...])
    if !last.isEmpty { sentences.append(last) }
    return sentences
  }
}
