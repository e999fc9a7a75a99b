// What was spoken of, as words in which the keys of lore are looked for.

/// The words of the last messages. Keys are found as whole words in a row: *fox* is not in *foxglove*.
struct LoreScan: Sendable {
  /// More text than this is not looked through.
  static let limitBytes = 32 << 10
  /// Nothing is equal to it: no key goes from one text into the next.
  private static let border = ""

  private var lower: [String] = []
  private var exact: [String] = []
  private var places: [String: [Int]] = [:]
  private var roomBytes = Self.limitBytes

  /// Adds a text, as much as there is room for; the words that were not there before.
  mutating func add(_ text: String) -> [String] {
    let text = text.utf8.count <= roomBytes ? text : String(decoding: text.utf8.prefix(roomBytes), as: UTF8.self)
    roomBytes -= text.utf8.count
    var fresh: [String] = []
    for word in PlainWords.words(of: text, keepsCase: true) {
      let folded = word.lowercased()
      if places[folded] == nil { fresh.append(folded) }
      places[folded, default: []].append(lower.count)
      lower.append(folded)
      exact.append(word)
    }
    lower.append(Self.border)
    exact.append(Self.border)
    return fresh
  }

  /// Whether the words of a key are there, in a row.
  func contains(_ key: String, isCaseSensitive: Bool) -> Bool {
    let words = PlainWords.words(of: key, keepsCase: isCaseSensitive)
    guard let first = words.first, let starts = places[first.lowercased()] else { return false }
    let text = isCaseSensitive ? exact : lower
    return starts.contains { text[$0...].starts(with: words) }
  }
}
