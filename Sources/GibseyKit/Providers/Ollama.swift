// Ollama's /api/chat: newline-delimited JSON (ollama.com/docs, server/routes.go).

/// A local or remote Ollama.
public struct Ollama: ChatProvider {
  public static let name = "ollama"
  /// The reply that the context window has room for when no limit is set, in tokens.
  private static let defaultReplyTokens = 2048
  /// The budget assumed for a prompt that does not tell one, in tokens.
  private static let defaultBudgetTokens = 6000
  /// What chat templates and other tokenizers add beyond the estimate, in tokens.
  private static let slackTokens = 128

  public let account: ProviderAccount
  public var vendorHost: String? { nil }
  public var name: String { Self.name }
  public var keyName: String? { nil }

  public init(account: ProviderAccount) { self.account = account }

  public func request(for prompt: Prompt, options: RequestOptions, lessons: RequestLessons) -> HTTPRequest {
    let maxTokens = options.maxTokens ?? account.maxTokens
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("model", model(options))
      writer.messages(prompt.joinedMessages)
      writer.member("stream", true)
      // Without these two the server drops what does not fit and answers with 200 (server/prompt.go).
      writer.member("truncate", false)
      writer.member("shift", false)
      writer.key("options")
      writer.object { writer in
        writer.member(
          "num_ctx", Self.window(for: prompt, replyTokens: maxTokens ?? Self.defaultReplyTokens))
        writer.member("num_predict", maxTokens)
        writer.member("temperature", options.temperature ?? account.temperature)
      }
    }
    return HTTPRequest(
      method: .post, url: account.baseURL.appending("/api/chat"), headers: headers,
      body: writer.bytes)
  }

  private var headers: [HTTPHeader] {
    let key = account.key.map { [HTTPHeader("Authorization", "Bearer \($0.secret)")] } ?? []
    return [HTTPHeader("Content-Type", "application/json")] + key
  }

  public func request(asking question: ProviderQuestion) -> HTTPRequest? {
    let url = account.baseURL.appending(question == .version ? "/api/version" : "/api/tags")
    guard case .model(let model) = question else { return HTTPRequest(method: .get, url: url, headers: headers) }
    var writer = JSONWriter()
    writer.object { $0.member("model", model) }
    return HTTPRequest(
      method: .post, url: account.baseURL.appending("/api/show"), headers: headers, body: writer.bytes)
  }

  public func makeParser() -> any AnswerParser { OllamaParser(AnswerTally(self)) }

  /// The context window to ask for, in tokens: constant for one budget, because another one reloads the model.
  static func window(for prompt: Prompt, replyTokens: Int) -> Int {
    // Three bytes a token is on the safe side of every tokenizer measured; only untold prompts need it.
    let bytes = prompt.messages.reduce(0) { $0 + $1.content.utf8.count }
    let told = prompt.tokens.map { max($0.budget, $0.total) }
    let needed = (told ?? max(defaultBudgetTokens, bytes / 3)) + replyTokens + slackTokens
    return max(8192, (needed + 1023) / 1024 * 1024)
  }
}

/// Reads the lines of one answer.
struct OllamaParser: FramedParser {
  private var lines = LineSplitter(limitBytes: RecordCoder.lineLimitBytes)
  private var tally: AnswerTally
  var shape = FrameShape()
  /// An object over several lines, as of a server that does not stream.
  private var object: OpenObject?

  init(_ tally: AnswerTally) { self.tally = tally }

  var hasEnded: Bool { tally.hasEnded }
  var isWhole: Bool { tally.isWhole }
  var usage: Usage? { tally.usage }
  var lineCount: Int { parsedCount + shape.count }
  private var parsedCount = 0

  mutating func read(_ block: UnsafeBufferPointer<UInt8>, isStrange: Bool, into batch: inout AnswerBatch) throws {
    guard !block.isEmpty else { return }
    var lines = self.lines
    defer { self.lines = lines }
    try lines.consumeInPlace(block) { bytes, start in
      isStrange || tally.hasEnded || object != nil ? start : shape.take(bytes, from: start, into: &batch)
    } _: { line, frame in
      try read(line, frame, into: &batch)
    }
  }

  mutating func finish(into batch: inout AnswerBatch) throws -> AnswerEnd {
    try readStrange(shape.release(), into: &batch)
    var lines = self.lines
    let notices = batch.notices
    try lines.finish { line in
      guard case .whole(let bytes) = line else { return }
      try bytes.withUnsafeBufferPointer { try read($0, nil, into: &batch) }
    }
    try endObject(into: &batch)
    batch.notices = notices
    return try tally.verdict()
  }

