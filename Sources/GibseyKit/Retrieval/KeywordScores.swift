// BM25 over what the full-text index counted, behind the gate.
internal import Glibc

/// How often each term stands in each page that has one of them.
public struct TermCounts: Sendable {
  /// Terms of the query, as the index has them.
  public var terms: Int
  /// Ascending.
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

  /// How rare each term is, by term: ln(1 + (N - n + ½) / (n + ½)) of N pages, n of which have it. Never below 0.
  public var rarity: [Double] {
    pagesWith.map { log(1 + (Double(pages - $0) + 0.5) / (Double($0) + 0.5)) }
  }

  /// How many pages have each term, by term.
  public var pagesWith: [Int] {
    var pagesWith = [Int](repeating: 0, count: terms)
    for index in rows.indices {
      for term in 0..<terms where counts[index * terms + term] > 0 { pagesWith[term] += 1 }
    }
    return pagesWith
  }

  /// Where a row is among those counted; nil for one that has no term.
  func place(ofRow row: Int) -> Int? {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle] < row { low = middle + 1 } else { high = middle }
    }
    return low < rows.count && rows[low] == row ? low : nil
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
        Self.saturation * (1 - Self.lengthShare + Self.lengthShare * Double(places.wordCount(row)) / average)
      var score = 0.0
      for term in 0..<counts.terms {
        let count = Double(counts.counts[index * counts.terms + term])
        if count > 0 { score += weights[term] * count * (Self.saturation + 1) / (count + norm) }
      }
      scores.append((row, score))
    }
  }
}
