// What a provider is: how to ask it, how to read it, what its failures mean. Pure: no I/O.

/// A service that answers prompts. Three implementations, one file each.
public protocol ChatProvider: Sendable {
  /// As in `--provider` and in records: lower case.
  var name: String { get }
  /// The setting that holds its key.
  var keyName: String { get }
  var account: ProviderAccount { get }

  /// The request that asks for a streamed answer. Options that are nil are the account's.
  func request(for prompt: Prompt, options: RequestOptions) -> HTTPRequest
  /// A parser for one answer.
  func makeParser() -> any AnswerParser
}

extension ChatProvider {
  /// The model that would answer.
  public func model(_ options: RequestOptions) -> String { options.model ?? account.model }

  /// What a response that is no answer means.
  public func failure(head: HTTPHead, body: [UInt8]) -> GibseyError {
    failure(
      ProviderComplaint(status: head.status, body: body, key: account.key), head: head, options: nil
    )
  }

  /// Like `failure(head:body:)`, naming the model that was asked for.
  func failure(head: HTTPHead, body: [UInt8], options: RequestOptions) -> GibseyError {
    failure(
      ProviderComplaint(status: head.status, body: body, key: account.key), head: head,
      options: options)
  }

  private func failure(
    _ complaint: ProviderComplaint, head: HTTPHead, options: RequestOptions?
  ) -> GibseyError {
    complaint.error(
      provider: name, keyName: keyName, model: options?.model ?? account.model,
      retryAfterMilliseconds: Self.retryAfter(head))
  }

  /// What the server asks us to wait, in milliseconds.
  private static func retryAfter(_ head: HTTPHead) -> Int? {
    if let text = head.value("retry-after-ms"), let wait = Double(text), wait > 0, wait < 1e9 {
      return Int(wait.rounded(.up))
    }
    guard let text = head.value("retry-after"), let wait = Double(text), wait > 0, wait < 1e6 else {
      return nil
    }
    return Int((wait * 1000).rounded(.up))
  }

  /// What it means that the bytes did not travel.
  public func failure(_ failure: TransportFailure) -> GibseyError {
    let address = account.baseURL.display
    switch failure {
    case .badRequest(let reason): return .requestRefused(provider: name, status: 0, reason: reason)
    case .unknownHost(let reason), .refused(let reason), .unreachable(let reason),
      .untrusted(let reason):
      return .cannotReach(provider: name, address: address, reason: reason, hint: reachHint)
    case .timedOut(let wait, let duration):
      return .timedOut(provider: name, waitedFor: wait.rawValue, seconds: duration / .seconds(1))
    case .cut(let reason): return .streamCut(provider: name, reason: reason)
    case .headersTooLong(let limit):
      return .providerFailed(
        provider: name, status: nil, reason: "its headers are longer than \(limit) bytes")
    }
  }

  private var reachHint: String? {
    name == Ollama.name ? "start it with `ollama serve`, or set OPENAI_API_KEY" : nil
  }
}

extension Prompt {
  /// The leading system messages' texts, and the messages after them.
  var parts: (system: [String], rest: ArraySlice<Message>) {
    let system = messages.prefix { $0.role == .system }
    return (system.map(\.content), messages[system.endIndex...])
  }

  /// The messages with the leading system messages joined into one: many chat templates read only the first.
  var joinedMessages: [Message] {
    let (system, rest) = parts
    guard !system.isEmpty else { return Array(rest) }
    return [Message(role: .system, content: system.joined(separator: "\n\n"))] + rest
  }
}

extension JSONWriter {
  mutating func messages(_ messages: some Sequence<Message>) {
    key("messages")
    array(messages) { writer, message in writer.object { message.write(to: &$0) } }
  }
}
