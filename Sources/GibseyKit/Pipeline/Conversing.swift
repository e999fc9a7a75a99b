// From a question to a kept answer: what every carrier of the daemon does, and the pipe with three programs.

/// Answers questions: builds their prompts, asks, and keeps the turns. A value with injected parts; the carrier is whoever
/// takes what is told.
public struct Conversing: Sendable {
  /// Builds the prompt of a question, which may be somebody's.
  public typealias Prompting = @Sendable (_ request: ChatRequest, _ owner: String?) async throws -> Prompt

  private let prompting: Prompting
  private let asking: Asking

  public init(prompting: @escaping Prompting, asking: Asking) {
    self.prompting = prompting
    self.asking = asking
  }

  /// Where a task that only answers had best run: see `Transport.executor`.
  public var executor: (any TaskExecutor)? { asking.executor }

  /// The prompt for a question.
  /// - Parameter owner: the token name of who asks; nil where there are no tokens.
  /// - Throws: what is wrong with the question: nothing was asked yet.
  public func prompt(for request: ChatRequest, owner: String? = nil) async throws -> Prompt {
    try await prompting(request, owner)
  }

  /// Asks, and awaits `take` for each part, as `Asking.run` does. The turn is kept before `take` hears of its end, so that who
  /// asks again at once is remembered.
  /// - Throws: as `Asking.run`.
  public func answer(
    _ prompt: Prompt, owner: String? = nil, _ take: (Asking.Part) async throws -> Void
  ) async throws {
    try await asking.run(prompt, take)
  }
}
