// What a provider is told, and the rule that keeps a key from being sent to a stranger.

/// The settings of one provider, checked.
public struct ProviderSettings: Sendable, Equatable {
  /// The providers that there are, in the order in which `auto` tries them.
  public enum Name: String, Sendable, CaseIterable { case ollama, openai, anthropic }

  public let provider: Name
  public let account: ProviderAccount
  /// Whether `auto` may try it: it has a key, or an address of the user's that may need none.
  public let isConfigured: Bool
}

extension Settings {
  private struct Names {
    let baseURL: SettingName
    let key: SettingName?
    let model: SettingName
    let temperature: SettingName
    let maxTokens: SettingName
  }

  private static func names(of provider: ProviderSettings.Name) -> Names {
    switch provider {
    case .ollama:
      Names(
        baseURL: .ollamaBaseURL, key: nil, model: .ollamaModel, temperature: .ollamaTemperature,
        maxTokens: .ollamaMaxTokens)
    case .openai:
      Names(
        baseURL: .openAIBaseURL, key: .openAIKey, model: .openAIModel,
        temperature: .openAITemperature,
        maxTokens: .openAIMaxTokens)
    case .anthropic:
      Names(
        baseURL: .anthropicBaseURL, key: .anthropicKey, model: .claudeModel,
        temperature: .claudeTemperature, maxTokens: .claudeMaxTokens)
    }
  }

  /// The settings of one provider.
  ///
  /// A base URL from `./.env`, which may be a cloned stranger's, is never given a key from elsewhere.
  /// - Throws: `GibseyError.keyWithheld`, `.badSetting`.
  public func provider(_ provider: ProviderSettings.Name) throws -> ProviderSettings {
    let names = Self.names(of: provider)
    guard let address = self[names.baseURL], let model = string(names.model) else {
      throw GibseyError.ourBug("\(provider.rawValue) has no default")
    }
    let key = names.key.flatMap { self[$0] }
    if let key, address.origin == .environmentFile, key.origin != .environmentFile {
      throw GibseyError.keyWithheld(
        provider: provider.rawValue, urlName: names.baseURL.rawValue, keyName: key.name.rawValue)
    }
    if let key, key.value.utf8.contains(where: { $0 < 0x21 || $0 > 0x7E }) {
      throw key.wrong("a key without spaces and control characters")
    }
    return ProviderSettings(
      provider: provider,
      account: ProviderAccount(
        baseURL: try Self.checked(address), key: key.flatMap { APIKey($0.value) }, model: model,
        temperature: try number(names.temperature), maxTokens: try count(names.maxTokens)),
      isConfigured: names.key == nil || key != nil || address.origin != .defaultValue)
  }

  private static func checked(_ address: Setting) throws -> WebAddress {
    do {
      return try WebAddress(address.value)
    } catch {
      // The value may hold a password: it is not shown.
      throw GibseyError.badSetting(
        name: address.name.rawValue, value: "…", origin: address.origin.text, wanted: error.wanted)
    }
  }
}
