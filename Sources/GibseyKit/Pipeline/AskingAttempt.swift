// One provider, asked once.

/// One request and its answer.
struct AskingAttempt {
  /// An error response is read up to here.
  private static let complaintLimitBytes = 64 << 10

  let provider: any ChatProvider
  let options: RequestOptions
  let clock: AskingClock
  let deadlines: HTTPDeadlines
  let lessons: RequestLessons
  private(set) var tokenCount = 0
  /// When the first token came, by the clock.
  private(set) var firstToken: Double?
  /// What the provider has told of it so far.
  private(set) var usage: Usage?

  init(
    provider: any ChatProvider, options: RequestOptions, clock: AskingClock, deadlines: HTTPDeadlines,
    lessons: RequestLessons
  ) {
    self.provider = provider
    self.options = options
    self.clock = clock
    self.deadlines = deadlines
    self.lessons = lessons
  }

  /// - Parameters: as those of `Asking.run`.
  /// - Throws: `AttemptFailure`, also when the task is cancelled; or what `take` and `room` threw.
  mutating func run(
    _ prompt: Prompt, by transport: any Transport, _ take: (AnswerBatch) throws -> Bool, room: () async throws -> Void
  ) async throws -> AnswerEnd {
    var request = provider.request(for: prompt, options: options, lessons: lessons)
    request.deadlines = deadlines
    let start = clock.seconds()
    let response = try await told { try await transport.send(request) }
    guard (200..<300).contains(response.head.status) else {
      let body = try await told { try await response.body.collect(limitBytes: Self.complaintLimitBytes) }
      var failure = AttemptFailure(
        provider.failure(head: response.head, body: body, options: options), shouldRetry: response.head.shouldRetry)
      failure.lesson = provider.lessons(head: response.head, body: body, options: options, after: lessons)
      throw failure
    }
    if let words = try await foreignWords(response) {
      throw AttemptFailure(
        GibseyError.streamCut(provider: provider.name, reason: "a page came in place of it: \(words)"))
    }
    return try await response.body.digesting { try await read($0, since: start, take, room) }
  }

  private mutating func read(
    _ body: Digesting, since start: Double, _ take: (AnswerBatch) throws -> Bool, _ room: () async throws -> Void
  ) async throws -> AnswerEnd {
    let reading = AnswerReading(by: provider)
    let digest: HTTPBody.Digest = { reading.digest($0) }
    var batch = AnswerBatch()
    var silence = Silence(since: start, deadlines: deadlines)
    var progress = AnswerReading.Progress()
    while !progress.hasEnded {
      do {
        guard try await body(digest) else { break }
      } catch {
        let failure = told(error)
        // The rest is lost, but the provider has said why it stopped.
        guard progress.isWhole, failure.isOfTransport else { throw failure }
        break
      }
      progress = reading.collect(&batch)
      usage = progress.usage
      if try hand(&batch, take) { try await room() }
      if let failure = progress.failure { throw AttemptFailure(failure, isInside: true) }
      if let wait = silence.broken(byLine: progress.lineCount, at: clock.seconds()) {
        guard !progress.isWhole else { break }
        throw AttemptFailure(wait, of: provider)
      }
    }
    let result = reading.finish(&batch)
    usage = reading.usage
    if try hand(&batch, take) { try await room() }
    switch result {
    case .success(let end): return end
    case .failure(let error): throw AttemptFailure(error, isInside: true)
    }
  }

  /// The words of a web page, which some proxies and portals send with status 200; nil for anything else.
  private func foreignWords(_ response: HTTPResponse) async throws -> String? {
    guard response.head.value("content-type")?.lowercased().hasPrefix("text/html") == true else { return nil }
    let body = try await told { try await response.body.collect(limitBytes: Self.complaintLimitBytes) }
    return ProviderComplaint(status: nil, body: body, key: provider.account.key, isPage: true).words
  }

