// Which entries of lore are called by what is spoken of.

/// Collects the entries that are called. Each is called once, so entries that call each other come to an end.
struct LoreCalling {
  private let macros: CardMacros
  /// Whether the reader is far enough for it.
  private let isKnown: (LoreEntry) throws -> Bool
  private var scan = LoreScan()
  private(set) var called: [LoreEntry] = []
  /// Looked at and not called yet: what is spoken of later may call them.
  private var waiting: [LoreEntry] = []
  private var seen: Set<Int> = []
  /// How many of those called were spoken of.
  private var spokenCount = 0

  init(macros: CardMacros, isKnown: @escaping (LoreEntry) throws -> Bool) {
    self.macros = macros
    self.isKnown = isKnown
  }

  /// Adds a text in which keys count; its new words, lower-case.
  mutating func speak(_ text: String) -> [String] { scan.add(text) }

  /// Adds the contents of the entries that were called since the last time; their new words.
  mutating func speakOfLore() -> [String] {
    defer { spokenCount = called.count }
    var words: [String] = []
    for entry in called[spokenCount...] { words += scan.add(entry.told(macros) ?? "") }
    return words
  }

  /// Looks at entries, and again at those that were not called before.
  mutating func add(_ entries: [LoreEntry], isCalled: Bool) throws {
    for entry in entries where seen.insert(entry.place).inserted {
      if try isKnown(entry) { waiting.append(entry) }
    }
    var rest: [LoreEntry] = []
    for entry in waiting {
      if isCalled || entry.isCalled(by: scan, macros) { called.append(entry) } else { rest.append(entry) }
    }
    waiting = rest
  }
}
