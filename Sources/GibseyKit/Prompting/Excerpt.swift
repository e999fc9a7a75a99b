// The part of a page that answers best, when the page alone is too long for its share.

/// Cuts a page down to its best-matching paragraphs; of a paragraph that alone is too long, to its sentences.
enum Excerpt {
  private static let gap = "[…]"
  /// Only that many parts of a page are tried, the best ones: a page of a megabyte has ten thousands.
  private static let trialLimit = 512

  /// A paragraph, or a sentence of one.
  private struct Part {
    let text: Substring
    let paragraph: Int
  }

  /// As many whole parts as fit, those with the most of the question's words first, in the order of the page, gaps marked.
  /// Nil when nothing fits.
  static func text(of page: String, terms: [String], fits: (String) -> Bool) -> String? {
    let parts = parts(of: page, fits: fits)
    var chosen: Set<Int> = []
    var best: String?
    for index in bestFirst(parts, terms).prefix(trialLimit) {
      let trial = joined(parts, chosen.union([index]))
      guard fits(trial) else { continue }
      chosen.insert(index)
      best = trial
    }
    return best
  }

  private static func parts(of page: String, fits: (String) -> Bool) -> [Part] {
    PageText.paragraphs(of: page).enumerated().flatMap { number, paragraph in
      (fits(String(paragraph)) ? [paragraph] : PageText.sentences(of: paragraph)).map {
        Part(text: $0, paragraph: number)
      }
    }
  }

  /// Places in the order of their worth; ties in the order of the page.
  private static func bestFirst(_ parts: [Part], _ terms: [String]) -> [Int] {
    let roots = terms.map { KeywordQuery.root(of: $0) }
    let worths = parts.map { part in
      let words = Set(KeywordQuery.words(of: part.text).map { KeywordQuery.root(of: $0) })
      return roots.count { words.contains($0) }
    }
    return parts.indices.sorted { worths[$0] != worths[$1] ? worths[$0] > worths[$1] : $0 < $1 }
  }

  private static func joined(_ parts: [Part], _ chosen: Set<Int>) -> String {
    var text = ""
    var previous = -1
    for index in chosen.sorted() {
      let isSameParagraph = previous >= 0 && parts[previous].paragraph == parts[index].paragraph
      let joint = isSameParagraph ? " " : "\n\n"
      if index != previous + 1 { text += (text.isEmpty ? "" : joint) + gap }
      text += (text.isEmpty ? "" : joint) + parts[index].text
      previous = index
    }
    guard previous < parts.count - 1 else { return text }
    return text + (parts[previous].paragraph == parts[previous + 1].paragraph ? " " : "\n\n") + gap
  }
}
