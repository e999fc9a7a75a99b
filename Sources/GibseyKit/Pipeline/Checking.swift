// How the providers are, told in seconds whatever hangs, and without a token being made.

/// Asks the providers of an `Asking` about themselves: all at the same time, each question with a short deadline. A value.
public struct Checking: Sendable {
  /// For each question; of the time, connecting may take the smaller one.
  private static let deadline = Duration.seconds(5)
  private static let connectDeadline = Duration.seconds(3)
  /// For a command that prints a key: a keychain may ask its owner.
  private static let keyDeadline = Duration.seconds(10)
  /// The longest answer to a question: the lists of some hosts have hundreds of models.
  private static let limitBytes = 8 << 20

  private let asking: Asking

  public init(_ asking: Asking) { self.asking = asking }

  /// A status for each provider that would be tried, in their order, and what is wrong with those that are not ready.
  /// - Throws: `GibseyError.usage` for a provider that nobody has, `CancellationError`.
  public func statuses() async throws -> [(status: ProviderStatus, failure: GibseyError?)] {
    try await each { try await status(of: $0) }
  }

  /// What each provider that would be tried offers, or why it does not tell.
  /// - Throws: as `statuses`.
  public func models() async throws -> [(provider: String, models: Result<[ProviderModel], GibseyError>)] {
    try await each { candidate in
      let answer: Result<[ProviderModel], GibseyError>
      do {
        let provider = try await self.provider(candidate)
        let chosen = provider.model(asking.choices)
        answer = try await names(provider).map { list in
          list.names.map { name in
            let isChosen = Self.isSame(name, chosen)
            return ProviderModel(provider: provider.name, model: name, isChosen: isChosen)
          }
        }
      } catch let error as GibseyError {
        answer = .failure(error)
      }
      return (candidate.name, answer)
    }
  }

  /// Runs a step for each candidate at the same time; the outcomes are in the order of the candidates.
  private func each<Value: Sendable>(
    _ step: @escaping @Sendable (Asking.Candidate) async throws -> Value
  ) async throws -> [Value] {
    let candidates = try asking.order(named: asking.choices.provider)
    return try await withThrowingTaskGroup(of: (Int, Value).self) { group in
      for (index, candidate) in candidates.enumerated() { group.addTask { (index, try await step(candidate)) } }
      var values: [Int: Value] = [:]
      for try await (index, value) in group { values[index] = value }
      return candidates.indices.compactMap { values[$0] }
    }
  }

  /// The provider with its key.
  /// - Throws: `GibseyError`, also when the key takes too long.
  private func provider(_ candidate: Asking.Candidate) async throws -> any ChatProvider {
    guard let provider = try await candidate.provider(within: Self.keyDeadline, asking.clock) else {
      throw GibseyError.timedOut(
        provider: candidate.name, waitedFor: "key", seconds: Self.keyDeadline / .seconds(1))
    }
    return provider
  }

  private func status(of candidate: Asking.Candidate) async throws -> (status: ProviderStatus, failure: GibseyError?) {
    let start = asking.clock.seconds()
    do {
      let provider = try await self.provider(candidate)
      var status = ProviderStatus(
        provider: provider.name, address: provider.account.baseURL.display, model: provider.model(asking.choices),
        isConfigured: true)
      let failure = try await fill(&status, by: provider)
      status.durationMilliseconds = Int(((asking.clock.seconds() - start) * 1000).rounded())
      return (status.told(failure), failure)
    } catch let error as GibseyError {
      return (ProviderStatus(provider: candidate.name, isConfigured: false).told(error), error)
    }
  }

