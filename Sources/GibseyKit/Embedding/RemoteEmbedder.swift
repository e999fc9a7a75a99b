// An embedder on a server: what it takes at once, what is tried again, what is cut, and whether to believe the answer.

/// Embeds texts on a server. A text that is too long for the server is embedded in parts, each with a vector of its own.
public struct RemoteEmbedder: Embedder {
  /// Who is asked.
  public enum Service: String, Sendable, CaseIterable {
    case ollama, openai

    /// The model when nobody names one.
    public var defaultModel: String {
      switch self {
      case .ollama: OllamaEmbedder.defaultModel
      case .openai: OpenAIEmbedder.defaultModel
      }
    }

    func server(_ account: ProviderAccount) -> any EmbeddingServer {
      switch self {
      case .ollama: OllamaEmbedder(account: account)
      case .openai: OpenAIEmbedder(account: account)
      }
    }
  }

  /// How long to wait, how often to try again; and time and chance, from outside.
  public struct Patience: Sendable {
    public var deadlines: HTTPDeadlines
    public var retry: Retry
    let sleep: @Sendable (Duration) async throws -> Void
    let chance: @Sendable () -> Double

    /// - Parameter sleep: ends early with `CancellationError` when the task is cancelled.
    public init(
      deadlines: HTTPDeadlines, retry: Retry, sleep: @escaping @Sendable (Duration) async throws -> Void,
      chance: @escaping @Sendable () -> Double
    ) {
      (self.deadlines, self.retry, self.sleep, self.chance) = (deadlines, retry, sleep, chance)
    }
  }

  /// Tokens in one request at most, by a high estimate: OpenAI takes 300,000.
  static let requestTokenLimit = 250_000
  /// A part of a text is not parted further below this.
  private static let leastPartBytes = 64
  /// An answer is read up to here: 2,048 vectors of 4,096 numbers in base64 take 45 MB.
  private static let answerLimitBytes = 256 << 20
  private static let complaintLimitBytes = 64 << 10

  public let fingerprint: EmbeddingFingerprint
  let server: any EmbeddingServer
  private let transport: any Transport
  private let patience: Patience

  init(server: any EmbeddingServer, dimensions: Int, transport: any Transport, patience: Patience) {
    self.server = server
    self.transport = transport
    self.patience = patience
    fingerprint = EmbeddingFingerprint(
      model: "\(server.provider.name):\(server.provider.account.model)", revision: "", dimensions: dimensions,
      windows: "", prefix: "")
  }

  /// An embedder on a server.
  /// - Parameter dimensions: of the vectors that it gave before; nil asks it, with a word.
  /// - Throws: `GibseyError`, what asking throws.
  public init(
    _ service: Service, account: ProviderAccount, dimensions: Int?, transport: any Transport, patience: Patience
  ) async throws {
    let server = service.server(account)
    var known = dimensions ?? 0
    if dimensions == nil {
      let probe = RemoteEmbedder(server: server, dimensions: 0, transport: transport, patience: patience)
      known = try await probe.reply(to: ["word"]).vectors[0].count
    }
    self.init(server: server, dimensions: known, transport: transport, patience: patience)
  }

  /// What the model of such a fingerprint is called by itself, as in `openai:NAME`, and who serves it; nil for another's.
  public static func service(ofModel model: String) -> (service: Service, model: String)? {
    guard let colon = model.firstIndex(of: ":"), let service = Service(rawValue: String(model[..<colon])) else {
      return nil
    }
    return (service, String(model[model.index(after: colon)...]))
  }

  /// One embedding for each text, in the order of the texts.
  /// - Throws: `GibseyError.embedderMisbehaved`, `.dimensionsChanged`, and those of a provider; `CancellationError`.
  public func embed(_ texts: [String]) async throws -> [TextEmbedding] {
    var embeddings: [TextEmbedding] = []
    var group: [String] = []
    var tokens = 0
    for text in texts {
      let more = Self.tokens(in: text)
      if !group.isEmpty, group.count >= server.textLimit || tokens + more > Self.requestTokenLimit {
        embeddings += try await embedGroup(group)
        (group, tokens) = ([], 0)
      }
      group.append(text)
      tokens += more
    }
    if !group.isEmpty { embeddings += try await embedGroup(group) }
    return embeddings
  }

  /// Three bytes a token are on the safe side of every tokenizer measured.
  private static func tokens(in text: String) -> Int { text.utf8.count / 3 + 1 }

  /// Embeds texts in one request; in halves when they are too long together, or when one of them was cut.
  private func embedGroup(_ texts: [String]) async throws -> [TextEmbedding] {
    do {
      let reply = try await reply(to: texts)
      guard Self.isCut(reply, texts) else { return try embeddings(reply, texts, isTruncated: false) }
      if texts.count == 1 { return try embeddings(reply, texts, isTruncated: true) }
    } catch let error as GibseyError where error.isAboutLength {
      if texts.count == 1 { return [try await embedInParts(texts[0], because: error)] }
    }
    let middle = texts.count / 2
    return try await embedGroup(Array(texts[..<middle])) + embedGroup(Array(texts[middle...]))
  }

  /// Embeds the halves of a text that is too long by itself.
  private func embedInParts(_ text: String, because error: GibseyError) async throws -> TextEmbedding {
    let middle = Self.middle(of: text)
    guard text.utf8.count >= 2 * Self.leastPartBytes, middle > text.startIndex else {
      throw GibseyError.textTooLong(
        embedder: fingerprint.model, bytes: text.utf8.count, reason: error.wordsOfServer)
    }
    let first = try await embedGroup([String(text[..<middle])])[0]
    let second = try await embedGroup([String(text[middle...])])[0]
    return TextEmbedding(
      windows: first.windows + second.windows, pieces: first.pieces + second.pieces,
      isTruncated: first.isTruncated || second.isTruncated)
  }

