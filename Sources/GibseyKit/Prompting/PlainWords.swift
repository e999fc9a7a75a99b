// A text as its words alone, so that a quotation can be looked for on a page.

/// The words of texts as numbers: white space, quote marks, dashes, ellipses, other marks and case make no difference.
///
/// Letters and digits are words, all else parts them; apostrophes and characters without a width are left out (*don't* is
/// *don’t*). Where a script has no spaces, each of its characters is a word. Equal by Unicode's canonical equivalence.
struct PlainWords: Sendable {
  /// Where an excerpt leaves something out: no word, and equal to none.
  static let gap = -1
  /// A word that no page has.
  private static let unknown = -2

  private var numbers: [String: Int] = [:]

  /// The words of a page; `[…]` is a gap.
  mutating func numbers(ofPage text: String) -> [Int] {
    var result: [Int] = []
    for (index, part) in text.split(separator: "[…]", omittingEmptySubsequences: false).enumerated() {
      if index > 0 { result.append(Self.gap) }
      for word in Self.words(of: part) {
        let number = numbers[word] ?? numbers.count
        numbers[word] = number
        result.append(number)
      }
    }
    return result
  }

  /// The words of a quotation, parted where an ellipsis leaves something out; no part is empty.
  func parts(ofQuotation text: String) -> [[Int]] {
    let dots = text.replacing("…", with: "...")
    var parts: [[Int]] = []
    for part in dots.split(separator: "...") {
      let words = Self.words(of: part).map { numbers[$0] ?? Self.unknown }
      if !words.isEmpty { parts.append(words) }
    }
    return parts
  }

  /// Whether the parts stand on the page, one after the other.
  static func stand(_ parts: [[Int]], on page: [Int]) -> Bool {
    var place = 0
    for part in parts {
      guard let end = end(of: part, in: page, from: place) else { return false }
      place = end
    }
    return true
  }

  /// Where the first occurrence ends. Linear, whatever the page and the part (Knuth, Morris and Pratt, 1977).
  private static func end(of part: [Int], in page: [Int], from start: Int) -> Int? {
    var borders = [0]
    var length = 0
    for number in part.dropFirst() {
      while length > 0, number != part[length] { length = borders[length - 1] }
      if number == part[length] { length += 1 }
      borders.append(length)
    }
    length = 0
    for place in page.indices.dropFirst(start) {
      while length > 0, page[place] != part[length] { length = borders[length - 1] }
      if page[place] == part[length] { length += 1 }
      if length == part.count { return place + 1 }
    }
    return nil
  }

  /// The words, in order.
  /// - Parameter keepsCase: else they are lower-case.
  static func words(of text: some StringProtocol, keepsCase: Bool = false) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    func close() {
      if !word.isEmpty { words.append(String(word)) }
      word = String.UnicodeScalarView()
    }
    for scalar in text.unicodeScalars {
      switch kind(of: scalar) {
      case .part where keepsCase: word.append(scalar)
      case .part: word.append(contentsOf: lowercase(scalar))
      case .whole:
        close()
        words.append(String(scalar))
      case .nothing: continue
      case .border: close()
      }
    }
    close()
    return words
  }

  private enum Kind { case part, whole, nothing, border }

  private static func kind(of scalar: Unicode.Scalar) -> Kind {
    if scalar.value < 0x80 {
      if scalar == "'" || scalar == "`" { return .nothing }
      return ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
        ? .part : .border
    }
    switch scalar.value {
    case 0x2018, 0x2019, 0x02BC, 0x00B4: return .nothing
    // Han, kana and their marks; Thai, Lao, Myanmar and Khmer.
    case 0x3040...0x30FF, 0x3400...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF, 0x0E00...0x0EFF, 0x1000...0x109F,
      0x1780...0x17FF:
      return .whole
    default: break
    }
    let properties = scalar.properties
    if properties.generalCategory == .format { return .nothing }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .privateUse:
      return .part
    default: return .border
    }
  }

  private static func lowercase(_ scalar: Unicode.Scalar) -> String.UnicodeScalarView {
    if scalar.value < 0x80 {
      // Digits have this bit already.
      return String.UnicodeScalarView([Unicode.Scalar(UInt8(scalar.value) | 0x20)])
    }
    return scalar.properties.lowercaseMapping.unicodeScalars
  }
}
