// What comes out of a provider's bytes.

/// How an answer ended well.
public struct AnswerEnd: Sendable, Equatable {
  public var reason: FinishReason
  public var usage: Usage?

  public init(reason: FinishReason, usage: Usage?) {
    self.reason = reason
    self.usage = usage
  }
}

/// What one block of the network held. The tokens lie end to end, so that writing them all is one write.
public struct AnswerBatch: Sendable, Equatable {
  /// A longer token is told as several, so that its record is no longer than a line may be: there a byte may become six.
  static let tokenLimitBytes = 128 << 10

  /// All tokens, UTF-8.
  public private(set) var text: [UInt8] = []
  /// Where each token ends in `text`; none is empty.
  public private(set) var tokenEnds: [Int] = []
  /// What the model thought aloud.
  public internal(set) var reasoning = ""
  /// What was skipped and why.
  public internal(set) var notices: [String] = []
  /// What is odd without harm: for whoever wants to know what is done.
  public internal(set) var remarks: [String] = []

  public init() {}

  public var isEmpty: Bool { tokenEnds.isEmpty && reasoning.isEmpty && notices.isEmpty && remarks.isEmpty }

  /// The tokens, in order.
  public var tokens: [String] {
    var start = 0
    return tokenEnds.map { end in
      defer { start = end }
      return String(decoding: text[start..<end], as: UTF8.self)
    }
  }

  /// Empties the batch and keeps its memory.
  mutating func reset() {
    text.removeAll(keepingCapacity: true)
    tokenEnds.removeAll(keepingCapacity: true)
    reasoning = ""
    notices = []
    remarks = []
  }

  /// Drops the tokens that do not fit whole into so many bytes.
  mutating func keep(bytes limit: Int) {
    let count = tokenEnds.firstIndex { $0 > limit } ?? tokenEnds.count
    tokenEnds.removeLast(tokenEnds.count - count)
    text.removeLast(text.count - (tokenEnds.last ?? 0))
  }

  /// The first tokens, with whatever is none, and the others.
  public func divided(after count: Int) -> (first: AnswerBatch, rest: AnswerBatch) {
    guard count > 0, count < tokenEnds.count else { return (self, AnswerBatch()) }
    var (first, rest) = (self, AnswerBatch())
    let end = tokenEnds[count - 1]
    first.keep(bytes: end)
    rest.text = Array(text[end...])
    rest.tokenEnds = tokenEnds[count...].map { $0 - end }
    return (first, rest)
  }

  /// Adds tokens that lie end to end, and where each ends in the text.
  mutating func add(_ tokens: UnsafeBufferPointer<UInt8>, ends: some Collection<Int>) {
    text.append(contentsOf: tokens)
    guard tokens.count > Self.tokenLimitBytes else { return tokenEnds.append(contentsOf: ends) }
    for end in ends { endToken(at: end) }
  }

  private mutating func endToken(at end: Int) {
    var start = tokenEnds.last ?? 0
    while end - start > Self.tokenLimitBytes {
      var cut = start + Self.tokenLimitBytes
      // Between two characters: the bytes within one begin with 10 (RFC 3629).
      while cut > start + 1, text[cut] & 0xC0 == 0x80 { cut -= 1 }
      tokenEnds.append(cut)
      start = cut
    }
    tokenEnds.append(end)
  }

  /// Lets `append` add UTF-8 to the text; what it added, if anything, is one token.
  mutating func token(_ append: (inout [UInt8]) throws -> Void) rethrows {
    let start = text.count
    do {
      try append(&text)
    } catch {
      text.removeLast(text.count - start)
      throw error
    }
    if text.count > start { endToken(at: text.count) }
  }
}

/// Reads one answer: blocks of bytes in, however they are cut; tokens out. A value; it does no I/O.
public protocol AnswerParser: Sendable {
  /// Adds what ends in the block to `batch`. What came before a failure is in the batch.
  /// - Throws: `GibseyError` for a failure that the stream tells.
  mutating func consume(_ block: UnsafeBufferPointer<UInt8>, into batch: inout AnswerBatch) throws
  /// Whether the end of the answer has been read: nothing after it counts.
  var hasEnded: Bool { get }
  /// Whether the provider has said why it stopped: of the answer nothing is missing, whatever is lost from here on.
  var isWhole: Bool { get }
  /// What the stream has told of the usage so far.
  var usage: Usage? { get }
  /// The lines read so far, those without tokens included: a sign of life.
  var lineCount: Int { get }
  /// The end of the bytes.
  /// The start of a line that has no end is no line: it is what a cut leaves, and passed over.
  /// - Throws: `streamCut` when the answer's own end is missing, `emptyAnswer`, `refusedToAnswer`.
  mutating func finish(into batch: inout AnswerBatch) throws -> AnswerEnd
}

