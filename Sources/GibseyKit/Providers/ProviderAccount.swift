// Where a provider is, and with which key and defaults it is asked.

/// A key that no log shows: every description of it is masked.
public struct APIKey: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The key itself; only for the header that carries it.
  let secret: String

  /// - Returns: nil for an empty key.
  public init?(_ secret: String) {
    guard !secret.isEmpty else { return nil }
    self.secret = secret
  }

  public var description: String { "…" }
  public var debugDescription: String { "…" }
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// The text without the key, should a server have repeated it.
  func redacting(_ text: String) -> String {
    guard secret.count >= 4 else { return text }
    var rest = text[...]
    var clean = ""
    while let place = rest.firstRange(of: secret) {
      clean += rest[..<place.lowerBound] + "…"
      rest = rest[place.upperBound...]
    }
    return clean + rest
  }
}

/// One provider as the settings describe it.
public struct ProviderAccount: Sendable, Equatable {
  public var baseURL: WebAddress
  public var key: APIKey?
  public var model: String
  /// Sent only when set: many models refuse it.
  public var temperature: Double?
  public var maxTokens: Int?

  public init(
    baseURL: WebAddress, key: APIKey? = nil, model: String, temperature: Double? = nil,
    maxTokens: Int? = nil
  ) {
    self.baseURL = baseURL
    self.key = key
    self.model = model
    self.temperature = temperature
    self.maxTokens = maxTokens
  }
}

extension RequestOptions {
  /// These options, and the other ones where these say nothing.
  func filled(from other: RequestOptions?) -> RequestOptions {
    RequestOptions(
      provider: provider ?? other?.provider, model: model ?? other?.model,
      temperature: temperature ?? other?.temperature, maxTokens: maxTokens ?? other?.maxTokens,
      budgetTokens: budgetTokens ?? other?.budgetTokens)
  }
}
