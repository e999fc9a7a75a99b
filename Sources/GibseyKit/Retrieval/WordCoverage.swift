// How much of a question a page's words cover, when a word may be met by another that means nearly the same.

/// What a word means by itself, as a vector.
public protocol WordVectors: Sendable {
  /// The word's vector, of unit length; nil for a word that has none. The word is lower-case.
  func vector(ofWord word: String) -> [Float]?
}

/// Compares pages with a question word by word. A term of the question counts in full where the page has it, for
/// `stemShare` where the page has another form of it, and else for as much as its nearest word there is near to it; each
/// counts by how rare it is in the book. Owns what it has learned of words, for one question.
public struct WordCoverage {
  /// What another form of a word counts, as *walked* for *walks*.
  static let stemShare: Float = 0.8

  private let terms: [String]
  /// (terms,), adding up to 1.
  private let weights: [Float]
  private let counts: TermCounts
  private let words: (any WordVectors)?
  private let vectors: [[Float]?]
  /// Where a page is among the counted.
  private var placeOfRow: [Int: Int] = [:]
  /// nearness (terms,) of each word met so far.
  private var known: [String: [Float]] = [:]

  /// - Parameter counts: of these terms, in this order.
  public init(terms: [String], counts: TermCounts, words: (any WordVectors)?) {
    self.terms = terms
    self.counts = counts
    self.words = words
    let isCounted = counts.terms == terms.count
    let rarity = isCounted ? counts.rarity.map(Float.init) : [Float](repeating: 1, count: terms.count)
    let total = rarity.reduce(0, +)
    weights = rarity.map { total > 0 ? $0 / total : 0 }
    vectors = terms.map { words?.vector(ofWord: $0) }
    if isCounted { for (place, row) in counts.rows.enumerated() { placeOfRow[row] = place } }
  }

  /// The share of the question that the page covers, from 0 to 1.
  public mutating func share(ofPage row: Int, text: String) -> Double {
    var met = [Float](repeating: 0, count: terms.count)
    if let place = placeOfRow[row] {
      for term in terms.indices where counts.counts[place * terms.count + term] > 0 { met[term] = Self.stemShare }
    }
    for word in WordScanner.distinctWords(of: text) {
      let near = nearness(of: word)
      for term in terms.indices where near[term] > met[term] { met[term] = near[term] }
    }
    return sum(met)
  }

  /// The share of the question's pairs of neighbouring words that stand close together in the page, each by the commoner of
  /// its two words (the sequential dependence of Metzler and Croft, 2005).
  public func closeness(ofPage row: Int) -> Double {
    guard terms.count > 1, let place = placeOfRow[row] else { return 0 }
    var (close, all): (Float, Float) = (0, 0)
    for pair in 0..<terms.count - 1 {
      let weight = min(weights[pair], weights[pair + 1])
      all += weight
      if counts.close[place] >> UInt64(pair) & 1 == 1 { close += weight }
    }
    return all > 0 ? Double(close / all) : 0
  }

  private func sum(_ met: [Float]) -> Double {
    var share: Float = 0
    for term in terms.indices { share += weights[term] * met[term] }
    return Double(min(1, share))
  }

  private mutating func nearness(of word: String) -> [Float] {
    if let near = known[word] { return near }
    let isTelling = !StopWords.english.contains(word)
    let vector = isTelling ? words?.vector(ofWord: word) : nil
    let near = terms.indices.map { term -> Float in
      if terms[term] == word { return 1 }
      guard let vector, let other = vectors[term] else { return 0 }
      return max(0, VectorMath.dot(vector, other))
    }
    known[word] = near
    return near
  }
}

enum VectorMath {
  /// a (n,) · b (n,), eight sums side by side.
  static func dot(_ a: [Float], _ b: [Float]) -> Float {
    let count = min(a.count, b.count)
    return a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var sums = SIMD8<Float>.zero
        var place = 0
        while place + 8 <= count {
          let left = UnsafeRawPointer(a.baseAddress! + place).loadUnaligned(as: SIMD8<Float>.self)
          sums += left * UnsafeRawPointer(b.baseAddress! + place).loadUnaligned(as: SIMD8<Float>.self)
          place += 8
        }
        var sum = sums.sum()
        while place < count {
          sum += a[place] * b[place]
          place += 1
        }
        return sum
      }
    }
  }
}
