// How much of a question a page's words cover, when a word may be met by another that means nearly the same.
internal import Glibc

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
  private let vocabulary: Vocabulary
  private let asked: QuestionTerms
  /// vectors (terms, dims); of a term that has none, zeros. Empty where meaning has no say.
  private var vectors: [Float] = []
  private let isCounted: Bool
  /// rarity (terms,), where they are counted.
  private let rarity: [Double]
  /// By a word's number, its place in `nearness` + 1; 0 for a word that was not met yet.
  private var places: [Int32] = []
  /// nearness (words, terms) of the words met so far.
  private var nearness: [Float] = []
  /// Words of the page in hand that were not met before.
  private var fresh: [Int32] = []

  /// - Parameters:
  ///   - counts: of these terms, in this order.
  ///   - vocabulary: what numbers the pages' words, and knows what they mean.
  ///   - usesMeaning: whether a word may be met by another one.
  public init(terms: [String], counts: TermCounts, vocabulary: Vocabulary, usesMeaning: Bool = true) {
    self.terms = terms
    self.counts = counts
    self.vocabulary = vocabulary
    asked = QuestionTerms(terms)
    isCounted = counts.terms == terms.count
    rarity = isCounted ? counts.rarity : [Double](repeating: 1, count: terms.count)
    let total = Float(rarity.reduce(0, +))
    weights = rarity.map { total > 0 ? Float($0) / total : 0 }
    guard usesMeaning, let words = vocabulary.vectors else { return }
    let each = terms.map { words.vector(ofWord: $0) }
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

  /// The share of the question that a page of this text covers, from 0 to 1.
  public mutating func share(ofPage row: Int, text: String) -> Double {
    share(ofPage: row, words: vocabulary.numbers(of: text))
  }

  /// The share of the question that a page of these words covers, from 0 to 1.
  /// - Parameter words: numbers of the vocabulary, each once.
  mutating func share(ofPage row: Int, words: [Int32]) -> Double {
    var met = met(inPage: row)
    guard !met.isEmpty else { return sum(met) }
    learn(words)
    nearness.withUnsafeBufferPointer { nearness in
      places.withUnsafeBufferPointer { places in
        met.withUnsafeMutableBufferPointer { met in
          for word in words {
            let start = (Int(places[Int(word)]) - 1) * met.count
            for term in met.indices { met[term] = max(met[term], nearness[start + term]) }
          }
        }
      }
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

  /// Appends the nearness of the words that are new to each term.
  private mutating func learn(_ words: [Int32]) {
    let most = Int(words.max() ?? -1)
    if most >= places.count {
      places.append(contentsOf: repeatElement(0, count: max(most + 1, vocabulary.count) - places.count))
    }
    let known = Int32(nearness.count / terms.count)
    fresh.removeAll(keepingCapacity: true)
    for word in words where places[Int(word)] == 0 {
      fresh.append(word)
      places[Int(word)] = known + Int32(fresh.count)
    }
    guard !fresh.isEmpty else { return }
    nearness += vocabulary.cosines(of: fresh, with: vectors, count: terms.count)
    for (number, term) in vocabulary.find(asked, among: fresh) where Int(number) < places.count {
      let place = places[Int(number)]
      if place > known { nearness[(Int(place) - 1) * terms.count + term] = 1 }
    }
  }
}
