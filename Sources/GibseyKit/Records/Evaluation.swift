// What a search was worth: a case goes in, an evaluation comes out.

/// A question with the pages that answer it: a line that `gibsey-context --evaluate` reads.
public struct EvaluationCase: RecordData {
  public var prompt: String
  /// Any of them is a right answer.
  public var pageIDs: [String]
  /// The page that the reader is on; nil for the whole book.
  public var page: String?
  public var characterID: String?
  /// A group of cases that is measured by itself too.
  public var kind: String?
  public var vector: [Float]?

  public init(_ fields: RecordFields) throws {
    prompt = try fields.string("prompt")
    pageIDs = try fields.strings("page_ids")
    page = try fields.optionalString("page")
    characterID = try fields.optionalString("character_id")
    kind = try fields.optionalString("kind")
    vector = try fields.optionalVector("vector")
    if pageIDs.isEmpty { throw RecordProblem("page_ids: wanted one at least") }
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("prompt", prompt)
    writer.member("page_ids", pageIDs)
    writer.member("page", page)
    writer.member("character_id", characterID)
    writer.member("kind", kind)
    writer.member("vector", vector: vector)
  }
}

/// Means over cases; each is from 0 to 1.
public struct EvaluationFigures: Sendable, Equatable {
  public var cases = 0
  /// How often a right page was the first, among the first five, among the first ten.
  public var hitAt1 = 0.0
  public var hitAt5 = 0.0
  public var hitAt10 = 0.0
  /// The mean of 1/rank of the first right page among ten.
  public var meanReciprocalRank = 0.0
  /// The normalized discounted cumulative gain of ten, every right page being worth 1.
  public var discountedGain = 0.0
  /// How often a right page made it into the prompt.
  public var inContext = 0.0

  public init() {}

  public static let names = ["hit@1", "hit@5", "hit@10", "mrr@10", "ndcg@10", "in_context"]

  /// A figure by its name.
  public subscript(name: String) -> Double? {
    switch name {
    case "hit@1": hitAt1
    case "hit@5": hitAt5
    case "hit@10": hitAt10
    case "mrr@10": meanReciprocalRank
    case "ndcg@10": discountedGain
    case "in_context": inContext
    default: nil
    }
  }

  init(_ fields: RecordFields) throws {
    cases = try fields.integer("cases")
    hitAt1 = try fields.double("hit@1")
    hitAt5 = try fields.double("hit@5")
    hitAt10 = try fields.double("hit@10")
    meanReciprocalRank = try fields.double("mrr@10")
    discountedGain = try fields.double("ndcg@10")
    inContext = try fields.double("in_context")
  }

  func write(to writer: inout JSONWriter) {
    writer.member("cases", cases)
    writer.member("hit@1", hitAt1)
    writer.member("hit@5", hitAt5)
    writer.member("hit@10", hitAt10)
    writer.member("mrr@10", meanReciprocalRank)
    writer.member("ndcg@10", discountedGain)
    writer.member("in_context", inContext)
  }
}

/// A record of type `evaluation`.
public struct Evaluation: RecordData {
  public var mode: String
  /// The fingerprint of the vectors that were compared; nil for keywords alone.
  public var embedder: String?
  public var all: EvaluationFigures
  /// Pages after the reader's that were found or told: must be 0.
  public var spoilers: Int
  public var millisecondsP50: Double
  public var millisecondsP95: Double
  /// By kind, in the order of their names.
  public var kinds: [(name: String, figures: EvaluationFigures)]

  public init(
    mode: String, embedder: String?, all: EvaluationFigures, spoilers: Int, millisecondsP50: Double,
    millisecondsP95: Double, kinds: [(name: String, figures: EvaluationFigures)]
  ) {
    self.mode = mode
    self.embedder = embedder
    self.all = all
    self.spoilers = spoilers
    self.millisecondsP50 = millisecondsP50
    self.millisecondsP95 = millisecondsP95
    self.kinds = kinds
  }

  public static func == (left: Evaluation, right: Evaluation) -> Bool {
    left.mode == right.mode && left.embedder == right.embedder && left.all == right.all
      && left.spoilers == right.spoilers && left.millisecondsP50 == right.millisecondsP50
      && left.millisecondsP95 == right.millisecondsP95
      && left.kinds.elementsEqual(right.kinds) { $0.name == $1.name && $0.figures == $1.figures }
  }

  public init(_ fields: RecordFields) throws {
    mode = try fields.string("mode")
    embedder = try fields.optionalString("embedder")
    all = try EvaluationFigures(fields)
    spoilers = try fields.integer("spoilers")
    millisecondsP50 = try fields.double("ms_p50")
    millisecondsP95 = try fields.double("ms_p95")
    let groups = try fields.optionalObject("kinds") ?? JSONObject()
    kinds = try groups.members.map { member in
      guard let object = member.value.objectValue else { throw RecordProblem("kinds: wanted objects") }
      return (member.key, try EvaluationFigures(RecordFields(object)))
    }
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("mode", mode)
    writer.member("embedder", embedder)
    all.write(to: &writer)
    writer.member("spoilers", spoilers)
    writer.member("ms_p50", millisecondsP50)
    writer.member("ms_p95", millisecondsP95)
    writer.key("kinds")
    writer.object { writer in
      for kind in kinds {
        writer.key(kind.name)
        writer.object { kind.figures.write(to: &$0) }
      }
    }
  }
}

/// A record of type `candidate`: a page that was looked at for a question, and what became of it.
public struct CandidateRecord: RecordData {
  public enum Verdict: String, Sendable, CaseIterable {
    /// In the prompt, or among the hits.
    case kept
    /// In the prompt, but not whole.
    case excerpt
    /// Worse than what was kept, or no room was left.
    case dropped
    /// Nothing of the question is in it.
    case unrelated
    /// Nothing that the character knows.
    case outside
    /// After the reader's page: nothing more is said of it.
    case gated
  }

  public var id: String
  public var verdict: Verdict
  public var title: String?
  public var pageIndex: Int?
  /// From 1.
  public var rank: Int?
  public var score: Double?
  public var reasons: JSONObject
  public var tokens: Int?
  /// Why it was dropped: `rank` or `budget`.
  public var reason: String?
  public var requestID: String?

  public init(id: String, verdict: Verdict) {
    self.id = id
    self.verdict = verdict
    reasons = JSONObject()
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.string("id")
    let name = try fields.string("verdict")
    guard let verdict = Verdict(rawValue: name) else { throw RecordProblem("verdict: unknown \(name)") }
    self.verdict = verdict
    title = try fields.optionalString("title")
    pageIndex = try fields.optionalInteger("page_index")
    rank = try fields.optionalInteger("rank")
    score = try fields.optionalDouble("score")
    reasons = try fields.optionalObject("reasons") ?? JSONObject()
    tokens = try fields.optionalInteger("tokens")
    reason = try fields.optionalString("reason")
    requestID = try fields.requestID()
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("verdict", verdict.rawValue)
    writer.member("title", title)
    writer.member("page_index", pageIndex)
    writer.member("rank", rank)
    writer.member("score", score)
    if !reasons.isEmpty { writer.member("reasons", reasons) }
    writer.member("tokens", tokens)
    writer.member("reason", reason)
    writer.member("request_id", requestID)
  }
}
