// Anthropic's messages: server-sent events (platform.claude.com/docs).

/// Anthropic, or a compatible server at another base URL.
public struct Anthropic: ChatProvider {
  public static let name = "anthropic"
  static let vendorHost = "api.anthropic.com"
  /// The protocol wants a limit; this one is ours when the settings have none, in tokens.
  private static let defaultMaxTokens = 1024

  public let account: ProviderAccount
  public var vendorHost: String? { Self.vendorHost }
  public var name: String { Self.name }
  public var keyName: String? { "ANTHROPIC_API_KEY" }

  public init(account: ProviderAccount) { self.account = account }

  public func dispensable(_ options: RequestOptions) -> Set<RequestParameter> {
    options.temperature ?? account.temperature == nil ? [] : [.temperature]
  }

  public func request(for prompt: Prompt, options: RequestOptions, lessons: RequestLessons) -> HTTPRequest {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("model", model(options))
      writer.member("max_tokens", options.maxTokens ?? account.maxTokens ?? Self.defaultMaxTokens)
      Self.writeConversation(prompt, to: &writer)
      writer.member("stream", true)
      guard !lessons.dropped.contains(.temperature) else { return }
      writer.member("temperature", options.temperature ?? account.temperature)
    }
    return HTTPRequest(
      method: .post, url: account.baseURL.appending("/v1/messages"), headers: headers,
      body: writer.bytes)
  }

  private var headers: [HTTPHeader] {
    let headers = [
      HTTPHeader("Content-Type", "application/json"), HTTPHeader("anthropic-version", "2023-06-01"),
    ]
    return headers + (account.key.map { [HTTPHeader("x-api-key", $0.secret)] } ?? [])
  }

  /// System text is top-level here, wherever in the conversation it stood.
  static func writeConversation(_ prompt: Prompt, to writer: inout JSONWriter) {
    let (system, rest) = prompt.parts
    let blocks = system + rest.filter { $0.role == .system }.map(\.content)
    if !blocks.isEmpty {
      writer.key("system")
      writer.array(blocks) { writer, text in
        writer.object { writer in
          writer.member("type", "text")
          writer.member("text", text)
        }
      }
    }
    writer.messages(rest.filter { $0.role != .system })
  }

  public func countRequest(for prompt: Prompt, options: RequestOptions) -> HTTPRequest? {
    TokenCount.request(
      for: prompt, model: model(options), url: account.baseURL.appending("/v1" + TokenCount.path), headers: headers)
  }

  public func request(asking question: ProviderQuestion) -> HTTPRequest? {
    switch question {
    case .version: nil
    case .models:
      HTTPRequest(method: .get, url: account.baseURL.appending("/v1/models?limit=1000"), headers: headers)
    // The list has no aliases, as claude-haiku-4-5 is one; this knows them.
    case .model(let model):
      HTTPRequest(
        method: .get, url: account.baseURL.appending("/v1/models/" + ProviderQuestion.pathElement(model)),
        headers: headers)
    }
  }

  public func makeParser() -> any AnswerParser { AnthropicParser(AnswerTally(self)) }
}

/// Reads the events of one answer.
struct AnthropicParser: EventStreamParser {
  var events = SSEParser(limitBytes: RecordCoder.lineLimitBytes)
  var tally: AnswerTally
  var shape = FrameShape()

  init(_ tally: AnswerTally) { self.tally = tally }

  /// What one event says. The names of its members do not depend on its type, so one pass reads them all.
  private struct Said {
    var error: JSONValue?
    var type: String?
    var content: UnsafeBufferPointer<UInt8>?
    /// The texts of an answer that was not streamed.
    var texts: [UnsafeBufferPointer<UInt8>] = []
    var thinking: String?
    var stopReason: String?
    var refusal: String?
    var usage: Counts?
  }

  private static let reasons: [String: FinishReason] = [
    "end_turn": .stop, "stop_sequence": .stop, "tool_use": .stop, "pause_turn": .stop, "refusal": .stop,
    "max_tokens": .length, "model_context_window_exceeded": .length,
  ]

  /// The types of what has text that is of the answer. What has another one is new, and none of it; some servers name none.
  private static let textTypes: Set<String> = ["text", "text_delta"]

  /// Counts as this vendor splits them: what was read is the sum of three.
  private struct Counts {
    var input: Int?
    var created: Int?
    var cached: Int?
    var output: Int?
  }

