// What a provider says when it does not answer, in whichever shape, and the failure that it means.

/// A provider's own words about a failure, found in the body of an error response or inside a stream.
struct ProviderComplaint: Equatable, Sendable {
  /// Its words are kept up to this length.
  private static let wordsLimit = 300

  var status: Int?
  var words: String
  /// The machine-readable `type` and `code`, joined by a space.
  var kind: String
  /// The parameter that it names.
  var parameter: String?

  /// More of a body that is no JSON is not looked at.
  private static let plainLimitBytes = 64 << 10

  /// From an error response.
  init(_ head: HTTPHead, body: [UInt8], key: APIKey?) {
    let isPage = head.value("content-type")?.lowercased().contains("html") == true
    self.init(status: head.status, body: body, key: key, isPage: isPage)
  }

  /// JSON in any of the usual shapes, or whatever a proxy wrote.
  /// - Parameter isPage: whether it is called a web page; one that begins like one is taken for one, too.
  init(status: Int?, body: [UInt8], key: APIKey?, isPage: Bool = false) {
    self.status = status
    self.kind = ""
    self.words = ""
    if let object = Self.object(body) {
      read(object)
    } else {
      // The key goes first: of one that is cut or has lost a tag nobody can tell any more that it is one.
      let plain = Array(body.prefix(Self.plainLimitBytes))
      let text = String(decoding: key?.redacting(plain) ?? plain, as: UTF8.self)
      let words = isPage || PageWords.isPage(body) ? PageWords.words(text) : text
      self.words = words.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    tidy(key)
  }

  /// The object that a body is; Google's has a list around it.
  private static func object(_ body: [UInt8]) -> JSONObject? {
    let value = try? JSONScanner.scan(body) { try $0.value() }
    return value?.objectValue ?? value?.arrayValue?.first?.objectValue
  }

  /// From the `error` value inside a stream.
  init(_ error: JSONValue, key: APIKey?) {
    self.status = nil
    self.kind = ""
    self.words = ""
    var object = JSONObject()
    object["error"] = error
    read(object)
    if status == nil || status ?? 0 < 400 { status = Self.status(ofKind: kind) }
    tidy(key)
  }

  /// Shapes: {"error":"…"}, {"error":{"message","type","code"}}, {"message":…}, {"detail":…}.
  private mutating func read(_ object: JSONObject) {
    switch object["error"] {
    case .string(let text): words = text
    case .object(let error):
      words = error["message"]?.stringValue ?? JSONValue.object(error).text
      let details = error["details"]?.objectValue?["error_code"]
      kind = [error["type"], error["code"], details].compactMap { $0?.stringValue }.joined(
        separator: " ")
      parameter = error["param"]?.stringValue
      if status == nil { status = error["code"]?.integerValue ?? error["status"]?.integerValue }
    case nil, .null, .bool, .number, .array:
      words =
        object["message"]?.stringValue ?? object["detail"]?.stringValue
        ?? JSONValue.object(object).text
      kind = object["code"]?.stringValue ?? ""
    }
  }

  private mutating func tidy(_ key: APIKey?) {
    if let key { words = key.redacting(words) }
    if words.count > Self.wordsLimit { words = words.prefix(Self.wordsLimit) + "…" }
    while words.hasSuffix(".") || words.hasSuffix("\n") { words.removeLast() }
    if words.isEmpty { words = "no reason given" }
  }

  /// The status that a vendor gives an error of this kind when it comes before the stream.
  private static func status(ofKind kind: String) -> Int? {
    if kind.contains("overloaded_error") { return 529 }
    if kind.contains("rate_limit") || kind.contains("insufficient_quota") { return 429 }
    if kind.contains("authentication_error") || kind.contains("permission_error") { return 401 }
    if kind.contains("invalid_request_error") || kind.contains("exceed_context_size") { return 400 }
    return nil
  }

  func error(
    provider: String, keyName: String?, model: String, retryAfterMilliseconds: Int?
  ) -> GibseyError {
    if isQuota { return .quotaExhausted(provider: provider, reason: words) }
    guard let status, (300..<500).contains(status), status != 408, status != 409 else {
      return .providerFailed(
        provider: provider, status: status, reason: words, retryAfterMilliseconds: retryAfterMilliseconds)
    }
    switch status {
    case ..<400:
      return .requestRefused(provider: provider, status: status, reason: "a redirect, not followed")
    case 401, 403: return .keyRefused(provider: provider, keyName: keyName, reason: words)
    case 404 where isAboutModel, 400 where kind.contains("model_not_found"):
      return .modelMissing(provider: provider, model: model, reason: words)
    case 429:
      return .rateLimited(
        provider: provider, reason: words, retryAfterMilliseconds: retryAfterMilliseconds)
    default:
      return isTooLong
        ? .promptTooLong(provider: provider, reason: words)
        : .requestRefused(provider: provider, status: status, reason: words)
    }
  }

  private var isQuota: Bool {
    status == 402
      || [
        "insufficient_quota", "credit_balance_exhausted", "spend_limit", "usage_limit_exceeded",
        "billing",
      ].contains { kind.contains($0) } || words.contains("credit balance is too low")
  }

  /// Whether a number of the request is out of its range, as opposed to a name that is not known.
  var isAboutSize: Bool {
    let lower = words.lowercased()
    guard !kind.contains("unsupported_parameter"), !lower.contains("instead") else { return false }
    return ["invalid_value", "above_max", "below_min"].contains { kind.contains($0) }
      || [
        "too large", "too big", "too high", "too small", "at most", "at least", "exceed", "maximum", "must be",
        "less than", "greater than", "limit was reached",
      ].contains { lower.contains($0) }
  }

  private var isAboutModel: Bool { kind.contains("model") || words.lowercased().contains("model") }

  private var isTooLong: Bool {
    let lower = words.lowercased()
    return status == 413 || kind.contains("context_length_exceeded") || kind.contains("exceed_context_size")
      || [
        "context length", "context size", "context window", "prompt is too long",
        "prompt is longer",
      ].contains {
        lower.contains($0)
      }
  }
}
