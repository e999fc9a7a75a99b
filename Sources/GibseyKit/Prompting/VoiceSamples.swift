// Which passages of a character's own pages sound most like all of them: docs/design/0013-order-of-a-prompt.md.

/// A short passage of a page that its character tells.
public struct VoiceSample: Sendable, Equatable {
  public let pageID: String
  public let text: String
  /// How it stands in a prompt.
  let told: String
  /// Of that, as `TokenEstimate` counts: alone, and behind a line feed.
  let tokens: Int
  let pieces: Int

  init(pageID: String, text: String) {
    self.pageID = pageID
    self.text = text
    told = SampleBlock.passage(text)
    tokens = TokenEstimate.tokens(of: told)
    pieces = TokenEstimate.pieces(of: "\n" + told) - TokenEstimate.pieces(of: "\n")
  }
}

/// Chooses passages by how near their rates are to the rates of all the pages given: of the commonest words, of marks and of
/// paragraphs. The commonest words of any text say how somebody speaks and not of what, so no list of a language is needed.
enum VoiceSamples {
  /// So many of the first own pages are looked at, as many as the reader knows: a choice that changes three times while a
  /// section is read, and not with each of its pages, leaves the prompt's beginning in a provider's cache.
  static let poolSizes = [3, 6, 12, 24]
  /// Nothing of a page beyond these is looked at.
  static let pageLimitCharacters = 8192
  /// Words whose rates are compared.
  private static let wordLimit = 60

  /// The pages that are looked at, of those that are known.
  static func pool<Page>(_ pages: [Page]) -> ArraySlice<Page> {
    pages.prefix(poolSizes.last { $0 <= pages.count } ?? pages.count)
  }

  /// The nearest passages, nearest first, one of a page at most; ties in the order of the pages.
  static func best(of pages: [(id: String, text: String)], limit: Int) -> [VoiceSample] {
    var features = VoiceFeatures()
    let readings = pages.map { page in
      var text = page.text
      return text.withUTF8 { (features.read($0), VoicePassages.ranges(of: $0)) }
    }
    let rates = VoiceRates(readings.map(\.0), features: features, wordLimit: wordLimit)
    var nearest: [(distance: Double, page: Int, range: Range<Int>)] = []
    for (page, (tokens, ranges)) in readings.enumerated() {
      let distances = ranges.map { (distance: rates.distance(of: tokens, in: $0), page: page, range: $0) }
      if let best = distances.min(by: { $0.distance < $1.distance }) { nearest.append(best) }
    }
    nearest.sort { $0.distance != $1.distance ? $0.distance < $1.distance : $0.page < $1.page }
    return nearest.prefix(limit).map { item in
      let text = pages[item.page].text.utf8.dropFirst(item.range.lowerBound).prefix(item.range.count)
      return VoiceSample(pageID: pages[item.page].id, text: String(Substring(text)))
    }
  }
}

/// The rates of a text: how often each feature comes for each word.
private struct VoiceRates {
  /// The place of a feature among those that are compared; -1 for a word that is not.
  private let places: [Int32]
  /// roots (features,): the square roots of the rates.
  private let roots: [Double]

  init(_ readings: [[VoiceFeatures.Token]], features: VoiceFeatures, wordLimit: Int) {
    var counts = [Int](repeating: 0, count: features.count)
    for token in readings.joined() { counts[Int(token.feature)] += 1 }
    let words = max(1, features.wordCount)
    let common = counts.indices.filter { !features.isMark($0) }.largest(wordLimit, by: { Double(counts[$0]) })
    var places = [Int32](repeating: -1, count: features.count)
    var roots: [Double] = []
    for feature in counts.indices.filter({ features.isMark($0) }) + common {
      places[feature] = Int32(roots.count)
      roots.append((Double(counts[feature]) / Double(words)).squareRoot())
    }
    self.places = places
    self.roots = roots
  }

  /// The squared Hellinger distance of a passage's rates, twice; infinite for one without a word.
  func distance(of tokens: [VoiceFeatures.Token], in range: Range<Int>) -> Double {
    var counts = [Int](repeating: 0, count: roots.count)
    var words = 0
    for token in tokens where range.contains(Int(token.offset)) {
      if token.isWord { words += 1 }
      let place = places[Int(token.feature)]
      if place >= 0 { counts[Int(place)] += 1 }
    }
    guard words > 0 else { return .infinity }
    return zip(roots, counts).reduce(0) { sum, pair in
      let difference = (Double(pair.1) / Double(words)).squareRoot() - pair.0
      return sum + difference * difference
    }
  }
}
