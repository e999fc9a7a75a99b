// An answer as it comes: tokens, a change of provider, and exactly one end.

/// Tokens read and written, as the provider counted them.
public struct Usage: RecordData {
  public var promptTokens: Int?
  public var completionTokens: Int?
  public var cachedTokens: Int?
  /// True when the provider did not say and we counted.
  public var isEstimated: Bool
  /// By the user's own prices; nil without them.
  public var cost: Cost?

  public init(
    promptTokens: Int? = nil, completionTokens: Int? = nil, cachedTokens: Int? = nil,
    isEstimated: Bool = false, cost: Cost? = nil
  ) {
    self.cost = cost
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.cachedTokens = cachedTokens
    self.isEstimated = isEstimated
  }

  public init(_ fields: RecordFields) throws {
    promptTokens = try fields.optionalInteger("prompt_tokens")
    completionTokens = try fields.optionalInteger("completion_tokens")
    cachedTokens = try fields.optionalInteger("cached_tokens")
    isEstimated = try fields.optionalBool("estimated") ?? false
    cost = try fields.optionalObject("cost").map { try Cost(RecordFields($0)) }
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("prompt_tokens", promptTokens)
    writer.member("completion_tokens", completionTokens)
    writer.member("cached_tokens", cachedTokens)
    writer.member("estimated", isEstimated)
    guard let cost else { return }
    writer.key("cost")
    writer.object { cost.write(to: &$0) }
  }
}

/// A page that the answer named, and whether it was right to.
public struct Citation: RecordData {
  public var pageID: String
  public var isInPrompt: Bool
  public var quote: String?
  /// Whether the quoted words stand on that page.
  public var isVerified: Bool?

  public init(pageID: String, isInPrompt: Bool, quote: String? = nil, isVerified: Bool? = nil) {
    self.pageID = pageID
    self.isInPrompt = isInPrompt
    self.quote = quote
    self.isVerified = isVerified
  }

  public init(_ fields: RecordFields) throws {
    pageID = try fields.string("page_id")
    isInPrompt = try fields.bool("in_prompt")
    quote = try fields.optionalString("quote")
    isVerified = try fields.optionalBool("verified")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("page_id", pageID)
    writer.member("in_prompt", isInPrompt)
    writer.member("quote", quote)
    writer.member("verified", isVerified)
  }
}

/// Why an answer ended.
public enum FinishReason: String, Sendable { case stop, length, cancelled }

/// What the last record of an answer tells.
public struct Completion: Sendable, Equatable {
  public var finishReason: FinishReason
  public var provider: String
  public var model: String
  public var promptID: String
  public var usage: Usage?
  public var citations: [Citation]
  public var timeToFirstTokenMilliseconds: Int?
  public var durationMilliseconds: Int

  public init(
    finishReason: FinishReason, provider: String, model: String, promptID: String, usage: Usage? = nil,
    citations: [Citation] = [], timeToFirstTokenMilliseconds: Int? = nil, durationMilliseconds: Int
  ) {
    self.finishReason = finishReason
    self.provider = provider
    self.model = model
    self.promptID = promptID
    self.usage = usage
    self.citations = citations
    self.timeToFirstTokenMilliseconds = timeToFirstTokenMilliseconds
    self.durationMilliseconds = durationMilliseconds
  }
}

/// A record of type `ai_response_stream`: one token, or the end.
public struct ResponseStream: RecordData {
  public var responseID: String
  public var token: String
  public var timestamp: String
  /// 0, 1, 2 … without a gap.
  public var seq: Int
  public var requestID: String?
  public var sessionID: String?
  /// Present in the last record only, which is then complete.
  public var completion: Completion? = nil
  public var isComplete: Bool { completion != nil }

  public init(
    responseID: String, token: String, timestamp: String, seq: Int, requestID: String? = nil,
    sessionID: String? = nil, completion: Completion? = nil
  ) {
    self.responseID = responseID
    self.token = token
    self.timestamp = timestamp
    self.seq = seq
    self.requestID = requestID
    self.sessionID = sessionID
    self.completion = completion
  }

