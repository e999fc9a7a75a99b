// A reader's question as an FTS5 expression. No text can make it a syntax error.

/// The words of a question that are worth looking for.
public struct KeywordQuery: Sendable, Equatable {
  /// Distinct, lower-case, in the order of the question.
  public let terms: [String]

  /// More words than these say nothing more and cost time.
  static let termLimit = 64
  /// A word is looked at up to here; FTS5 itself has no word as long in a book.
  private static let termLimitCharacters = 64

  /// Splits as FTS5's unicode61 does: letters and digits are words, all else parts them. Stop words are dropped, unless
  /// there is nothing else.
  public init(question: String) {
    let words = Self.words(of: question, limit: 4 * Self.termLimit)
    let telling = words.filter { !StopWords.english.contains($0) }
    terms = Array((telling.isEmpty ? words : telling).prefix(Self.termLimit))
  }

  /// The distinct words of a text, lower-case, in its order.
  static func words(of text: some StringProtocol, limit: Int = .max) -> [String] {
    var seen: Set<String> = []
    return allWords(of: text, limit: limit) { seen.insert($0).inserted }
  }

  /// The words of a text that are wanted, lower-case, in its order.
  static func allWords(
    of text: some StringProtocol, limit: Int = .max, isWanted: (String) -> Bool = { _ in true }
  ) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    var length = 0
    func close() {
      if length > 0, isWanted(String(word)) { words.append(String(word)) }
      word = String.UnicodeScalarView()
      length = 0
    }
    for scalar in text.unicodeScalars {
      if isWordPart(scalar) {
        if length < termLimitCharacters { appendLowercase(scalar, to: &word) }
        length += 1
      } else {
        close()
        if words.count >= limit { return words }
      }
    }
    close()
    return words
  }

  /// A word without its commonest English endings: near enough to porter's stems to compare a page with a question.
  static func root(of word: String) -> Substring {
    for ending in ["ings", "ing", "ies", "ed", "es", "s", "e", "y"]
    where word.utf8.count - ending.utf8.count >= 3 && word.hasSuffix(ending) {
      return word.dropLast(ending.utf8.count)
    }
    return word[...]
  }

  /// The FTS5 expression: every word quoted, joined by OR; nil when there is no word (a question of punctuation only).
  public var matchExpression: String? { Self.matchExpression(terms) }

  static func matchExpression(_ terms: [String]) -> String? {
    terms.isEmpty ? nil : terms.map { "\"\($0)\"" }.joined(separator: " OR ")
  }

  private static func appendLowercase(_ scalar: Unicode.Scalar, to word: inout String.UnicodeScalarView) {
    if scalar.isASCII {
      word.append(("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar)
    } else {
      word.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
    }
  }

  /// Letters, numbers, marks and private-use characters, as in unicode61 (sqlite.org/fts5.html §4.3.1).
  private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0x80 {
      return ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
    }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber, .privateUse, .nonspacingMark, .spacingMark:
      return true
    default: return false
    }
  }
}

/// Words that stand in every question and tell no page from another. A short list: a longer one, with words such as
/// *after*, *down* or *most*, found fewer of the right pages.
enum StopWords {
  static let english: Set<String> = Set(
    """
    a an and are as at be but by d did do does don for from had has have he her his how i if in into is it its ll m me \
    my not of on or re s she so t that the their them they this to ve was we were what when where which who whom whose \
    why will with you your
    """.split { $0 == " " || $0 == "\n" }.map(String.init))
}
