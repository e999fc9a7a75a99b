// OpenAI's chat completions, and every server that speaks them: server-sent events (platform.openai.com/docs).

/// OpenAI, or a compatible server at another base URL.
public struct OpenAI: ChatProvider {
  public static let name = "openai"
  /// The vendor's own host: only here a key is a must and `max_tokens` has its new name.
  static let vendorHost = "api.openai.com"

  public let account: ProviderAccount
  public var vendorHost: String? { Self.vendorHost }
  public var name: String { Self.name }
  public var keyName: String? { "OPENAI_API_KEY" }

  public init(account: ProviderAccount) { self.account = account }

  public func dispensable(_ options: RequestOptions) -> Set<RequestParameter> {
    var parameters: Set<RequestParameter> = [.streamOptions]
    if options.temperature ?? account.temperature != nil { parameters.insert(.temperature) }
    if options.maxTokens ?? account.maxTokens != nil { parameters.insert(.tokenLimit) }
    return parameters
  }

  public var canRenameLimit: Bool { true }

  public func request(for prompt: Prompt, options: RequestOptions, lessons: RequestLessons) -> HTTPRequest {
    let isVendor = account.baseURL.host == Self.vendorHost
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("model", model(options))
      writer.messages(prompt.joinedMessages)
      writer.member("stream", true)
      if !lessons.dropped.contains(.streamOptions) {
        writer.key("stream_options")
        writer.object { $0.member("include_usage", true) }
      }
      if !lessons.dropped.contains(.tokenLimit) {
        let limit = isVendor != lessons.isLimitRenamed ? "max_completion_tokens" : "max_tokens"
        writer.member(limit, options.maxTokens ?? account.maxTokens)
      }
      if !lessons.dropped.contains(.temperature) {
        writer.member("temperature", options.temperature ?? account.temperature)
      }
    }
    return HTTPRequest(
      method: .post, url: account.baseURL.appending("/chat/completions"),
      headers: headers + [HTTPHeader("Accept", "text/event-stream")], body: writer.bytes)
  }

  private var headers: [HTTPHeader] {
    let key = account.key.map { [HTTPHeader("Authorization", "Bearer \($0.secret)")] } ?? []
    return [HTTPHeader("Content-Type", "application/json")] + key
  }

  /// llama.cpp's server counts; the vendor's own does not.
  public func countRequest(for prompt: Prompt, options: RequestOptions) -> HTTPRequest? {
    guard account.baseURL.host != Self.vendorHost else { return nil }
    return TokenCount.request(
      for: prompt, model: model(options), url: account.baseURL.appending(TokenCount.path), headers: headers)
  }

  public func request(asking question: ProviderQuestion) -> HTTPRequest? {
    guard question == .models else { return nil }
    return HTTPRequest(method: .get, url: account.baseURL.appending("/models"), headers: headers)
  }

  public func makeParser() -> any AnswerParser { OpenAIParser(AnswerTally(self)) }
}

/// Reads the events of one answer.
struct OpenAIParser: EventStreamParser {
  var events = SSEParser(limitBytes: RecordCoder.lineLimitBytes)
  var tally: AnswerTally
  var shape = FrameShape()

  /// The answer that is followed, of several: the first of which something came.
  private var index: Int?

  init(_ tally: AnswerTally) { self.tally = tally }

  /// What one chunk says.
  private struct Said {
    /// The answer that it is of.
    var index: Int?
    var error: JSONValue?
    var content: UnsafeBufferPointer<UInt8>?
    /// The texts of a content that comes in parts.
    var parts: [UnsafeBufferPointer<UInt8>] = []
    var thinking: String?
    var refusal: String?
    var finishReason: String?
    var usage: Usage?
    /// It is the whole answer of a server that does not stream: a `message` where there should be a `delta`.
    var isUnstreamed = false
  }

  /// The reasons that are ends of answers, the vendor's and others' (docs.mistral.ai has `model_length`).
  private static let reasons: [String: FinishReason] = [
    "stop": .stop, "tool_calls": .stop, "function_call": .stop, "content_filter": .stop, "length": .length,
    "max_tokens": .length, "model_length": .length,
  ]
  /// The reasons that are failures: OpenRouter's and Mistral's, and DeepSeek's for a machine that had no room for more.
  private static let failedReasons: Set<String> = ["error", "insufficient_system_resource"]