  /// The beginning of a word near the middle; the middle itself where there is none.
  private static func middle(of text: String) -> String.Index {
    let half = text.index(text.startIndex, offsetBy: text.count / 2)
    let space = text[half...].firstIndex(where: \.isWhitespace)
    guard let space, text[space...].utf8.count > text.utf8.count / 4 else { return half }
    return text.index(after: space)
  }

  /// Whether fewer tokens were read than there are words, of which each is one token at least. A server that counts fewer
  /// tokens than texts does not count.
  private static func isCut(_ reply: EmbeddingReply, _ texts: [String]) -> Bool {
    guard let read = reply.readTokens, read >= texts.count else { return false }
    let words = texts.reduce(0) { sum, text in
      sum + text.split(whereSeparator: \.isWhitespace).count { $0.first?.isLetter == true }
    }
    return read < words
  }

  private func embeddings(
    _ reply: EmbeddingReply, _ texts: [String], isTruncated: Bool
  ) throws -> [TextEmbedding] {
    try zip(reply.vectors, texts).map { vector, text in
      guard vector.count == fingerprint.dimensions else {
        throw GibseyError.dimensionsChanged(
          embedder: fingerprint.model, was: fingerprint.dimensions, now: vector.count)
      }
      guard let unit = UnitVector(normalizing: vector) else { throw misbehaved("a vector of zeros") }
      return TextEmbedding(windows: [unit], pieces: [Self.tokens(in: text)], isTruncated: isTruncated)
    }
  }

  private func misbehaved(_ reason: String) -> GibseyError {
    .embedderMisbehaved(embedder: fingerprint.model, reason: reason)
  }
}

extension RemoteEmbedder {
  /// The vectors of some texts, as many as there are texts, all of finite numbers; tried again where that may help.
  private func reply(to texts: [String]) async throws -> EmbeddingReply {
    var done = 0
    while true {
      do {
        return try await ask(texts)
      } catch let failure as Failure {
        let floor = failure.error.retryAfterMilliseconds.map { Duration.milliseconds($0) }
        guard failure.isTransient, !failure.error.isAboutLength,
          let wait = patience.retry.wait(done: done, floor: floor, chance: patience.chance())
        else { throw failure.error }
        done += 1
        // The server asked for this pause, or has just failed: asking at once would make it worse.
        try await patience.sleep(wait)
      }
    }
  }

  /// What went wrong with one request, and whether the same request may succeed in a moment.
  private struct Failure: Error {
    let error: GibseyError
    let isTransient: Bool
  }

  private func ask(_ texts: [String]) async throws -> EmbeddingReply {
    // No server embeds nothing.
    var request = server.request(texts.map { $0.allSatisfy(\.isWhitespace) ? "." : $0 })
    request.deadlines = patience.deadlines
    do {
      let response = try await transport.send(request)
      let isGood = (200..<300).contains(response.head.status)
      let body = try await response.body.collect(
        limitBytes: isGood ? Self.answerLimitBytes : Self.complaintLimitBytes)
      guard isGood else {
        let error = server.provider.failure(head: response.head, body: body)
        throw Failure(error: error, isTransient: response.head.shouldRetry ?? error.isRetryable)
      }
      return try checked(body, texts)
    } catch let failure as TransportFailure {
      let error = server.provider.failure(failure)
      if case .timedOut = failure { throw Failure(error: error, isTransient: false) }
      if case .obstructed(_, _, let mayPass) = failure { throw Failure(error: error, isTransient: mayPass) }
      throw Failure(error: error, isTransient: error.isRetryable)
    }
  }

  private func checked(_ body: [UInt8], _ texts: [String]) throws -> EmbeddingReply {
    let reply: EmbeddingReply
    do {
      reply = try server.reply(body)
    } catch let nonsense as EmbeddingReply.Nonsense {
      throw misbehaved(nonsense.reason)
    } catch let error as JSONError {
      throw misbehaved("its answer is no JSON: \(error.reason)")
    }
    guard reply.vectors.count == texts.count else {
      throw misbehaved("\(texts.count) texts gave \(reply.vectors.count) vectors")
    }
    for vector in reply.vectors {
      guard !vector.isEmpty else { throw misbehaved("a vector without numbers") }
      guard vector.allSatisfy(\.isFinite) else { throw misbehaved("a vector with numbers that are none (NaN)") }
    }
    return reply
  }
}

extension GibseyError {
  /// What the server said itself.
  fileprivate var wordsOfServer: String {
    switch self {
    case .promptTooLong(_, let reason), .requestRefused(_, _, let reason), .providerFailed(_, _, let reason, _): reason
    default: message
    }
  }

  /// Whether what was sent is too long: whoever says so takes less.
  fileprivate var isAboutLength: Bool {
    let reason: String
    switch self {
    case .promptTooLong: return true
    case .requestRefused(_, let status, let words):
      if status == 413 { return true }
      reason = words
    // llama.cpp's server answers with 500 where a text is longer than its physical batch.
    case .providerFailed(_, 500, let words, _): reason = words
    default: return false
    }
    let words = reason.lowercased()
    return [
      "too long", "too large", "input length exceeds", "maximum context", "max_tokens_per_request",
      "tokens per request",
    ]
    .contains { words.contains($0) }
  }
}
