// The lore that may go into a prompt.

/// Entries of lore, best first, and what they may take.
public struct PromptLore: Sendable, Equatable {
  /// An entry that was called.
  struct Entry: Sendable, Equatable {
    /// Its place in the book, from 0.
    let id: String
    /// Nil when it is too long for any room in the budget.
    let text: String?
    /// The page from which on it is known.
    let knownFrom: String?
    let isBeforeCharacter: Bool
    let insertionOrder: Double
    let place: Int

    init(_ entry: LoreEntry, _ macros: CardMacros) {
      id = String(entry.place)
      text = entry.told(macros).map { LoreBlock.entry($0) }
      knownFrom = entry.knownFrom
      isBeforeCharacter = entry.position == .beforeCharacter
      insertionOrder = entry.insertionOrder
      place = entry.place
    }

    /// In the order in which they are told.
    static func stands(_ one: Entry, before other: Entry) -> Bool {
      if one.isBeforeCharacter != other.isBeforeCharacter { return one.isBeforeCharacter }
      if one.insertionOrder != other.insertionOrder { return one.insertionOrder < other.insertionOrder }
      return one.place < other.place
    }
  }

  var entries: [Entry]
  /// The book's own limit.
  var budgetTokens: Int?

  /// The entries that fit whole into the room, in the order in which they are told; and those that do not.
  ///
  /// Tokens of joined texts are at most the sum of theirs, so the sum is what is counted.
  func fitting(_ roomTokens: Int) -> (told: [(entry: Entry, tokens: Int)], leftOut: [LeftOut]) {
    let fence = TokenEstimate.tokens(of: LoreBlock.block([])) + TokenEstimate.messageOverhead
    let joint = TokenEstimate.tokens(of: LoreBlock.joint)
    var told: [(entry: Entry, tokens: Int)] = []
    var leftOut: [LeftOut] = []
    var room = roomTokens - fence
    var bookRoom = budgetTokens ?? Int.max
    for entry in entries where entry.text != "" {
      let tokens = entry.text.map { TokenEstimate.tokens(of: $0) }
      if let tokens, tokens + joint <= room, tokens <= bookRoom {
        room -= tokens + joint
        bookRoom -= tokens
        told.append((entry, tokens))
      } else {
        leftOut.append(LeftOut(kind: "lore", id: entry.id, reason: "budget", tokens: tokens))
      }
    }
    return (told.sorted { Entry.stands($0.entry, before: $1.entry) }, leftOut)
  }
}
