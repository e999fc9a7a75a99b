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

  /// A key shorter than this stands in many texts, and is nobody's.
  private static let shortestBytes = 4
  /// So much of its beginning is as good as the key, wherever it stands.
  private static let longPrefixBytes = 16
  /// So much of its beginning, where a text ends, is what a cut left of the key.
  private static let cutPrefixBytes = 8

  /// The text without the key, should a server have repeated it.
  func redacting(_ text: String) -> String {
    let utf8 = Array(text.utf8)
    let clean = redacting(utf8)
    return clean == utf8 ? text : String(decoding: clean, as: UTF8.self)
  }

  /// The bytes with `…` in the place of the key, of a long beginning of it, and of what a cut at their end left of it.
  func redacting(_ bytes: [UInt8]) -> [UInt8] {
    let secret = Array(secret.utf8)
    guard secret.count >= Self.shortestBytes else { return bytes }
    var clean: [UInt8] = []
    clean.reserveCapacity(bytes.count)
    var place = 0
    while place < bytes.count {
      let count = zip(bytes[place...], secret).prefix { $0 == $1 }.count
      let wanted = place + count == bytes.count ? Self.cutPrefixBytes : Self.longPrefixBytes
      if count >= min(wanted, secret.count) {
        clean += "…".utf8
        place += count
      } else {
        clean.append(bytes[place])
        place += 1
      }
    }
    return clean
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
