// One prompt on its way down the chain of providers: tries, repetitions, the next one, the end.

/// One answer in the making. What is kept across providers: what failed, how many tokens came and, when another provider may
/// have to go on from it, their text.
struct AskingChain {
  private let asking: Asking
  private let prompt: Prompt
  private let options: RequestOptions
  private let start: Double
  private var failures: [GibseyError] = []
  /// The provider that failed last: the next one that can be asked takes over from it.
  private var failed: (name: String, error: GibseyError)?
  private var tokenCount = 0
  private var firstToken: Double?
  private var partial: [UInt8] = []
  private var hasResumed = false
  /// What the counter of the provider that is being asked said.
  private var countedTokens: Int?

  init(asking: Asking, prompt: Prompt) {
    self.asking = asking
    self.prompt = prompt
    options = asking.choices.filled(from: prompt.options)
    start = asking.clock.seconds()
  }

  /// A failure that ends the answer, and what was spent.
  private struct Ended: Error {
    let error: GibseyError
    let usage: Usage?
  }

  /// Asks until one answers. See `Asking.run`.
  mutating func run(_ take: (Asking.Part) throws -> Bool, room: () async throws -> Void) async throws {
    func tell(_ part: Asking.Part) async throws { if try take(part) { try await room() } }
    do {
      let candidates = try order()
      for (index, candidate) in candidates.enumerated() {
        let hasNext = candidates[(index + 1)...].contains(where: \.isPromising)
        guard let provider = try await resolve(candidate, tell) else { continue }
        if let failed { try await tell(.switched(from: failed.name, to: provider.name, because: failed.error)) }
        if let completion = try await answer(by: provider, hasNext: hasNext, take, room) {
          return try await tell(.completed(completion))
        }
      }
      let error = failures.count == 1 ? failures[0] : .noProvider(failures: failures)
      guard tokenCount > 0 else { throw Ended(error: error, usage: nil) }
      throw Ended(error: error.ofAnswer, usage: usage(nil, told: nil))
    } catch let ended as Ended {
      try await tell(.failed(ended.error, usage: ended.usage))
      throw ended.error
    }
  }

  private func order() throws -> [Asking.Candidate] {
    do {
      return try asking.order(named: options.provider)
    } catch let error as GibseyError {
      throw Ended(error: error, usage: nil)
    }
  }

  /// The provider; nil when it cannot be used, which is noted. Its key counts as part of its answer: it must be there as soon
  /// as a first token, and when the time for the whole is over, that was the answer.
  private mutating func resolve(
    _ candidate: Asking.Candidate, _ tell: (Asking.Part) async throws -> Void
  ) async throws -> (any ChatProvider)? {
    let deadlines = remainingDeadlines()
    let isLast = deadlines.total.map { $0 <= deadlines.firstByte } ?? false
    do {
      let limit = isLast ? deadlines.total ?? deadlines.firstByte : deadlines.firstByte
      if let provider = try await candidate.provider(within: limit, asking.clock) { return provider }
      let told = isLast ? asking.policy.deadlines.total ?? limit : limit
      let error = GibseyError.timedOut(provider: candidate.name, waitedFor: "key", seconds: told / .seconds(1))
      if isLast { throw Ended(error: error, usage: nil) }
      failures.append(error)
    } catch let error as GibseyError {
      failures.append(error)
    } catch is CancellationError {
      let usage = tokenCount > 0 ? usage(nil, told: nil) : Usage(promptTokens: 0, completionTokens: 0)
      try await tell(.completed(completion(.cancelled, candidate.name, options.model ?? "", usage)))
      throw CancellationError()
    }
    if case .deferred = candidate, let error = failures.last { failed = (candidate.name, error) }
    return nil
  }