  /// Asks everything there is to ask and writes the answers down; what is wrong, if anything is.
  private func fill(_ status: inout ProviderStatus, by provider: any ChatProvider) async throws -> GibseyError? {
    let model = provider.model(asking.choices)
    async let versionAnswer = answer(provider, .version)
    async let modelAnswer = answer(provider, .model(model))
    async let strangerAnswer = provider.account.key == nil ? nil : answer(provider, .models, withoutKey: true)
    let list = try await names(provider)
    let (version, detail, stranger) = try await (versionAnswer, modelAnswer, strangerAnswer)
    let isStranger = if case .success = stranger { true } else { false }

    if case .success(let body) = version { status.version = ProviderFacts.version(in: body) }
    switch list {
    case .success(let list):
      status.isReachable = true
      // One that answers to every name cannot be said to have this one, nor to lack it.
      status.hasModel = list.names.contains { Self.isSame($0, model) } ? true : list.isOneForAll ? nil : false
      status.key = provider.account.key == nil ? ProviderStatus.Key.none : isStranger ? .unchecked : .accepted
    case .failure(let error):
      status.isReachable = !error.isSilence
      if case .keyRefused = error { status.key = .refused }
      // A server that only speaks the same protocol may answer without having a list.
      let isCompatible = provider.vendorHost != nil && provider.account.baseURL.host != provider.vendorHost
      guard isCompatible, error.isUntold else { return error }
      status.key = provider.account.key == nil ? ProviderStatus.Key.none : .unchecked
    }
    if case .success(let body) = detail {
      status.hasModel = true
      status.contextTokens = ProviderFacts.contextTokens(in: body)
    }
    guard status.hasModel == false else { return nil }
    let offered = try list.get().names
    let reason = offered.isEmpty ? "it has none" : "it has " + Self.some(offered)
    return .modelMissing(provider: provider.name, model: model, reason: reason)
  }

  /// The first of the names.
  private static func some(_ names: [String]) -> String {
    let shown = 5
    let rest = names.count - shown
    return names.prefix(shown).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }

  /// Whether two names are of the same model: Ollama's have the tag `latest` when they have none.
  private static func isSame(_ one: String, _ other: String) -> Bool {
    one == other || one == other + ":latest" || one + ":latest" == other
  }

  /// The models, or why they are not known.
  private func names(
    _ provider: any ChatProvider
  ) async throws -> Result<(names: [String], isOneForAll: Bool), GibseyError> {
    switch try await answer(provider, .models) {
    case .success(let body):
      guard let names = ProviderFacts.models(in: body) else {
        let words = ProviderComplaint(status: nil, body: body, key: provider.account.key).words
        return .failure(
          .providerFailed(provider: provider.name, status: 200, reason: "what it sent is no list of models: \(words)"))
      }
      // A name goes into sentences and records as a complaint does.
      let key = provider.account.key
      return .success((names.map { key?.redacting($0) ?? $0 }, ProviderFacts.isOneForAll(body)))
    case .failure(let error): return .failure(error)
    case nil: return .success(([], false))
    }
  }

  /// The body of a good answer, or what is wrong; nil when that cannot be asked.
  /// - Throws: `CancellationError`.
  private func answer(
    _ provider: any ChatProvider, _ question: ProviderQuestion, withoutKey: Bool = false
  ) async throws -> Result<[UInt8], GibseyError>? {
    guard var request = provider.request(asking: question) else { return nil }
    if withoutKey { request = request.withoutKey }
    let deadline = min(asking.policy.deadlines.firstByte, Self.deadline)
    request.deadlines = HTTPDeadlines(
      connect: min(asking.policy.deadlines.connect, Self.connectDeadline), firstByte: deadline, stall: deadline,
      total: deadline)
    do {
      let response = try await asking.transport.send(request)
      let body = try await response.body.collect(limitBytes: Self.limitBytes)
      guard (200..<300).contains(response.head.status) else {
        return .failure(provider.failure(head: response.head, body: body, options: asking.choices))
      }
      return .success(body)
    } catch let failure as TransportFailure {
      return .failure(provider.unanswered(failure))
    } catch let error as GibseyError {
      return .failure(error)
    }
  }
}

extension ProviderStatus {
  /// The status with what is wrong; without anything it is ready.
  fileprivate func told(_ error: GibseyError?) -> ProviderStatus {
    var status = self
    status.isReady = error == nil
    status.code = error?.code
    status.message = error?.message
    status.hint = error?.hint
    return status
  }
}

extension ChatProvider {
  /// What it means that an answer to a question did not come.
  fileprivate func unanswered(_ failure: TransportFailure) -> GibseyError {
    guard case .timedOut(let wait, let duration) = failure, wait != .connection else { return self.failure(failure) }
    return .timedOut(provider: name, waitedFor: "answer", seconds: duration / .seconds(1))
  }
}

extension GibseyError {
  /// Nobody was there to say anything.
  fileprivate var isSilence: Bool {
    switch self {
    case .cannotReach, .timedOut, .libraryMissing: true
    default: false
    }
  }

  /// It is there, and has no list of models to tell.
  fileprivate var isUntold: Bool {
    switch self {
    case .requestRefused(_, let status, _): status == 404 || status == 405
    case .modelMissing: true
    default: false
    }
  }
}
