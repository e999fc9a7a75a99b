// What holds for every answer: how long to wait, how often to try, where to go next. And the injected clock.

/// The rules by which `Asking` treats failures.
public struct AskingPolicy: Sendable, Equatable {
  /// What happens when a provider fails in the middle of its answer.
  public enum Resumption: String, Sendable, CaseIterable {
    /// The answer ends with the failure.
    case stop
    /// The next provider gets the partial answer and is asked to go on from exactly there.
    case `continue`
  }

  /// The names of the providers that `auto` tries, in this order; nil is all of them, as they are given.
  public var fallback: [String]?
  public var retry: Retry
  public var resumption: Resumption
  /// Whether a prompt that was cut is a failure, not a warning.
  public var isBudgetStrict: Bool
  /// Whether a provider's own counter is asked for the tokens of a prompt first.
  public var countsTokens = false
  /// An answer is cut, with the reason `length`, before it has more bytes than this; nil never cuts one.
  public var answerLimitBytes: Int?
  /// What models take; nil tells no costs.
  public var prices: PriceList?
  /// Of one exchange. `total` counts from the question to the end of the answer, repetitions and other providers
  /// included.
  public var deadlines: HTTPDeadlines

  public init(
    fallback: [String]? = nil, retry: Retry = Retry(), resumption: Resumption = .stop,
    isBudgetStrict: Bool = false, deadlines: HTTPDeadlines = HTTPDeadlines()
  ) {
    self.fallback = fallback
    self.retry = retry
    self.resumption = resumption
    self.isBudgetStrict = isBudgetStrict
    self.deadlines = deadlines
  }
}

/// Time and chance, from outside.
public struct AskingClock: Sendable {
  /// Seconds of a clock that never goes back.
  let seconds: @Sendable () -> Double
  let sleep: @Sendable (Duration) async throws -> Void
  /// 0..<1.
  let chance: @Sendable () -> Double

  /// - Parameter sleep: ends early with `CancellationError` when the task is cancelled.
  public init(
    seconds: @escaping @Sendable () -> Double, sleep: @escaping @Sendable (Duration) async throws -> Void,
    chance: @escaping @Sendable () -> Double
  ) {
    self.seconds = seconds
    self.sleep = sleep
    self.chance = chance
  }

  /// What is made, if it is there in time; nil when it is not, and it is waited for no longer.
  func within<Value: Sendable>(
    _ limit: Duration, _ make: @escaping @Sendable () async throws -> Value
  ) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await make() }
      group.addTask {
        // A deadline, not a wait: whoever makes it is cancelled by it, and it by who has made it.
        try await sleep(limit)
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }
}
