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
    var words: [String] = []
    var seen: Set<String> = []
    var word = ""
    func close() {
      if !word.isEmpty, seen.insert(word).inserted { words.append(word) }
      word = ""
    }
    for scalar in question.unicodeScalars {
      if Self.isWordPart(scalar) {
        if word.unicodeScalars.count < Self.termLimitCharacters { word += scalar.properties.lowercaseMapping }
      } else if !Self.isApostrophe(scalar) || word.isEmpty {
        close()
        if words.count >= 4 * Self.termLimit { break }
      } else {
        close()
      }
    }
    close()
    let telling = words.filter { !StopWords.english.contains($0) }
    terms = Array((telling.isEmpty ? words : telling).prefix(Self.termLimit))
  }

  /// The FTS5 expression: every word quoted, joined by OR; nil when there is no word (a question of punctuation only).
  public var matchExpression: String? {
    terms.isEmpty ? nil : terms.map { "\"\($0)\"" }.joined(separator: " OR ")
  }

  private static func isApostrophe(_ scalar: Unicode.Scalar) -> Bool { scalar == "'" || scalar == "’" }

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

/// Words that stand in every question and tell no page from another.
enum StopWords {
  static let english: Set<String> = Set(
    """
    a about after again all also am an and any are as at be because been before being but by can could d did do does \
    doing don down during each few for from further had has have having he her here hers herself him himself his how i \
    if in into is it its itself just ll me more most my myself no nor not now of off on once only or other our ours \
    ourselves out over own re s same she should so some such t tell than that the their theirs them themselves then \
    there these they this those through to too under until up us ve very was we were what when where which while who \
    whom whose why will with would you your yours yourself yourselves
    """.split { $0 == " " || $0 == "\n" }.map(String.init))
}
