// Which provider to try last for a while, because it keeps failing.

/// Counts failures, before the first token or in mid-answer. Three within a minute put a provider behind the others for half a
/// minute; it is never left out. A value; the clock is the caller's.
struct CircuitBreaker: Sendable {
  private static let failureLimit = 3
  private static let windowSeconds = 60.0
  private static let restSeconds = 30.0

  private struct Record {
    /// When it failed, oldest first; no more than the limit.
    var failures: [Double] = []
    var restsUntil = -Double.infinity
  }

  private var records: [String: Record] = [:]

  mutating func noteFailure(of name: String, at seconds: Double) {
    var record = records[name] ?? Record()
    record.failures = record.failures.filter { seconds - $0 < Self.windowSeconds } + [seconds]
    if record.failures.count >= Self.failureLimit {
      record.restsUntil = seconds + Self.restSeconds
      record.failures.removeFirst()
    }
    records[name] = record
  }

  /// An answer that came to its end clears the name.
  mutating func noteAnswer(of name: String) { records[name] = nil }

  /// The names in their order, those that rest after those that do not.
  func order(_ names: [String], at seconds: Double) -> [String] {
    names.filter { !isResting($0, at: seconds) } + names.filter { isResting($0, at: seconds) }
  }

  func isResting(_ name: String, at seconds: Double) -> Bool {
    (records[name]?.restsUntil ?? -.infinity) > seconds
  }
}
