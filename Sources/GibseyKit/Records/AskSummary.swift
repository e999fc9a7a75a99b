// What became of many prompts.

extension Usage {
  /// The tokens of both, at most as many as a record can tell; estimated when one of them is.
  static func + (one: Usage, other: Usage) -> Usage {
    func sum(_ count: KeyPath<Usage, Int?>) -> Int? {
      guard one[keyPath: count] != nil || other[keyPath: count] != nil else { return nil }
      return JSONNumber.sum(one[keyPath: count] ?? 0, other[keyPath: count] ?? 0)
    }
    return Usage(
      promptTokens: sum(\.promptTokens), completionTokens: sum(\.completionTokens), cachedTokens: sum(\.cachedTokens),
      isEstimated: one.isEstimated || other.isEstimated, cost: Cost.sum(one.cost, other.cost))
  }
}

/// A record of type `ask_summary`: the end of a run over many prompts.
public struct AskSummary: RecordData {
  /// Prompts that got their whole answer.
  public var answered = 0
  /// Prompts that got none, or not all of it, or one that cites what is not so.
  public var failed = 0
  /// Prompts whose answer was stopped before its end.
  public var cancelled = 0
  /// Lines that could not be read.
  public var broken = 0
  /// Of all answers together, partial ones included; nil when nothing was spent.
  public var usage: Usage?
  public var seconds = 0.0

  /// Prompts that were asked.
  public var prompts: Int { answered + failed + cancelled }

  public init() {}

  public init(_ fields: RecordFields) throws {
    answered = try fields.integer("answered")
    failed = try fields.integer("failed")
    cancelled = try fields.integer("cancelled")
    broken = try fields.integer("broken")
    usage = try fields.optionalObject("usage").map { try Usage(RecordFields($0)) }
    seconds = try fields.double("seconds")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("prompts", prompts)
    writer.member("answered", answered)
    writer.member("failed", failed)
    writer.member("cancelled", cancelled)
    writer.member("broken", broken)
    if let usage {
      writer.key("usage")
      writer.object { usage.write(to: &$0) }
    }
    writer.member("seconds", seconds)
  }
}
