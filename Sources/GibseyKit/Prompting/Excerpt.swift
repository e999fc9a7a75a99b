// The part of a page that answers best, when the page alone is too long for its share.

/// Cuts a page down to its best-matching paragraphs.
enum Excerpt {
  private static let gap = "[…]"

  /// As many whole paragraphs as fit, those with the most of the question's words first, in the order of the page, gaps
  /// marked; of a paragraph that alone is too long, sentences. Nil when nothing fits.
  static func text(of page: String, terms: [String], fits: (String) -> Bool) -> String? {
    let paragraphs = PageText.paragraphs(of: page)
    return pick(paragraphs, joint: "\n\n", terms: terms, fits: fits)
      ?? pick(
        bestFirst(paragraphs, terms).first.map { PageText.sentences(of: paragraphs[$0]) } ?? [],
        joint: " ", terms: terms, fits: fits)
  }

  private static func pick(
    _ parts: [Substring], joint: String, terms: [String], fits: (String) -> Bool
  ) -> String? {
    var chosen: Set<Int> = []
    var best: String?
    for index in bestFirst(parts, terms) {
      let trial = joined(parts, chosen.union([index]), joint)
      guard fits(trial) else { continue }
      chosen.insert(index)
      best = trial
    }
    return best
  }

  /// Places in the order of their worth; ties in the order of the page.
  private static func bestFirst(_ parts: [Substring], _ terms: [String]) -> [Int] {
    let worths = parts.map { part in
      let words = Set(KeywordQuery(question: String(part)).terms)
      return terms.count { words.contains($0) }
    }
    return parts.indices.sorted { worths[$0] != worths[$1] ? worths[$0] > worths[$1] : $0 < $1 }
  }

  private static func joined(_ parts: [Substring], _ chosen: Set<Int>, _ joint: String) -> String {
    var pieces: [String] = []
    var previous = -1
    for index in chosen.sorted() {
      if index != previous + 1 { pieces.append(gap) }
      pieces.append(String(parts[index]))
      previous = index
    }
    if previous != parts.count - 1 { pieces.append(gap) }
    return pieces.joined(separator: joint)
  }
}
