// How much of a question a page's words cover, when a word may be met by another that means nearly the same.
internal import Glibc

/// What words mean by themselves.
public protocol WordVectors: Sendable {
  /// The word's vector, of unit length; nil for a word that has none. The word is lower-case.
  func vector(ofWord word: String) -> [Float]?
  /// The cosines of the word and each of the vectors, which stand one after the other; all 0 for a word that has none.
  func cosines(ofWord word: String, with vectors: [Float], count: Int) -> [Float]
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
  /// vectors (terms, dims); of a term that has none, zeros.
  private var vectors: [Float] = []
  private let isCounted: Bool
  /// rarity (terms,), where they are counted.
  private let rarity: [Double]
  private var known = WordTable()
  /// nearness (words, terms) of the words met so far.
  private var nearness: [Float] = []

  /// - Parameter counts: of these terms, in this order.
  public init(terms: [String], counts: TermCounts, words: (any WordVectors)?) {
    self.terms = terms
    self.counts = counts
    self.words = words
    isCounted = counts.terms == terms.count
    rarity = isCounted ? counts.rarity : [Double](repeating: 1, count: terms.count)
    let total = Float(rarity.reduce(0, +))
    weights = rarity.map { total > 0 ? Float($0) / total : 0 }
    let each = terms.map { words?.vector(ofWord: $0) }
    if let dimensions = each.compactMap(\.self).first?.count {
      for vector in each { vectors += vector ?? [Float](repeating: 0, count: dimensions) }
    }
  }

  /// The share that the page covers as far as the full-text index knows, which sees all forms of a word as one.
  public func share(ofPage row: Int) -> Double { sum(met(inPage: row)) }

  /// How rare it is that a page shares the words with the question that this one shares, in any form: the logarithm of one in
  /// how many pages would by chance, as far as words come independently; nil where one of all the pages may well have come by it.
  public func rarity(ofPage row: Int) -> Double? {
    guard isCounted, let place = counts.place(ofRow: row) else { return nil }
    var shared = 0.0
    for term in terms.indices where counts.counts[place * terms.count + term] > 0 { shared += rarity[term] }
    return shared >= log(1 + 2 * Double(counts.pages)) ? shared : nil
  }

  private func met(inPage row: Int) -> [Float] {
    var met = [Float](repeating: 0, count: terms.count)
    guard isCounted, let place = counts.place(ofRow: row) else { return met }
    for term in terms.indices where counts.counts[place * terms.count + term] > 0 { met[term] = Self.stemShare }
    return met
  }

  private func sum(_ met: [Float]) -> Double {
    var share: Float = 0
    for term in met.indices { share += weights[term] * met[term] }
    return Double(min(1, share))
  }

  /// The share of the question that the page covers, from 0 to 1.
  public mutating func share(ofPage row: Int, text: String) -> Double {
    var met = met(inPage: row)
    known.beginText()
    WordScanner.forEachWord(of: text) { hash, word in
      let place: Int
      switch known.place(of: hash) {
      case .seen: return
      case .known(let known): place = known
      case .new(let new):
        place = new
        learn(word())
      }
      let start = place * met.count
      for term in met.indices where nearness[start + term] > met[term] { met[term] = nearness[start + term] }
    }
    return sum(met)
  }

  /// The share of the question's pairs of neighbouring words that stand close together in the page, each by the commoner of
  /// its two words (the sequential dependence of Metzler and Croft, 2005).
  public func closeness(ofPage row: Int) -> Double {
    guard terms.count > 1, isCounted, let place = counts.place(ofRow: row) else { return 0 }
    var (close, all): (Float, Float) = (0, 0)
    for pair in 0..<terms.count - 1 {
      let weight = min(weights[pair], weights[pair + 1])
      all += weight
      if counts.close[place] >> UInt64(pair) & 1 == 1 { close += weight }
    }
    return all > 0 ? Double(close / all) : 0
  }

  /// Appends the nearness of a new word to each term.
  private mutating func learn(_ word: String) {
    if let words, !vectors.isEmpty, !StopWords.english.contains(word) {
      nearness += words.cosines(ofWord: word, with: vectors, count: terms.count)
    } else {
      nearness.append(contentsOf: repeatElement(0, count: terms.count))
    }
    if let term = terms.firstIndex(of: word) { nearness[nearness.count - terms.count + term] = 1 }
  }
}

/// The words met so far, by 64-bit hashes: an open table, looked up once for each word of each page.
private struct WordTable {
  enum Place {
    /// Met in this text before.
    case seen
    case known(Int)
    case new(Int)
  }

  private var hashes: [UInt64]
  /// Place of the word + 1; 0 for a free slot.
  private var places: [Int32]
  /// The text in which a word was met last.
  private var texts: [Int32]
  private var count = 0
  private var text: Int32 = 0

  init() {
    hashes = [UInt64](repeating: 0, count: 8192)
    places = [Int32](repeating: 0, count: 8192)
    texts = [Int32](repeating: 0, count: 8192)
  }

  mutating func beginText() { text += 1 }

  mutating func place(of hash: UInt64) -> Place {
    var slot = Int(truncatingIfNeeded: hash) & (hashes.count - 1)
    while places[slot] != 0 {
      if hashes[slot] == hash {
        if texts[slot] == text { return .seen }
        texts[slot] = text
        return .known(Int(places[slot]) - 1)
      }
      slot = (slot + 1) & (hashes.count - 1)
    }
    count += 1
    (hashes[slot], places[slot], texts[slot]) = (hash, Int32(count), text)
    if count * 2 > hashes.count { grow() }
    return .new(count - 1)
  }

  private mutating func grow() {
    let (oldHashes, oldPlaces, oldTexts) = (hashes, places, texts)
    hashes = [UInt64](repeating: 0, count: oldHashes.count * 2)
    places = [Int32](repeating: 0, count: oldHashes.count * 2)
    texts = [Int32](repeating: 0, count: oldHashes.count * 2)
    for old in oldHashes.indices where oldPlaces[old] != 0 {
      var slot = Int(truncatingIfNeeded: oldHashes[old]) & (hashes.count - 1)
      while places[slot] != 0 { slot = (slot + 1) & (hashes.count - 1) }
      (hashes[slot], places[slot], texts[slot]) = (oldHashes[old], oldPlaces[old], oldTexts[old])
    }
  }
}