  mutating func parse(
    _ data: UnsafeBufferPointer<UInt8>, _ frame: UnsafeBufferPointer<UInt8>?, into batch: inout AnswerBatch
  ) throws {
    if data.elementsEqual("[DONE]".utf8) {
      tally.hasEnded = true
      return
    }
    var said = Said(index: index)
    try JSONScanner.scan(buffer: data) { try Self.chunk(&$0, &said) }
    index = said.index
    if let error = said.error, error != .null { throw tally.failure(error) }
    if let usage = said.usage { tally.usage = usage }
    tally.think(said.thinking, into: &batch)
    if let refusal = said.refusal, !refusal.isEmpty {
      tally.refusal = (tally.refusal ?? "") + refusal
    }
    tally.isUnstreamed = said.isUnstreamed
    for part in said.parts where part.count > 2 { try tally.say(part, into: &batch) }
    if let content = said.content, content.count > 2 {
      try tally.say(content, into: &batch)
      let isPlain =
        said.usage == nil && said.thinking == nil && said.refusal == nil && said.finishReason == nil
      shape.learn(frame, content: content, isPlain: isPlain && tally.hasText)
    }
    // Some servers send "" where null is meant (ollama/ollama#4357).
    guard let reason = said.finishReason, !reason.isEmpty else { return }
    guard !Self.failedReasons.contains(reason) else {
      throw tally.failure(.string("it stopped for the reason: \(reason)"))
    }
    tally.stop(reason, Self.reasons, into: &batch)
    if reason == "content_filter" {
      tally.refusal = tally.refusal ?? "its content filter held the answer back"
    }
  }

  private static func chunk(_ scanner: inout JSONScanner, _ said: inout Said) throws {
    try scanner.members { key, scanner in
      switch key {
      case "choices":
        guard try scanner.isArrayOrSkip() else { return }
        try scanner.elements { scanner in
          guard try scanner.isObjectOrSkip() else { return }
          var one = said
          one.index = nil
          try choice(&scanner, &one)
          one.index = one.index ?? 0
          if said.index == nil || said.index == one.index { said = one }
        }
      case "usage": said.usage = try usage(&scanner)
      case "error": said.error = try scanner.value()
      default: try scanner.skipValue()
      }
    }
  }

  private static func choice(_ scanner: inout JSONScanner, _ said: inout Said) throws {
    try scanner.members { key, scanner in
      switch key {
      case "delta", "message":
        if case "message" = key { said.isUnstreamed = true }
        guard try scanner.isObjectOrSkip() else { return }
        try scanner.members { key, scanner in
          switch key {
          case "content" where scanner.peek() == UInt8(ascii: "\""):
            said.content = try scanner.rawValue()
          case "content" where scanner.peek() == UInt8(ascii: "["):
            try scanner.elements { scanner in
              if let text = try part(&scanner) { said.parts.append(text) }
            }
          case "reasoning_content", "reasoning":
            said.thinking = try scanner.stringOrSkip() ?? said.thinking
          case "refusal": said.refusal = try scanner.stringOrSkip()
          default: try scanner.skipValue()
          }
        }
      case "index": said.index = try scanner.countOrSkip()
      case "finish_reason": said.finishReason = try scanner.stringOrSkip()
      // OpenRouter has it here, too.
      case "error":
        let error = try scanner.value()
        if error != .null { said.error = error }
      default: try scanner.skipValue()
      }
    }
  }

  /// The text of a part of a content (docs.mistral.ai); nil for a part of another type.
  private static func part(_ scanner: inout JSONScanner) throws -> UnsafeBufferPointer<UInt8>? {
    guard try scanner.isObjectOrSkip() else { return nil }
    var type: String?
    var text: UnsafeBufferPointer<UInt8>?
    try scanner.members { key, scanner in
      switch key {
      case "type": type = try scanner.stringOrSkip()
      case "text" where scanner.peek() == UInt8(ascii: "\""): text = try scanner.rawValue()
      default: try scanner.skipValue()
      }
    }
    return type ?? "text" == "text" ? text : nil
  }

  private static func usage(_ scanner: inout JSONScanner) throws -> Usage? {
    guard try scanner.isObjectOrSkip() else { return nil }
    var usage = Usage()
    try scanner.members { key, scanner in
      switch key {
      case "prompt_tokens": usage.promptTokens = try scanner.countOrSkip()
      case "completion_tokens": usage.completionTokens = try scanner.countOrSkip()
      case "prompt_tokens_details":
        guard try scanner.isObjectOrSkip() else { return }
        try scanner.members { key, scanner in
          switch key {
          case "cached_tokens": usage.cachedTokens = try scanner.countOrSkip()
          default: try scanner.skipValue()
          }
        }
      default: try scanner.skipValue()
      }
    }
    return usage
  }
}

extension JSONValue {
  /// The `error` member of an object that has one, else the value itself.
  var innerError: JSONValue { objectValue?["error"] ?? self }
}