  /// - Parameter frame: the line with its end, where both lie in one piece.
  private mutating func read(
    _ line: UnsafeBufferPointer<UInt8>?, _ frame: UnsafeBufferPointer<UInt8>?, into batch: inout AnswerBatch
  ) throws {
    parsedCount += 1
    if parsedCount == 1, let marked = line, marked.starts(with: ByteOrderMark.utf8) {
      return try read(UnsafeBufferPointer(rebasing: marked[ByteOrderMark.utf8.count...]), nil, into: &batch)
    }
    guard !tally.hasEnded, line.map({ !$0.isEmpty }) ?? true else { return }
    if let line, object != nil, try isOfObject(line, into: &batch) { return }
    try parseOrSkip(line, frame, into: &batch)
  }

  /// Whether the line goes on with the object that is open. One that is an object by itself ends that: it was cut.
  private mutating func isOfObject(
    _ line: UnsafeBufferPointer<UInt8>, into batch: inout AnswerBatch
  ) throws -> Bool {
    let isObject = line.first == UInt8(ascii: "{") && OpenObject.depth(line) == 0
    let isOfObject = !isObject && object?.add(line) == true
    if !isOfObject || object?.isClosed == true { try endObject(into: &batch) }
    return isOfObject
  }

  private mutating func endObject(into batch: inout AnswerBatch) throws {
    guard let bytes = object?.bytes else { return }
    object = nil
    try bytes.withUnsafeBufferPointer { try parseOrSkip($0, nil, mayOpen: false, into: &batch) }
  }

  private mutating func parseOrSkip(
    _ line: UnsafeBufferPointer<UInt8>?, _ frame: UnsafeBufferPointer<UInt8>?, mayOpen: Bool = true,
    into batch: inout AnswerBatch
  ) throws {
    do {
      guard let line else { throw LineTooLong() }
      try parse(line, frame, into: &batch)
    } catch let error as GibseyError {
      throw error
    } catch {
      if mayOpen, let line { object = OpenObject(line, limitBytes: RecordCoder.lineLimitBytes) }
      if object == nil { try tally.skipped(error, into: &batch) }
    }
  }

  private static let reasons: [String: FinishReason] = [
    "stop": .stop, "load": .stop, "unload": .stop, "length": .length,
  ]

  /// What one line says besides its token.
  private struct Said {
    var error: JSONValue?
    var thinking: String?
    var isDone = false
    var doneReason: String?
    var usage = Usage()
    var content: UnsafeBufferPointer<UInt8>?
  }

  private mutating func parse(
    _ line: UnsafeBufferPointer<UInt8>, _ frame: UnsafeBufferPointer<UInt8>?, into batch: inout AnswerBatch
  ) throws {
    var said = Said()
    try JSONScanner.scan(buffer: line) { try Self.members(&$0, &said) }
    if let error = said.error, error != .null { throw tally.failure(error) }
    tally.think(said.thinking, into: &batch)
    if let content = said.content, content.count > 2 {
      try tally.say(content, into: &batch)
      shape.learn(frame, content: content, isPlain: !said.isDone && said.thinking == nil && tally.hasText)
    }
    guard said.isDone else { return }
    tally.hasEnded = true
    if let reason = said.doneReason, !reason.isEmpty { tally.stop(reason, Self.reasons, into: &batch) }
    if said.usage.promptTokens != nil || said.usage.completionTokens != nil {
      tally.usage = said.usage
    }
  }

  private static func members(_ scanner: inout JSONScanner, _ said: inout Said) throws {
    try scanner.members { key, scanner in
      switch key {
      case "message":
        guard try scanner.isObjectOrSkip() else { return }
        try scanner.members { key, scanner in
          switch key {
          case "content" where scanner.peek() == UInt8(ascii: "\""):
            said.content = try scanner.rawValue()
          case "thinking": said.thinking = try scanner.stringOrSkip()
          default: try scanner.skipValue()
          }
        }
      case "done": said.isDone = try scanner.boolOrSkip() ?? false
      case "done_reason": said.doneReason = try scanner.stringOrSkip()
      case "prompt_eval_count": said.usage.promptTokens = try scanner.countOrSkip()
      case "eval_count": said.usage.completionTokens = try scanner.countOrSkip()
      case "error": said.error = try scanner.value()
      default: try scanner.skipValue()
      }
    }
  }
}

/// A line or an event over the limit.
struct LineTooLong: Error {}
