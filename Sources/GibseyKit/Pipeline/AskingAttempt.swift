// One provider, asked once.

/// One request and its answer.
struct AskingAttempt {
  /// What the provider did wrong, as opposed to what the taker of the answer threw.
  struct Failure: Error {
    let error: GibseyError
  }

  /// An error response is read up to here.
  private static let complaintLimitBytes = 64 << 10

  let provider: any ChatProvider
  let options: RequestOptions
  let seconds: @Sendable () -> Double
  let start: Double
  private(set) var tokenCount = 0
  private var firstToken: Double?

  init(
    provider: any ChatProvider, options: RequestOptions, seconds: @escaping @Sendable () -> Double,
    start: Double
  ) {
    self.provider = provider
    self.options = options
    self.seconds = seconds
    self.start = start
  }

  /// - Throws: `Failure`, also when the task is cancelled; or what `take` threw.
  mutating func run(
    _ prompt: Prompt, by transport: any Transport, deadlines: HTTPDeadlines,
    _ take: (Asking.Part) async throws -> Void
  ) async throws -> AnswerEnd {
    var request = provider.request(for: prompt, options: options)
    request.deadlines = deadlines
    let response = try await told { try await transport.send(request) }
    guard (200..<300).contains(response.head.status) else {
      let body = try await told {
        try await response.body.collect(limitBytes: Self.complaintLimitBytes)
      }
      throw Failure(error: provider.failure(head: response.head, body: body, options: options))
    }
    var parser = provider.makeParser()
    var batch = AnswerBatch()
    while !parser.hasEnded, let block = try await told({ try await response.body.next() }) {
      let result = Result { try parser.consume(block, into: &batch) }
      try await hand(&batch, take)
      if case .failure(let error) = result { throw Self.failure(error) }
    }
    let result = Result { try parser.finish(into: &batch) }
    try await hand(&batch, take)
    switch result {
    case .success(let end): return end
    case .failure(let error): throw Self.failure(error)
    }
  }

  private mutating func hand(
    _ batch: inout AnswerBatch, _ take: (Asking.Part) async throws -> Void
  ) async throws {
    guard !batch.isEmpty else { return }
    if firstToken == nil, !batch.tokenEnds.isEmpty { firstToken = seconds() }
    tokenCount += batch.tokenEnds.count
    try await take(.batch(batch))
    batch.reset()
  }

  /// Runs a step of the exchange and puts its failure into the provider's words.
  private func told<Value: Sendable>(_ step: () async throws -> Value) async throws -> Value {
    do {
      return try await step()
    } catch let failure as TransportFailure {
      throw Failure(error: provider.failure(failure))
    } catch {
      throw Self.failure(error)
    }
  }

  private static func failure(_ error: any Error) -> Failure {
    if let error = error as? GibseyError { return Failure(error: error) }
    // Cancelled: the caller looks at its task before it looks at this.
    return Failure(
      error: error is CancellationError ? .interrupted(signal: 2) : .ourBug("\(error)"))
  }

  func completion(_ reason: FinishReason, of prompt: Prompt, usage: Usage?) -> Completion {
    Completion(
      finishReason: reason, provider: provider.name, model: provider.model(options),
      promptID: prompt.promptID,
      usage: usage, timeToFirstTokenMilliseconds: firstToken.map { Self.milliseconds($0 - start) },
      durationMilliseconds: Self.milliseconds(seconds() - start))
  }

  /// What we can tell of the usage when the provider did not live to tell it.
  var estimate: Usage? {
    tokenCount == 0 ? nil : Usage(completionTokens: tokenCount, isEstimated: true)
  }

  private static func milliseconds(_ seconds: Double) -> Int { Int((seconds * 1000).rounded()) }
}