  mutating func parse(
    _ data: UnsafeBufferPointer<UInt8>, _ frame: UnsafeBufferPointer<UInt8>?, into batch: inout AnswerBatch
  ) throws {
    var said = Said()
    try JSONScanner.scan(buffer: data) { try Self.event(&$0, &said) }
    if let error = said.error, error != .null { throw tally.failure(error) }
    if let counts = said.usage { note(counts) }
    tally.think(said.thinking, into: &batch)
    if said.type == "content_block_delta" || said.type == "content_block_start",
      let content = said.content, content.count > 2
    {
      try tally.say(content, into: &batch)
      shape.learn(
        frame, content: content, isPlain: said.type == "content_block_delta" && said.usage == nil && tally.hasText)
    }
    if said.type == "message" {
      tally.isUnstreamed = true
      for text in said.texts where text.count > 2 { try tally.say(text, into: &batch) }
    }
    if let reason = said.stopReason {
      tally.stop(reason, Self.reasons, into: &batch)
      if reason == "refusal" { tally.refusal = said.refusal ?? "no reason given" }
    }
    if said.type == "message_stop" { tally.hasEnded = true }
  }

  /// Later counts replace earlier ones: they are cumulative.
  private mutating func note(_ counts: Counts) {
    var usage = tally.usage ?? Usage()
    if counts.input != nil || counts.created != nil || counts.cached != nil {
      usage.promptTokens = JSONNumber.sum(counts.input ?? 0, counts.created ?? 0, counts.cached ?? 0)
      usage.cachedTokens = counts.cached
    }
    usage.completionTokens = counts.output ?? usage.completionTokens
    tally.usage = usage
  }

  private static func event(_ scanner: inout JSONScanner, _ said: inout Said) throws {
    try scanner.members { key, scanner in
      switch key {
      case "type": said.type = try scanner.stringOrSkip()
      case "delta", "content_block": try delta(&scanner, &said)
      case "usage": said.usage = try counts(&scanner)
      case "error": said.error = try scanner.value()
      case "stop_reason": said.stopReason = try scanner.stringOrSkip()
      case "stop_details": try details(&scanner, &said)
      case "content":
        guard try scanner.isArrayOrSkip() else { return }
        try scanner.elements { scanner in
          var block = Said()
          try delta(&scanner, &block)
          if let text = block.content { said.texts.append(text) }
          if let thought = block.thinking { said.thinking = (said.thinking ?? "") + thought }
        }
      case "message":
        guard try scanner.isObjectOrSkip() else { return }
        try scanner.members { key, scanner in
          switch key {
          case "usage": said.usage = try counts(&scanner)
          default: try scanner.skipValue()
          }
        }
      default: try scanner.skipValue()
      }
    }
  }

  private static func delta(_ scanner: inout JSONScanner, _ said: inout Said) throws {
    guard try scanner.isObjectOrSkip() else { return }
    var type: String?
    var text: UnsafeBufferPointer<UInt8>?
    try scanner.members { key, scanner in
      switch key {
      case "type": type = try scanner.stringOrSkip()
      case "text" where scanner.peek() == UInt8(ascii: "\""): text = try scanner.rawValue()
      case "thinking": said.thinking = try scanner.stringOrSkip()
      case "stop_reason": said.stopReason = try scanner.stringOrSkip()
      case "stop_details": try details(&scanner, &said)
      default: try scanner.skipValue()
      }
    }
    if type.map(textTypes.contains) ?? true { said.content = text }
  }

  private static func details(_ scanner: inout JSONScanner, _ said: inout Said) throws {
    guard try scanner.isObjectOrSkip() else { return }
    try scanner.members { key, scanner in
      switch key {
      case "category", "explanation": said.refusal = try scanner.stringOrSkip() ?? said.refusal
      default: try scanner.skipValue()
      }
    }
  }

  private static func counts(_ scanner: inout JSONScanner) throws -> Counts? {
    guard try scanner.isObjectOrSkip() else { return nil }
    var counts = Counts()
    try scanner.members { key, scanner in
      switch key {
      case "input_tokens": counts.input = try scanner.countOrSkip()
      case "cache_creation_input_tokens": counts.created = try scanner.countOrSkip()
      case "cache_read_input_tokens": counts.cached = try scanner.countOrSkip()
      case "output_tokens": counts.output = try scanner.countOrSkip()
      default: try scanner.skipValue()
      }
    }
    return counts
  }
}