  private mutating func hand(_ batch: inout AnswerBatch, _ take: (AnswerBatch) throws -> Bool) throws -> Bool {
    guard !batch.isEmpty else { return false }
    if firstToken == nil, !batch.tokenEnds.isEmpty { firstToken = clock.seconds() }
    tokenCount += batch.tokenEnds.count
    defer { batch.reset() }
    return try take(batch)
  }

  /// Runs a step of the exchange and puts its failure into the provider's words.
  private func told<Value: Sendable>(_ step: () async throws -> Value) async throws -> Value {
    do { return try await step() } catch { throw told(error) }
  }

  private func told(_ error: any Error) -> AttemptFailure {
    (error as? TransportFailure).map { AttemptFailure($0, of: provider) } ?? AttemptFailure(error)
  }
}

/// The deadlines of tokens: bytes that never make a line are no life. The transport watches over silence without bytes.
private struct Silence {
  private let deadlines: HTTPDeadlines
  private var since: Double
  private var lineCount = 0

  init(since start: Double, deadlines: HTTPDeadlines) {
    since = start
    self.deadlines = deadlines
  }

  /// The deadline that has passed, if one has, now that so many lines were read.
  mutating func broken(byLine count: Int, at now: Double) -> TransportFailure? {
    if count > lineCount {
      (lineCount, since) = (count, now)
      return nil
    }
    let limit = lineCount == 0 ? deadlines.firstByte : deadlines.stall
    guard now - since > limit / .seconds(1) else { return nil }
    return .timedOut(lineCount == 0 ? .firstByte : .nextByte, limit)
  }
}

/// What a provider did wrong, as opposed to what the taker of the answer threw, and what may be done about it.
struct AttemptFailure: Error {
  private(set) var error: GibseyError
  /// The same request may succeed in a moment.
  private(set) var isTransient: Bool
  /// Nobody is there: another provider is quicker than another try.
  private(set) var isAbsence = false
  /// The connection failed, or the provider did on its side.
  private(set) var isUnhealthy: Bool
  /// The whole answer's time was over.
  private(set) var isDeadline = false
  /// Bytes did not travel.
  private(set) var isOfTransport = false
  /// What the refusal taught: the same request without it may be taken.
  var lesson: (lessons: RequestLessons, words: String)?
  /// Another provider may finish the answer: this one broke off, it did not decline.
  private(set) var isResumable: Bool

  /// Of a failure that the provider told, in place of an answer or inside of one.
  init(_ error: any Error, shouldRetry: Bool? = nil, isInside: Bool = false) {
    // Cancelled: the caller looks at its task before it looks at this.
    self.error =
      error as? GibseyError ?? (error is CancellationError ? .interrupted(signal: 2) : .ourBug("\(error)"))
    (isTransient, isUnhealthy, isResumable) = (false, false, false)
    switch self.error {
    case .providerFailed(_, let status, _, _):
      isUnhealthy = status.map { $0 >= 500 } ?? true
      (isTransient, isResumable) = (isUnhealthy || status == 408 || status == 409, true)
    case .rateLimited: (isTransient, isResumable) = (true, true)
    case .streamCut: (isTransient, isUnhealthy, isResumable) = (true, true, true)
    case .quotaExhausted:
      if isInside { self.error = self.error.ofAnswer }
      return
    default: break
    }
    isTransient = shouldRetry ?? isTransient
    if isInside { self.error = self.error.ofAnswer }
  }

  /// Of bytes that did not travel.
  init(_ failure: TransportFailure, of provider: any ChatProvider) {
    error = provider.failure(failure)
    isOfTransport = true
    (isTransient, isUnhealthy, isResumable) = (false, false, true)
    switch failure {
    case .refused, .unknownHost, .unreachable: (isTransient, isUnhealthy, isAbsence) = (true, true, true)
    case .obstructed(_, _, let mayPass): (isTransient, isAbsence) = (mayPass, mayPass)
    case .cut: (isTransient, isUnhealthy) = (true, true)
    case .timedOut(.connection, _): isUnhealthy = true
    case .timedOut(.end, _): isDeadline = true
    case .timedOut, .badRequest, .untrusted, .headersTooLong: break
    }
  }
}
