// The settings that an `Asking` is made of: who can be asked, and the rules for failures.

extension Settings {
  /// Every provider that there is, in the order in which `auto` tries them, or why it cannot be asked.
  public var candidates: [Asking.Candidate] { ProviderSettings.Name.allCases.map { candidate($0) } }

  /// Whom to believe and whom to go through, by the names that curl(1) reads, and who is not to be asked.
  public var trust: HTTPTrust {
    HTTPTrust(
      file: string(.caBundle) ?? string(.certificateFile), folder: string(.certificateFolder),
      fileName: (string(.caBundle) == nil ? SettingName.certificateFile : .caBundle).rawValue, proxies: proxies,
      allowsLinkLocal: string(.allowLinkLocal) == "1")
  }

  /// The rules for failures.
  /// - Throws: `GibseyError.badSetting`.
  public func askingPolicy() throws -> AskingPolicy {
    AskingPolicy(
      fallback: try fallback(), retry: Retry(longestWait: try seconds(.retryWait, from: 0)),
      resumption: try resumption(),
      deadlines: HTTPDeadlines(
        connect: try seconds(.connectTimeout), firstByte: try seconds(.firstTokenTimeout),
        stall: try seconds(.stallTimeout), total: self[.totalTimeout] == nil ? nil : try seconds(.totalTimeout)))
  }

  /// The names of a list like `openai,ollama`; nil when nobody set one.
  private func fallback() throws -> [String]? {
    guard let setting = self[.fallback] else { return nil }
    let names = setting.value.split(separator: ",", omittingEmptySubsequences: false).map {
      String($0.drop { $0 == " " }.prefix { $0 != " " })
    }
    let known = ProviderSettings.Name.allCases.map(\.rawValue)
    guard names.allSatisfy(known.contains), Set(names).count == names.count else {
      throw setting.wrong("a list of \(known.joined(separator: ", ")), each at most once")
    }
    return names
  }

  private func resumption() throws -> AskingPolicy.Resumption {
    guard let setting = self[.resumeWith], let value = AskingPolicy.Resumption(rawValue: setting.value) else {
      throw self[.resumeWith]?.wrong("stop or continue") ?? .ourBug("GIBSEY_RESUME_WITH has no default")
    }
    return value
  }

  /// The settings of a provider that has what it needs.
  /// - Throws: `GibseyError.keyMissing`, `.keyWithheld`, `.badSetting`.
  func configured(_ name: ProviderSettings.Name) throws -> ProviderSettings {
    let found = try provider(name)
    guard found.isConfigured else {
      let keyName: SettingName = name == .openai ? .openAIKey : .anthropicKey
      throw GibseyError.keyMissing(provider: name.rawValue, keyName: keyName.rawValue)
    }
    return found
  }

  private func candidate(_ name: ProviderSettings.Name) -> Asking.Candidate {
    do {
      return try candidate(try configured(name))
    } catch let error as GibseyError {
      return .unusable(name: name.rawValue, error)
    } catch {
      return .unusable(name: name.rawValue, .ourBug("\(error)"))
    }
  }
}

extension Settings {
  /// The candidate with its key. A command that prints one is not run before the provider is asked.
  private func candidate(_ found: ProviderSettings) throws -> Asking.Candidate {
    let name = found.provider
    var account = found.account
    switch found.key {
    case nil: return .usable(name.provider(account))
    case .value(let key): account.key = key
    case .file(let path, let setting): account.key = try KeyFile.read(path, provider: name.rawValue, name: setting)
    case .command(let line, let setting):
      let command = KeyCommand(line, provider: name.rawValue, name: setting)
      return .deferred(name: name.rawValue) { [account] in
        var account = account
        account.key = try await command.key()
        return name.provider(account)
      }
    }
    return .usable(name.provider(account))
  }
}

extension ProviderSettings.Name {
  /// The provider itself.
  func provider(_ account: ProviderAccount) -> any ChatProvider {
    switch self {
    case .ollama: Ollama(account: account)
    case .openai: OpenAI(account: account)
    case .anthropic: Anthropic(account: account)
    }
  }
}

extension ToolContext {
  /// The clock and the dice of this process.
  public var askingClock: AskingClock {
    // The one real sleep of asking: retries, deadlines and replays are given it, and tests another that does not wait.
    AskingClock(
      seconds: { now() }, sleep: { try await Blocking.sleep(for: $0) }, chance: { Double.random(in: 0..<1) })
  }
}
