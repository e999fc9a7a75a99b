// What a provider is: how to ask it, how to read it, what its failures mean. Pure: no I/O.

/// A service that answers prompts. Three implementations, one file each.
public protocol ChatProvider: Sendable {
  /// As in `--provider` and in records: lower case.
  var name: String { get }
  /// The setting that holds its key; nil for one that is asked without.
  var keyName: String? { get }
  var account: ProviderAccount { get }
  /// The host of the service itself; nil when everybody runs their own.
  var vendorHost: String? { get }

  /// The request that asks for a streamed answer. Options that are nil are the account's; what `lessons` tell is heeded.
  func request(for prompt: Prompt, options: RequestOptions, lessons: RequestLessons) -> HTTPRequest
  /// The request that asks how many tokens a prompt has; nil where there is no counter.
  func countRequest(for prompt: Prompt, options: RequestOptions) -> HTTPRequest?
  /// The request for what a question asks; nil where it cannot be asked.
  func request(asking question: ProviderQuestion) -> HTTPRequest?
  /// What such a request has that it could do without.
  func dispensable(_ options: RequestOptions) -> Set<RequestParameter>
  /// Whether the limit of tokens has another name.
  var canRenameLimit: Bool { get }
  /// A parser for one answer.
  func makeParser() -> any AnswerParser
}

extension ChatProvider {
  public func dispensable(_ options: RequestOptions) -> Set<RequestParameter> { [] }
  public var canRenameLimit: Bool { false }
  public func countRequest(for prompt: Prompt, options: RequestOptions) -> HTTPRequest? { nil }

  /// What a refused request teaches, and the words for it; nil when it is about nothing that could be left out.
  func lessons(
    head: HTTPHead, body: [UInt8], options: RequestOptions, after lessons: RequestLessons
  ) -> (lessons: RequestLessons, words: String)? {
    lessons.learning(
      from: ProviderComplaint(head, body: body, key: account.key), sent: dispensable(options),
      canRename: canRenameLimit)
  }

  /// The model that would answer.
  public func model(_ options: RequestOptions) -> String { options.model ?? account.model }

  /// What a response that is no answer means.
  public func failure(head: HTTPHead, body: [UInt8]) -> GibseyError {
    failure(ProviderComplaint(head, body: body, key: account.key), head: head, options: nil)
  }

  /// Like `failure(head:body:)`, naming the model that was asked for.
  func failure(head: HTTPHead, body: [UInt8], options: RequestOptions) -> GibseyError {
    failure(ProviderComplaint(head, body: body, key: account.key), head: head, options: options)
  }

  private func failure(
    _ complaint: ProviderComplaint, head: HTTPHead, options: RequestOptions?
  ) -> GibseyError {
    // Only a proxy has this status (RFC 9110 §15.5.8); one for https says it before there is a connection.
    guard head.status != 407 else {
      return cannotReach("the proxy wants a user and a password (407)", hint: "put them into http_proxy")
    }
    return complaint.error(
      provider: name, keyName: keyName, model: options?.model ?? account.model,
      retryAfterMilliseconds: head.retryAfterMilliseconds)
  }

  /// What it means that the bytes did not travel.
  public func failure(_ failure: TransportFailure) -> GibseyError {
    switch failure {
    case .badRequest(let reason): return .requestRefused(provider: name, status: 0, reason: reason)
    case .unknownHost(let reason), .refused(let reason), .unreachable(let reason),
      .untrusted(let reason):
      return cannotReach(reason, hint: reachHint)
    case .obstructed(let reason, let hint, _): return cannotReach(reason, hint: hint)
    case .timedOut(let wait, let duration):
      return .timedOut(provider: name, waitedFor: wait.words, seconds: duration / .seconds(1))
    case .cut(let reason): return .streamCut(provider: name, reason: reason)
    case .headersTooLong(let limit):
      return .providerFailed(
        provider: name, status: nil, reason: "its headers are longer than \(limit) bytes")
    }
  }

  private func cannotReach(_ reason: String, hint: String?) -> GibseyError {
    .cannotReach(provider: name, address: account.baseURL.display, reason: reason, hint: hint)
  }

  private var reachHint: String? {
    if name == Ollama.name, account.baseURL.isLoopback { return "start Ollama with `ollama serve`" }
    return account.baseURL.host == vendorHost ? nil : "check \(name.uppercased())_BASE_URL"
  }
}

extension Prompt {
  /// The leading system messages' texts, and the messages after them. Of these neighbours of one role are one message: a
  /// history may have them, and many chat templates fail unless the roles alternate.
  var parts: (system: [String], rest: [Message]) {
    let system = messages.prefix { $0.role == .system }
    var rest: [Message] = []
    for message in messages[system.endIndex...] {
      if message.role != .system, rest.last?.role == message.role {
        rest[rest.count - 1].content += "\n\n" + message.content
      } else {
        rest.append(message)
      }
    }
    return (system.map(\.content), rest)
  }

  /// The messages with the leading system messages joined into one: many chat templates read only the first.
  var joinedMessages: [Message] {
    let (system, rest) = parts
    guard !system.isEmpty else { return rest }
    return [Message(role: .system, content: system.joined(separator: "\n\n"))] + rest
  }
}

extension JSONWriter {
  mutating func messages(_ messages: some Sequence<Message>) {
    key("messages")
    array(messages) { writer, message in writer.object { message.write(to: &$0) } }
  }
}

extension TransportFailure.Wait {
  /// What did not come in time, as in "no … within 5 s".
  fileprivate var words: String {
    switch self {
    case .connection: "connection"
    case .firstByte: "first token"
    case .nextByte: "next token"
    case .end: "end of the answer"
    }
  }
}
