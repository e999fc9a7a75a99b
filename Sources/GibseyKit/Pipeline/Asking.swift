// The third verb: a prompt goes to the first provider that can answer, and the answer comes back as it is made.

/// Asks providers. A value with injected parts: it knows no clock, no network and no output of its own. Copies share what
/// they learn (`AskingMemory`).
public struct Asking: Sendable {
  /// A provider of the chain, or why it cannot be one.
  public enum Candidate: Sendable {
    case usable(any ChatProvider)
    case unusable(name: String, GibseyError)
    /// Known once it is needed: its key must be fetched. A `GibseyError` says why it cannot be used.
    case deferred(name: String, @Sendable () async throws -> any ChatProvider)

    var name: String {
      switch self {
      case .usable(let provider): provider.name
      case .unusable(let name, _), .deferred(let name, _): name
      }
    }

    /// Whether it may be able to answer.
    var isPromising: Bool { if case .unusable = self { false } else { true } }

    func provider() async throws -> any ChatProvider {
      switch self {
      case .usable(let provider): provider
      case .unusable(_, let error): throw error
      case .deferred(_, let make): try await make()
      }
    }

    /// The same, if what it takes is there in time; nil when it is not, and it is waited for no longer.
    func provider(within limit: Duration, _ clock: AskingClock) async throws -> (any ChatProvider)? {
      guard case .deferred(_, let make) = self else { return try await provider() }
      return try await clock.within(limit, make)
    }
  }

  /// A piece of an answer. The last one, and only the last one, is `completed` or `failed`.
  public enum Part: Sendable, Equatable {
    case batch(AnswerBatch)
    /// The same provider is asked again after a wait.
    case retrying(provider: String, after: Duration, because: GibseyError)
    /// The model refused a part of the request, and is asked without it.
    case adapted(provider: String, without: String)
    /// The provider's own counter told the tokens of the prompt; nil where there is none.
    case counted(provider: String, tokens: Int?, budget: Int?)
    /// The provider read less than it was sent.
    case misread(provider: String, PromptReading)
    /// The next provider is asked: before the first token, or to go on from the last one.
    case switched(from: String, to: String, because: GibseyError)
    case completed(Completion)
    case failed(GibseyError, usage: Usage?)
  }

  let candidates: [Candidate]
  let transport: any Transport
  let choices: RequestOptions
  let policy: AskingPolicy
  let clock: AskingClock
  let memory: AskingMemory

  /// - Parameters:
  ///   - candidates: in the order in which they are tried, unless the policy has one of its own.
  ///   - choices: what counts more than a prompt's own options; a `provider` here or there means only that one.
  public init(
    candidates: [Candidate], transport: any Transport, choices: RequestOptions = RequestOptions(),
    policy: AskingPolicy = AskingPolicy(), clock: AskingClock, memory: AskingMemory = AskingMemory()
  ) {
    self.candidates = candidates
    self.transport = transport
    self.choices = choices
    self.policy = policy
    self.clock = clock
    self.memory = memory
  }

  /// A place for a task that only asks and writes.
  public func seat() -> NetworkSeat { transport.seat() }

  /// For a task that has plenty of its answer: see `Transport.letOthersGoFirst`.
  func letOthersGoFirst() async { await transport.letOthersGoFirst() }

  /// Asks, and awaits `take` for each part before the next bytes are looked at. Cancelling the task aborts the request;
  /// what came is kept and the last part is `completed` with the reason `cancelled`, as it is when the time for the whole
  /// answer is over.
  /// - Throws: the failure that the last part told, `GibseyError.timedOut` of the whole answer, `CancellationError`, or
  ///   what `take` threw.
  public func run(_ prompt: Prompt, _ take: (Part) async throws -> Void) async throws {
    var taken: Part?
    try await run(prompt) { part in
      taken = part
      return true
    } room: {
      guard let part = taken else { return }
      taken = nil
      try await take(part)
    }
  }

  /// The same for who seldom has to wait: what is awaited for each token is felt where many answers stream.
  /// - Parameters:
  ///   - take: takes a part at once. True when `room` is to be awaited before the next one.
  ///   - room: waits for what has to be waited for, if there is anything.
  public func run(
    _ prompt: Prompt, _ take: (Part) throws -> Bool, room: () async throws -> Void
  ) async throws {
    var chain = AskingChain(asking: self, prompt: prompt)
    var citations = AskingCitations(prompt)
    var limit = policy.answerLimitBytes.map { AnswerLimit(bytes: $0) }
    var isFull = false
    /// Whether the end is still to be told, and wanted.
    var isOpen = true
    do {
      try await chain.run { part in
        var told = part
        if case .batch(let batch) = part, let cut = limit?.cut(batch) {
          if cut.isEmpty { throw AnswerLimit.Reached() }
          (told, isFull) = (.batch(cut), true)
        }
        citations.follow(&told)
        let waits: Bool
        do { waits = try take(told) } catch {
          isOpen = false
          throw error
        }
        switch told {
        case .completed, .failed: isOpen = false
        default: break
        }
        return waits || isFull
      } room: {
        do { try await room() } catch {
          isOpen = false
          throw error
        }
        guard isFull else { return }
        isFull = false
        throw AnswerLimit.Reached()
      }
    } catch let error as CancellationError where isOpen {
      // While a key was being fetched: nobody was asked yet.
      let nothing = Completion(
        finishReason: .cancelled, provider: "", model: "", promptID: prompt.promptID, durationMilliseconds: 0)
      if try take(.completed(nothing)) { try await room() }
      throw error
    }
  }

  /// The candidates to try for one prompt, in order.
  /// - Throws: `GibseyError.usage` for a name that nobody has.
  func order(named name: String?) throws -> [Candidate] {
    if let name, name != "auto" { return [try candidate(name)] }
    let names = policy.fallback ?? candidates.map(\.name)
    return try memory.order(names, at: clock.seconds()).map { try candidate($0) }
  }

  private func candidate(_ name: String) throws -> Candidate {
    guard let candidate = candidates.first(where: { $0.name == name }) else {
      throw GibseyError.usage(
        "unknown provider \(name)", hint: "known are: " + candidates.map(\.name).joined(separator: ", "))
    }
    return candidate
  }

  /// A counter that takes longer than this is not waited for: the estimate is there.
  private static let countDeadline = Duration.seconds(10)

  /// What the provider's own counter says of a prompt; nil where there is none, or none that answers.
  func count(_ prompt: Prompt, by provider: any ChatProvider, options: RequestOptions) async throws -> Int? {
    guard var request = provider.countRequest(for: prompt, options: options) else { return nil }
    request.deadlines = policy.deadlines
    request.deadlines.total = min(policy.deadlines.total ?? Self.countDeadline, Self.countDeadline)
    do {
      let response = try await transport.send(request)
      let body = try await response.body.collect(limitBytes: 4096)
      return (200..<300).contains(response.head.status) ? TokenCount.read(body) : nil
    } catch is TransportFailure {
      return nil
    }
  }
}
