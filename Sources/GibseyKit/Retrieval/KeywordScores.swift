// BM25 over what the full-text index counted, behind the gate.
internal import Glibc

/// How often each term stands in each page that has one of them.
public struct TermCounts: Sendable {
  /// Terms of the query, as the index has them.
  public var terms: Int
  public var rows: [Int]
  /// counts (rows, terms), 255 at most.
  public var counts: [UInt8]
  /// close (rows,): bit t is set where term t stands within eight words of term t + 1, in either order.
  public var close: [UInt64] = []
  /// Pages in the index, and words in all of them.
  public var pages: Int
  public var words: Int

  public init(terms: Int = 0, rows: [Int] = [], counts: [UInt8] = [], pages: Int = 0, words: Int = 0) {
    self.terms = terms
    self.rows = rows
    self.counts = counts
    self.pages = pages
    self.words = words
  }

  /// The same for some of the rows, under other numbers: nothing of the others is felt in what is made of it.
  /// - Parameters:
  ///   - pages: how many there are of those that are kept, with a term or without, and `words` in all of them.
  ///   - number: a row's new number, nil for one that is not kept; larger for a larger one.
  func keeping(pages: Int, words: Int, _ number: (Int) -> Int?) -> TermCounts {
    var kept = TermCounts(terms: terms, pages: pages, words: words)
    for (index, row) in rows.enumerated() {
      guard let row = number(row) else { continue }
      kept.rows.append(row)
      kept.counts += counts[index * terms..<(index + 1) * terms]
      if index < close.count { kept.close.append(close[index]) }
    }
    return kept
  }

  /// How rare each term is, by term: ln(1 + (N - n + ½) / (n + ½)) of N pages, n of which have it. Never below 0.
  public var rarity: [Double] {
    var pagesWith = [Int](repeating: 0, count: terms)
    for index in rows.indices {
      for term in 0..<terms where counts[index * terms + term] > 0 { pagesWith[term] += 1 }
    }
    return pagesWith.map { log(1 + (Double(pages - $0) + 0.5) / (Double($0) + 0.5)) }
  }
}

/// The pages that have some of a question's words, with their scores.
public struct KeywordScores: Sendable {
  /// Saturation of a word that repeats, and how much a page's length counts (Robertson and Zaragoza, 2009).
  static let saturation = 1.2
  static let lengthShare = 0.75

  public private(set) var scores: [(row: Int, score: Double)] = []

  /// Scores the pages that the gate lets through. How rare a word is counts over the whole book.
  public init(_ counts: TermCounts, places: PlaceTable, gate: Int?) {
    guard counts.terms > 0, counts.pages > 0 else { return }
    let weights = counts.rarity
    let average = max(1, Double(counts.words) / Double(counts.pages))
    scores.reserveCapacity(counts.rows.count)
    for (index, row) in counts.rows.enumerated() where places.isOpen(row, gate: gate) {
      let norm =
        Self.saturation * (1 - Self.lengthShare + Self.lengthShare * Double(places.words[row]) / average)
      var score = 0.0
      for term in 0..<counts.terms {
        let count = Double(counts.counts[index * counts.terms + term])
        if count > 0 { score += weights[term] * count * (Self.saturation + 1) / (count + norm) }
      }
      scores.append((row, score))
    }
  }
}
