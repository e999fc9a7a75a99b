// Measures a search on questions whose answers are known.

/// Gathers what became of cases, and makes their means.
public struct Evaluating {
  /// Ranks looked at.
  static let depth = 10

  private struct Outcome {
    let kind: String?
    /// The ranks, from 1, at which right pages stood among ten.
    let ranks: [Int]
    /// How many right pages there are.
    let answers: Int
    let isInContext: Bool
    let milliseconds: Double
  }

  private let building: ContextBuilding
  private let now: () -> Double
  private var outcomes: [Outcome] = []
  private var spoilers = 0
  /// Whether any of the questions had a vector.
  private var hasVectors = false

  /// - Parameter now: seconds of a clock that never goes back.
  public init(_ building: ContextBuilding, now: @escaping () -> Double) {
    self.building = building
    self.now = now
  }

  /// Searches for one case and builds its prompt.
  /// - Throws: what `ContextBuilding.prompt(for:)` throws.
  public mutating func add(_ item: EvaluationCase) throws {
    let request = ChatRequest(
      prompt: item.prompt, characterID: item.characterID, currentPageID: item.page, vector: item.vector)
    let start = now()
    let hits = try building.hits(for: request, limit: Self.depth)
    let milliseconds = (now() - start) * 1000
    let prompt = try building.prompt(for: request)
    hasVectors = try hasVectors || building.usesVector(for: request)
    let right = Set(item.pageIDs.map(\.spelling))
    if let reader = try building.readersPlace(of: request) {
      spoilers += hits.count { $0.pageIndex > reader }
      spoilers += try prompt.pages.count { try building.place(ofPage: $0.id) > reader }
    }
    outcomes.append(
      Outcome(
        kind: item.kind,
        ranks: hits.indices.filter { right.contains(hits[$0].id.spelling) }.map { $0 + 1 },
        answers: right.count, isInContext: prompt.pages.contains { right.contains($0.id.spelling) },
        milliseconds: milliseconds))
  }

  /// The means of what was added. Where no question had a vector, words alone were measured, and that is what it says.
  public func evaluation(mode: Searching.Mode, embedder: String?) -> Evaluation {
    let kinds = Set(outcomes.compactMap(\.kind?.spelling)).sorted().map { kind in
      (name: kind.text, figures: Self.figures(outcomes.filter { $0.kind?.spelling == kind }))
    }
    let times = outcomes.map(\.milliseconds).sorted()
    let wentByWords = !outcomes.isEmpty && !hasVectors
    return Evaluation(
      mode: (wentByWords ? .keywords : mode).rawValue, embedder: wentByWords ? nil : embedder,
      all: Self.figures(outcomes), spoilers: spoilers,
      millisecondsP50: Self.percentile(times, 0.5), millisecondsP95: Self.percentile(times, 0.95), kinds: kinds)
  }

  private static func figures(_ outcomes: [Outcome]) -> EvaluationFigures {
    var figures = EvaluationFigures()
    figures.cases = outcomes.count
    guard !outcomes.isEmpty else { return figures }
    let count = Double(outcomes.count)
    func mean(_ value: (Outcome) -> Double) -> Double {
      (outcomes.reduce(0) { $0 + value($1) } / count * 10_000).rounded() / 10_000
    }
    func hit(_ rank: Int) -> Double { mean { $0.ranks.contains { $0 <= rank } ? 1 : 0 } }
    figures.hitAt1 = hit(1)
    figures.hitAt5 = hit(5)
    figures.hitAt10 = hit(10)
    figures.meanReciprocalRank = mean { $0.ranks.first.map { 1 / Double($0) } ?? 0 }
    figures.discountedGain = mean { outcome in
      let gain = outcome.ranks.reduce(0) { $0 + DiscountedGain.worth(rank: $1) }
      return gain / (1...min(outcome.answers, depth)).reduce(0) { $0 + DiscountedGain.worth(rank: $1) }
    }
    figures.inContext = mean { $0.isInContext ? 1 : 0 }
    return figures
  }

  /// The value below which a share of the sorted values lies.
  private static func percentile(_ sorted: [Double], _ share: Double) -> Double {
    guard !sorted.isEmpty else { return 0 }
    let place = min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.down)))
    return (sorted[place] * 1000).rounded() / 1000
  }
}
