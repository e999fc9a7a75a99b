// The way from a turn back to the first of its branch.

/// What is found out of a branch on the way back through it, block by block. A session may have a hundred thousand turns: of each
/// four bytes are kept.
struct TurnWalk {
  /// By place in the session: 1 + the count of its words for a turn of the branch that may be told, 0 for any other.
  private(set) var told: [UInt32]
  /// How many may be told, and the words of all of them.
  private(set) var count = 0
  private(set) var words = 0
  /// The place of the newest turn that the gate lets through, with something to tell or not.
  private(set) var lastOpen: Int?
  /// The place of the turn that comes next on the way; -1 at the end.
  private var next: Int
  private let gate: Int?

  /// - Parameter tip: the place at which the branch ends.
  init(tip: Int, gate: Int?) {
    told = [UInt32](repeating: 0, count: tip + 1)
    next = tip
    self.gate = gate
  }

  var hasEnded: Bool { next < 0 }

  /// Goes through a block as far as the branch has turns in it; false when the block cannot be one.
  /// - Parameter firstPlace: the place of the block's first turn.
  mutating func through(_ facts: TurnFacts, firstPlace: Int) -> Bool {
    while next >= firstPlace {
      let slot = next - firstPlace
      guard slot < facts.count else { return false }
      if facts.isOpen(slot, gate: gate) {
        if lastOpen == nil { lastOpen = next }
        if facts.isTelling(slot) {
          let own = min(facts.words(of: slot), .max - 1)
          told[next] = own + 1
          count += 1
          words += Int(own)
        }
      }
      // A turn follows an older one: so walking back ends, whatever the file says.
      let parent = facts.parent(of: slot)
      guard parent < next else { return false }
      next = parent
    }
    return true
  }
}