/// What every parser keeps of an answer, and the verdict at its end.
struct AnswerTally: Sendable {
  let provider: String
  let key: APIKey?
  let keyName: String?
  let model: String
  /// White space is told once something comes that can be seen, or there is so much of it, in bytes: an answer of nothing else is
  /// none, and another provider may be asked.
  private static let blankLimitBytes = 4096
  private(set) var hasText = false
  private var blanks: [[UInt8]] = []
  private var blankBytes = 0
  var hasThought = false
  var hasEnded = false
  private var skippedCount = 0
  /// Why the provider stopped. This, not what comes after it, is the terminal event of an answer.
  var reason: FinishReason?
  /// An object that is no event held the answer from its beginning to its end.
  var isUnstreamed = false
  /// The model's words when it refused, or the provider's when it held the answer back.
  var refusal: String?
  var usage: Usage?

  init(_ provider: some ChatProvider) {
    self.provider = provider.name
    key = provider.account.key
    keyName = provider.keyName
    model = provider.account.model
  }

  /// The failure that a stream told in place of more answer.
  func failure(_ error: JSONValue) -> GibseyError {
    ProviderComplaint(error, key: key).error(
      provider: provider, keyName: keyName, model: model, retryAfterMilliseconds: nil)
  }

  /// The failure that an event named `error` told, whether or not its data are JSON.
  func failure(_ data: UnsafeBufferPointer<UInt8>) -> GibseyError {
    failure(
      (try? JSONScanner.scan(buffer: data) { try $0.value() })?.innerError
        ?? .string(String(decoding: data, as: UTF8.self)))
  }

  /// Adds what the model thought, if it did.
  mutating func think(_ thought: String?, into batch: inout AnswerBatch) {
    guard let thought, !thought.isEmpty else { return }
    hasThought = true
    batch.reasoning += thought
  }

  /// Adds a token: a string of JSON, with its quotes, that is not empty.
  /// - Throws: `JSONError`.
  mutating func say(_ content: UnsafeBufferPointer<UInt8>, into batch: inout AnswerBatch) throws {
    guard !hasText else {
      return try batch.token { text in try JSONScanner.scan(buffer: content) { try $0.appendString(to: &text) } }
    }
    var token: [UInt8] = []
    try JSONScanner.scan(buffer: content) { try $0.appendString(to: &token) }
    guard !token.isEmpty else { return }
    blanks.append(token)
    blankBytes += token.count
    hasText = Self.isVisible(token)
    guard hasText || blankBytes > Self.blankLimitBytes else { return }
    for blank in blanks { batch.token { $0 += blank } }
    (blanks, blankBytes) = ([], 0)
  }

  /// Whether a reader sees something of it.
  private static func isVisible(_ text: [UInt8]) -> Bool {
    if text.contains(where: { (0x21...0x7E).contains($0) }) { return true }
    return String(decoding: text, as: UTF8.self).unicodeScalars.contains { scalar in
      let category = scalar.properties.generalCategory
      return !scalar.properties.isWhitespace && category != .control && category != .format
    }
  }

  var isWhole: Bool { hasEnded || reason != nil }

  /// Notes why the provider stopped, in its own words.
  mutating func stop(_ words: String, _ reasons: [String: FinishReason], into batch: inout AnswerBatch) {
    reason = reasons[words] ?? .stop
    guard reasons[words] == nil else { return }
    batch.remarks.append("\(provider) stopped for a reason that is not known here: \(words.prefix(Self.reasonLimit))")
  }

  /// The longest reason that is told, in characters.
  private static let reasonLimit = 40

  /// A lost last frame is forgiven once the provider said why it stopped.
  func verdict() throws -> AnswerEnd {
    if let refusal { throw GibseyError.refusedToAnswer(provider: provider, reason: refusal) }
    guard isWhole else {
      throw GibseyError.streamCut(provider: provider, reason: "the stream stopped without its end")
    }
    guard hasText else { throw GibseyError.emptyAnswer(provider: provider, thought: hasThought) }
    return AnswerEnd(reason: reason ?? .stop, usage: usage)
  }

  /// Beyond this many unreadable lines it is no answer: a page of a proxy, another protocol.
  private static let skippedLimit = 8

  /// Notes a piece of the stream that could not be read.
  /// - Throws: `GibseyError.streamCut` when there were too many.
  mutating func skipped(_ error: any Error, into batch: inout AnswerBatch) throws {
    skippedCount += 1
    guard skippedCount <= Self.skippedLimit else {
      throw GibseyError.streamCut(provider: provider, reason: "too many unreadable lines")
    }
    let reason = (error as? JSONError)?.reason ?? "longer than \(RecordCoder.lineLimitBytes) bytes"
    batch.notices.append("skipped an unreadable line of the answer: \(reason)")
  }
}

extension JSONScanner {
  /// Appends the text of the string at the cursor, without building a String; anything else is skipped.
  mutating func appendString(to bytes: inout [UInt8]) throws {
    guard peek() == UInt8(ascii: "\"") else { return try skipValue() }
    let raw = try rawValue()
    let inner = UnsafeBufferPointer(rebasing: raw[1..<raw.count - 1])
    var highest: UInt8 = 0
    var hasEscape = false
    for byte in inner {
      highest |= byte
      hasEscape = hasEscape || byte == UInt8(ascii: "\\")
    }
    if hasEscape || highest >= 0x80 {
      bytes.append(contentsOf: try JSONScanner.scan(buffer: raw) { try $0.string() }.utf8)
    } else {
      bytes.append(contentsOf: inner)
    }
  }
}