  /// The end of the answer by this provider, or nil when the next one is to be asked.
  private mutating func answer(
    by provider: any ChatProvider, hasNext: Bool, _ take: (Asking.Part) throws -> Bool,
    _ room: () async throws -> Void
  ) async throws -> Completion? {
    func tell(_ part: Asking.Part) async throws { if try take(part) { try await room() } }
    try await count(by: provider, tell)
    var repetitions = 0
    let model = provider.model(options)
    var lessons = asking.memory.lessons(of: provider.name, model)
    while true {
      var attempt = AskingAttempt(
        provider: provider, options: options, clock: asking.clock, deadlines: remainingDeadlines(), lessons: lessons)
      do {
        let end = try await run(&attempt, take, room)
        asking.memory.noteAnswer(of: provider.name)
        asking.memory.note(lessons, of: provider.name, model)
        try await compare(end.usage, attempt, tell)
        return completion(end.reason, attempt, usage: hasResumed ? nil : end.usage)
      } catch is AnswerLimit.Reached {
        return completion(.length, attempt, usage: nil)
      } catch let failure as AttemptFailure {
        try await stopIfOver(failure, attempt, tell)
        if failure.isUnhealthy { asking.memory.noteFailure(of: provider.name, at: asking.clock.seconds()) }
        if attempt.tokenCount > 0 {
          return try resume(after: failure, attempt, hasNext: hasNext)
        }
        if let lesson = failure.lesson {
          lessons = lesson.lessons
          try await tell(.adapted(provider: provider.name, without: lesson.words))
          continue
        }
        guard let wait = wait(after: failure, done: repetitions, hasNext: hasNext) else {
          failures.append(failure.error)
          failed = (provider.name, failure.error)
          return nil
        }
        repetitions += 1
        try await tell(.retrying(provider: provider.name, after: wait, because: failure.error))
        try await pause(wait, attempt, tell)
      }
    }
  }

  /// Runs one attempt, counts its tokens, and keeps their text where it may be needed.
  private mutating func run(
    _ attempt: inout AskingAttempt, _ take: (Asking.Part) throws -> Bool, _ room: () async throws -> Void
  ) async throws -> AnswerEnd {
    guard asking.policy.resumption == .continue else {
      defer { account(attempt) }
      return try await attempt.run(prompt, by: asking.transport, { try take(.batch($0)) }, room: room)
    }
    var seam = partial.isEmpty ? nil : AskingSeam(after: partial)
    var text = partial
    defer {
      partial = text
      account(attempt)
    }
    let asked = partial.isEmpty ? prompt : prompt.continuing(after: partial)
    let end = try await attempt.run(
      asked, by: asking.transport,
      { batch in
        let batch = seam?.trim(batch) ?? batch
        text += batch.text
        return try !batch.isEmpty && take(.batch(batch))
      }, room: room)
    if let rest = seam?.finish(), !rest.isEmpty {
      text += rest.text
      if try take(.batch(rest)) { try await room() }
    }
    return end
  }

  private mutating func account(_ attempt: AskingAttempt) {
    tokenCount += attempt.tokenCount
    firstToken = firstToken ?? attempt.firstToken
  }

  /// Ends the answer when it was cancelled, or its whole time is over.
  private func stopIfOver(
    _ failure: AttemptFailure, _ attempt: AskingAttempt, _ tell: (Asking.Part) async throws -> Void
  ) async throws {
    guard Task.isCancelled || failure.isDeadline else { return }
    try await tell(.completed(completion(.cancelled, attempt, usage: nil)))
    if Task.isCancelled { throw CancellationError() }
    let total = asking.policy.deadlines.total ?? .zero
    throw attempt.provider.failure(TransportFailure.timedOut(.end, total))
  }

  /// Asks the provider's counter, if that is wanted. A prompt beyond its budget is not sent when budgets are strict.
  private mutating func count(
    by provider: any ChatProvider, _ tell: (Asking.Part) async throws -> Void
  ) async throws {
    countedTokens = nil
    guard asking.policy.countsTokens, !hasResumed else { return }
    do {
      countedTokens = try await asking.count(prompt, by: provider, options: options)
    } catch is CancellationError {
      return  // the attempt that follows ends the answer
    }
    let budget = prompt.tokens?.budget
    try await tell(.counted(provider: provider.name, tokens: countedTokens, budget: budget))
    if let budget, let countedTokens, countedTokens > budget, asking.policy.isBudgetStrict {
      let reason = "it has \(countedTokens) tokens, its budget is \(budget)"
      throw Ended(error: .promptTooLong(provider: provider.name, reason: reason), usage: nil)
    }
  }

