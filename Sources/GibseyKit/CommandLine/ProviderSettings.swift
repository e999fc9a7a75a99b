// What a provider is told, and the rule that keeps a key from being sent to a stranger.

/// The settings of one provider, checked.
public struct ProviderSettings: Sendable, Equatable {
  /// The providers that there are, in the order in which `auto` tries them.
  public enum Name: String, Sendable, CaseIterable { case ollama, openai, anthropic }

  public let provider: Name
  /// Without its key.
  public let account: ProviderAccount
  public let key: KeySource?
  /// Whether `auto` may try it: it has a key, or an address of the user's that may need none.
  public let isConfigured: Bool
}

extension Settings {
  private struct Names {
    let baseURL: SettingName
    let key: KeyNames?
    let vendorHost: String?
    let model: SettingName
    let temperature: SettingName
    let maxTokens: SettingName
  }

  private static func names(of provider: ProviderSettings.Name) -> Names {
    switch provider {
    case .ollama:
      Names(
        baseURL: .ollamaBaseURL, key: nil, vendorHost: nil, model: .ollamaModel, temperature: .ollamaTemperature,
        maxTokens: .ollamaMaxTokens)
    case .openai:
      Names(
        baseURL: .openAIBaseURL,
        key: KeyNames(value: .openAIKey, file: .openAIKeyFile, command: .openAIKeyCommand),
        vendorHost: OpenAI.vendorHost, model: .openAIModel,
        temperature: .openAITemperature,
        maxTokens: .openAIMaxTokens)
    case .anthropic:
      Names(
        baseURL: .anthropicBaseURL,
        key: KeyNames(value: .anthropicKey, file: .anthropicKeyFile, command: .anthropicKeyCommand),
        vendorHost: Anthropic.vendorHost, model: .claudeModel,
        temperature: .claudeTemperature, maxTokens: .claudeMaxTokens)
    }
  }

  /// The settings of one provider.
  ///
  /// A key goes only where `keySource` lets it.
  /// - Throws: `GibseyError.keyWithheld`, `.badSetting`.
  public func provider(_ provider: ProviderSettings.Name) throws -> ProviderSettings {
    let names = Self.names(of: provider)
    guard let address = self[names.baseURL], let model = string(names.model) else {
      throw GibseyError.ourBug("\(provider.rawValue) has no default")
    }
    let url = try checked(address)
    let key = try names.key.flatMap {
      try keySource(
        $0, provider: provider.rawValue, address: address, url: url, vendorHost: names.vendorHost ?? "")
    }
    return ProviderSettings(
      provider: provider,
      account: ProviderAccount(
        baseURL: url, model: model, temperature: try number(names.temperature, upTo: RequestOptions.highestTemperature),
        maxTokens: try count(names.maxTokens)),
      key: key, isConfigured: names.key == nil || key != nil || address.origin != .defaultValue)
  }

  private func checked(_ address: Setting) throws -> WebAddress {
    let url: WebAddress
    do {
      url = try WebAddress(address.value)
    } catch {
      // The value may hold a password: it is not shown.
      throw GibseyError.badSetting(
        name: address.name.rawValue, value: "…", origin: address.origin.text, wanted: error.wanted)
    }
    guard !url.isLinkLocal || trust.allowsLinkLocal else {
      throw address.wrong("an address that is not link-local; GIBSEY_ALLOW_LINK_LOCAL=1 in the environment allows it")
    }
    return url
  }
}