  public init(_ fields: RecordFields) throws {
    responseID = try fields.string("response_id")
    token = try fields.string("token")
    timestamp = try fields.string("timestamp")
    seq = try fields.optionalInteger("seq") ?? 0
    requestID = try fields.requestID()
    sessionID = try fields.optionalString("session_id")
    guard try fields.bool("is_complete") else { return }
    let name = try fields.optionalString("finish_reason") ?? FinishReason.stop.rawValue
    guard let reason = FinishReason(rawValue: name) else { throw RecordProblem("finish_reason: unknown \(name)") }
    completion = Completion(
      finishReason: reason, provider: try fields.optionalString("provider") ?? "",
      model: try fields.optionalString("model") ?? "",
      promptID: try fields.optionalString("prompt_id") ?? "",
      usage: try fields.optionalObject("usage").map { try Usage(RecordFields($0)) },
      citations: try fields.list("citations") { try Citation($0) },
      timeToFirstTokenMilliseconds: try fields.optionalInteger("time_to_first_token_ms"),
      durationMilliseconds: try fields.optionalInteger("duration_ms") ?? 0)
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("response_id", responseID)
    writer.member("token", token)
    writer.member("is_complete", isComplete)
    writer.member("timestamp", timestamp)
    writer.member("seq", seq)
    writer.member("request_id", requestID)
    writer.member("session_id", sessionID)
    guard let completion else { return }
    writer.member("finish_reason", completion.finishReason.rawValue)
    // Nobody was asked: the question was stopped before.
    for (name, value) in [
      ("provider", completion.provider), ("model", completion.model), ("prompt_id", completion.promptID),
    ] where !value.isEmpty { writer.member(name, value) }
    if let usage = completion.usage {
      writer.key("usage")
      writer.object { usage.write(to: &$0) }
    }
    writer.key("citations")
    writer.array(completion.citations) { writer, citation in writer.object { citation.write(to: &$0) } }
    writer.member("time_to_first_token_ms", completion.timeToFirstTokenMilliseconds)
    writer.member("duration_ms", completion.durationMilliseconds)
  }
}

/// A record of type `provider_switched`: a fallback took over.
public struct ProviderSwitched: RecordData {
  public var responseID: String
  public var from: String
  public var to: String
  public var reason: String
  /// The last `seq` sent before the switch; -1 when there was none.
  public var afterSeq: Int
  public var requestID: String?
  public var sessionID: String?

  public init(
    responseID: String, from: String, to: String, reason: String, afterSeq: Int, requestID: String? = nil,
    sessionID: String? = nil
  ) {
    self.responseID = responseID
    self.from = from
    self.to = to
    self.reason = reason
    self.afterSeq = afterSeq
    self.requestID = requestID
    self.sessionID = sessionID
  }

  public init(_ fields: RecordFields) throws {
    responseID = try fields.string("response_id")
    from = try fields.string("from")
    to = try fields.string("to")
    reason = try fields.string("reason")
    afterSeq = try fields.integer("after_seq")
    requestID = try fields.requestID()
    sessionID = try fields.optionalString("session_id")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("response_id", responseID)
    writer.member("from", from)
    writer.member("to", to)
    writer.member("reason", reason)
    writer.member("after_seq", afterSeq)
    writer.member("request_id", requestID)
    writer.member("session_id", sessionID)
  }
}

/// A record of type `error`. Its message never shows internals, and it is never spoken in a character's voice.
public struct ErrorRecord: RecordData {
  public var message: String
  public var code: String
  public var timestamp: String
  public var isRetryable: Bool
  public var responseID: String?
  public var requestID: String?
  public var sessionID: String?
  public var afterSeq: Int?
  public var retryAfterMilliseconds: Int?
  public var usage: Usage?

  public init(
    message: String, code: String, timestamp: String, isRetryable: Bool, responseID: String? = nil,
    requestID: String? = nil, sessionID: String? = nil, afterSeq: Int? = nil,
    retryAfterMilliseconds: Int? = nil, usage: Usage? = nil
  ) {
    self.message = message
    self.code = code
    self.timestamp = timestamp
    self.isRetryable = isRetryable
    self.responseID = responseID
    self.requestID = requestID
    self.sessionID = sessionID
    self.afterSeq = afterSeq
    self.retryAfterMilliseconds = retryAfterMilliseconds
    self.usage = usage
  }

  public init(_ fields: RecordFields) throws {
    message = try fields.string("message")
    code = try fields.string("code")
    timestamp = try fields.optionalString("timestamp") ?? ""
    isRetryable = try fields.optionalBool("retryable") ?? false
    responseID = try fields.optionalString("response_id")
    requestID = try fields.requestID()
    sessionID = try fields.optionalString("session_id")
    afterSeq = try fields.optionalInteger("after_seq")
    retryAfterMilliseconds = try fields.optionalInteger("retry_after_ms")
    usage = try fields.optionalObject("usage").map { try Usage(RecordFields($0)) }
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("message", message)
    writer.member("code", code)
    writer.member("timestamp", timestamp)
    writer.member("retryable", isRetryable)
    writer.member("response_id", responseID)
    writer.member("request_id", requestID)
    writer.member("session_id", sessionID)
    writer.member("after_seq", afterSeq)
    writer.member("retry_after_ms", retryAfterMilliseconds)
    if let usage {
      writer.key("usage")
      writer.object { usage.write(to: &$0) }
    }
  }
}