  /// Tells when the provider read less than it was sent.
  private func compare(
    _ usage: Usage?, _ attempt: AskingAttempt, _ tell: (Asking.Part) async throws -> Void
  ) async throws {
    guard !hasResumed, let read = usage?.promptTokens else { return }
    let reading = PromptReading(of: prompt, readTokens: read, countedTokens: countedTokens)
    guard reading.isCut else { return }
    guard !asking.policy.isBudgetStrict else {
      let error = GibseyError.promptCut(
        provider: attempt.provider.name, readTokens: read, sentTokens: reading.sentTokens, ratio: reading.ratio)
      throw Ended(error: error, usage: self.usage(attempt, told: usage))
    }
    try await tell(.misread(provider: attempt.provider.name, reading))
  }

  /// After a token: the end, unless another provider is to go on from here.
  private mutating func resume(
    after failure: AttemptFailure, _ attempt: AskingAttempt, hasNext: Bool
  ) throws -> Completion? {
    guard asking.policy.resumption == .continue, failure.isResumable, hasNext else {
      throw Ended(error: failure.error.ofAnswer, usage: usage(attempt, told: nil))
    }
    hasResumed = true
    failures.append(failure.error)
    failed = (attempt.provider.name, failure.error)
    return nil
  }

  /// How long to wait before the same request is sent again; nil when it is not.
  private func wait(after failure: AttemptFailure, done: Int, hasNext: Bool) -> Duration? {
    guard failure.isTransient, !(failure.isAbsence && hasNext) else { return nil }
    let floor = failure.error.retryAfterMilliseconds.map { Duration.milliseconds($0) }
    let wait = asking.policy.retry.wait(done: done, floor: floor, chance: asking.clock.chance())
    guard let wait, let total = remainingDeadlines().total else { return wait }
    return wait < total ? wait : nil
  }

  /// Waits before the same provider is asked again; an interrupt meanwhile ends the answer as cancelled.
  private func pause(
    _ wait: Duration, _ attempt: AskingAttempt, _ tell: (Asking.Part) async throws -> Void
  ) async throws {
    do {
      // Retry-After, or the growing pause of `Retry`: the server is given the time that it needs.
      try await asking.clock.sleep(wait)
    } catch {
      try await tell(.completed(completion(.cancelled, attempt, usage: nil)))
      throw CancellationError()
    }
  }

  /// The deadlines of the next exchange: of the whole only what is left.
  private func remainingDeadlines() -> HTTPDeadlines {
    var deadlines = asking.policy.deadlines
    if let total = deadlines.total {
      deadlines.total = max(.milliseconds(1), total - .seconds(asking.clock.seconds() - start))
    }
    return deadlines
  }

  private func completion(_ reason: FinishReason, _ attempt: AskingAttempt, usage told: Usage?) -> Completion {
    completion(reason, attempt.provider.name, attempt.provider.model(options), usage(attempt, told: told))
  }

  private func completion(_ reason: FinishReason, _ provider: String, _ model: String, _ usage: Usage) -> Completion {
    Completion(
      finishReason: reason, provider: provider, model: model, promptID: prompt.promptID, usage: usage,
      timeToFirstTokenMilliseconds: firstToken.map { Self.milliseconds($0 - start) },
      durationMilliseconds: Self.milliseconds(asking.clock.seconds() - start))
  }

  /// What the provider told, else what it told before it was cut and what we counted ourselves; with its cost.
  private func usage(_ attempt: AskingAttempt?, told: Usage?) -> Usage {
    var usage = tokens(attempt, told: told)
    // What two providers spent together has no price.
    if !hasResumed, let attempt, let prices = asking.policy.prices {
      let provider = attempt.provider
      usage.cost = prices.cost(of: usage, provider: provider.name, model: provider.model(options))
    }
    return usage
  }

  private func tokens(_ attempt: AskingAttempt?, told: Usage?) -> Usage {
    if let told, told.promptTokens != nil, told.completionTokens != nil { return told }
    let known = told ?? attempt?.usage
    return Usage(
      promptTokens: known?.promptTokens ?? prompt.estimatedTokens,
      completionTokens: told?.completionTokens ?? tokenCount, cachedTokens: known?.cachedTokens, isEstimated: true)
  }

  private static func milliseconds(_ seconds: Double) -> Int { Int((seconds * 1000).rounded()) }
}
