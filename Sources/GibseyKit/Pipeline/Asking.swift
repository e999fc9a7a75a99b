// The third verb: a prompt goes to the first provider that can answer, and the answer comes back as it is made.

/// Asks providers. A value with injected parts: it knows no clock, no network and no output of its own.
public struct Asking: Sendable {
  /// A provider of the chain, or why it cannot be one.
  public enum Candidate: Sendable {
    case usable(any ChatProvider)
    case unusable(name: String, GibseyError)

    var name: String {
      switch self {
      case .usable(let provider): provider.name
      case .unusable(let name, _): name
      }
    }
  }

  /// A piece of an answer. The last one, and only the last one, is `completed` or `failed`.
  public enum Part: Sendable, Equatable {
    case batch(AnswerBatch)
    /// Before the first token a failure moves on to the next provider.
    case switched(from: String, to: String, because: GibseyError)
    case completed(Completion)
    case failed(GibseyError, usage: Usage?)
  }

  let candidates: [Candidate]
  let transport: any Transport
  let choices: RequestOptions
  let deadlines: HTTPDeadlines
  let seconds: @Sendable () -> Double

  /// - Parameters:
  ///   - candidates: in the order in which they are tried.
  ///   - choices: what counts more than a prompt's own options; a `provider` here or there means only that one.
  ///   - seconds: a clock that never goes back.
  public init(
    candidates: [Candidate], transport: any Transport, choices: RequestOptions = RequestOptions(),
    deadlines: HTTPDeadlines = HTTPDeadlines(), seconds: @escaping @Sendable () -> Double
  ) {
    self.candidates = candidates
    self.transport = transport
    self.choices = choices
    self.deadlines = deadlines
    self.seconds = seconds
  }

  /// Asks, and awaits `take` for each part before the next bytes are looked at. Cancelling the task aborts the request;
  /// what came is kept and the last part is `completed` with the reason `cancelled`.
  /// - Throws: the failure that the last part told, `CancellationError`, or what `take` threw.
  public func run(_ prompt: Prompt, _ take: (Part) async throws -> Void) async throws {
    let options = choices.filled(from: prompt.options)
    let start = seconds()
    var failures: [GibseyError] = []
    do {
      let chain = try chain(named: options.provider)
      for (index, provider) in chain.enumerated() {
        var attempt = AskingAttempt(
          provider: provider, options: options, seconds: seconds, start: start)
        do {
          let end = try await attempt.run(prompt, by: transport, deadlines: deadlines, take)
          return try await take(
            .completed(attempt.completion(end.reason, of: prompt, usage: end.usage)))
        } catch let failure as AskingAttempt.Failure {
          if Task.isCancelled {
            try await take(
              .completed(attempt.completion(.cancelled, of: prompt, usage: attempt.estimate)))
            throw CancellationError()
          }
          guard attempt.tokenCount == 0 else { throw Ended(failure.error, attempt.estimate) }
          failures.append(failure.error)
          guard index + 1 < chain.count else { break }
          try await take(
            .switched(from: provider.name, to: chain[index + 1].name, because: failure.error))
        }
      }
      throw Ended(
        failures.count == 1 ? failures[0] : .noProvider(reasons: failures.map(\.message)), nil)
    } catch let ended as Ended {
      try await take(.failed(ended.error, usage: ended.usage))
      throw ended.error
    }
  }

  /// A failure that ends the answer.
  private struct Ended: Error {
    let error: GibseyError
    let usage: Usage?

    init(_ error: GibseyError, _ usage: Usage?) {
      self.error = error
      self.usage = usage
    }
  }

  private func chain(named name: String?) throws(Ended) -> [any ChatProvider] {
    if let name, name != "auto" {
      switch candidates.first(where: { $0.name == name }) {
      case .usable(let provider): return [provider]
      case .unusable(_, let error): throw Ended(error, nil)
      case nil:
        let known = candidates.map(\.name).joined(separator: ", ")
        throw Ended(.noProvider(reasons: ["unknown provider \(name), known are \(known)"]), nil)
      }
    }
    var usable: [any ChatProvider] = []
    var reasons: [String] = []
    for candidate in candidates {
      switch candidate {
      case .usable(let provider): usable.append(provider)
      case .unusable(_, let error): reasons.append(error.message)
      }
    }
    guard !usable.isEmpty else { throw Ended(.noProvider(reasons: reasons), nil) }
    return usable
  }
}
