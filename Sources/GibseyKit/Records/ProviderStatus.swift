// How a provider is, as far as can be told without an answer.

/// A record of type `provider_status`.
public struct ProviderStatus: RecordData {
  /// What is known of the key.
  public enum Key: String, Sendable {
    /// It is asked without one.
    case none
    /// It was sent, and what nobody gets without a key came back.
    case accepted
    case refused
    /// It was sent, but what came back comes without one too.
    case unchecked
  }

  public var provider: String
  /// Host and port.
  public var address: String?
  /// The model that would be asked.
  public var model: String?
  /// Whether it has the settings that it needs.
  public var isConfigured: Bool
  /// Nil when it was not tried.
  public var isReachable: Bool?
  public var key: Key?
  /// Nil when it does not tell.
  public var hasModel: Bool?
  /// Whether nothing is known that would keep it from answering.
  public var isReady: Bool
  public var version: String?
  /// The longest prompt and answer together.
  public var contextTokens: Int?
  public var durationMilliseconds: Int?
  /// What is wrong: the code and the sentence of an `error`, and what helps.
  public var code: String?
  public var message: String?
  public var hint: String?

  public init(provider: String, address: String? = nil, model: String? = nil, isConfigured: Bool) {
    self.provider = provider
    self.address = address
    self.model = model
    self.isConfigured = isConfigured
    isReady = false
  }

  public init(_ fields: RecordFields) throws {
    provider = try fields.string("provider")
    address = try fields.optionalString("address")
    model = try fields.optionalString("model")
    isConfigured = try fields.bool("configured")
    isReachable = try fields.optionalBool("reachable")
    key = try fields.optionalString("key").flatMap { Key(rawValue: $0) }
    hasModel = try fields.optionalBool("model_present")
    isReady = try fields.bool("ready")
    version = try fields.optionalString("version")
    contextTokens = try fields.optionalInteger("context_tokens")
    durationMilliseconds = try fields.optionalInteger("duration_ms")
    code = try fields.optionalString("code")
    message = try fields.optionalString("message")
    hint = try fields.optionalString("hint")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("provider", provider)
    writer.member("address", address)
    writer.member("model", model)
    writer.member("configured", isConfigured)
    writer.member("reachable", isReachable)
    writer.member("key", key?.rawValue)
    writer.member("model_present", hasModel)
    writer.member("ready", isReady)
    writer.member("version", version)
    writer.member("context_tokens", contextTokens)
    writer.member("duration_ms", durationMilliseconds)
    writer.member("code", code)
    writer.member("message", message)
    writer.member("hint", hint)
  }
}

/// A record of type `provider_model`: a model that a provider offers.
public struct ProviderModel: RecordData {
  public var provider: String
  public var model: String
  /// Whether it is the one that would be asked.
  public var isChosen: Bool

  public init(provider: String, model: String, isChosen: Bool) {
    self.provider = provider
    self.model = model
    self.isChosen = isChosen
  }

  public init(_ fields: RecordFields) throws {
    provider = try fields.string("provider")
    model = try fields.string("model")
    isChosen = try fields.optionalBool("chosen") ?? false
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("provider", provider)
    writer.member("model", model)
    writer.member("chosen", isChosen)
  }
}
