// The vectors that look nearest to a query by their signs, gathered block by block.

/// Gathers the vectors whose codes score highest. What ties with the last of them is kept too, so that the order in which
/// pages came does not decide.
public struct NearestCodes {
  /// A vector that may be near.
  public struct Entry: Sendable, Equatable {
    private let page: UInt32
    private let vector: UInt32
    let score: Int32

    fileprivate init(page: UInt32, vector: UInt32, score: Int32) {
      (self.page, self.vector, self.score) = (page, vector, score)
    }

    public var pageRow: Int { Int(page) }
    public var vectorRow: Int { Int(vector) }
  }

  private let query: CodedQuery
  private let limit: Int
  private let allUpTo: Int
  /// Vectors that were looked at.
  private var seen = 0
  /// Whether there were so many that only those are kept that look near.
  public var isSelecting: Bool { seen > allUpTo }
  private let gate: Int?
  private var kept: [Entry] = []
  /// Entries below this are out.
  private var bar = Int32.min

  /// - Parameters:
  ///   - limit: how many vectors are wanted; nil is all of them.
  ///   - allUpTo: so many vectors are all wanted: comparing them in full costs little.
  ///   - gate: the last page_index that may be seen; nil for all.
  public init(query: [Float], limit: Int?, allUpTo: Int = 0, gate: Int?) {
    self.query = CodedQuery(query)
    self.limit = limit ?? .max
    self.allUpTo = allUpTo
    self.gate = gate
    // All are kept at first, until there are too many.
    if limit != nil { kept.reserveCapacity(allUpTo + allUpTo / 4) }
  }

  /// Looks through a block; what the gate closes off is not scored.
  public mutating func add(_ block: CodeBlock, firstRow: Int, places: PlaceTable) {
    seen += block.count
    let scores = block.scores(query)
    for entry in 0..<block.count where scores[entry] >= bar {
      let row = firstRow + block.slot(entry)
      guard places.isOpen(row, gate: gate) else { continue }
      kept.append(Entry(page: UInt32(clamping: row), vector: UInt32(clamping: block.row(entry)), score: scores[entry]))
    }
    if isSelecting, kept.count / 4 > limit { prune() }
  }

  /// The nearest, in the order of their pages.
  public mutating func finish() -> [Entry] {
    prune()
    return kept
  }

  private mutating func prune() {
    guard isSelecting, kept.count > limit else { return }
    bar = max(bar, Self.score(of: kept, place: limit - 1))
    kept.removeAll { $0.score < bar }
  }

  /// The score at a place of the descending order.
  static func score(of entries: [Entry], place: Int) -> Int32 {
    var scores = entries.map(\.score)
    return scores.select(place: place)
  }
}
