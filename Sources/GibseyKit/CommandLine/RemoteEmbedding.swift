// Embedders on servers, out of the settings: the providers' addresses and keys, a model of their own.

extension EmbedderRow {
  /// Who serves the model that made these vectors, and its name there; nil for one that is on no server.
  var remote: (service: RemoteEmbedder.Service, model: String)? {
    RemoteEmbedder.service(ofModel: EmbeddingFingerprint.model(of: fingerprint))
  }
}

extension ToolContext {
  /// How long an indexer waits before a server is asked again, when nobody sets it: there is nobody in a hurry.
  private static let indexingWait: Duration = .seconds(60)
  private static let indexingTries = 5

  /// The embedder that a service's setting names, with the dimensions that the store, if there is one, knows of it, else those
  /// of its answer to a word.
  func remoteEmbedder(_ service: RemoteEmbedder.Service, knownTo store: PageStore?) throws -> RemoteEmbedder {
    let model = try remoteModel(service, knownTo: store)
    let known = try store?.embedders().first { $0.remote.map { $0 == (service, model) } ?? false }
    return try remoteEmbedder(service, model: model, dimensions: known?.coding.dimensions, isPatient: true)
  }

  /// The model that a service is asked for: what the settings say, else the one whose vectors are searched, else its own.
  func remoteModel(_ service: RemoteEmbedder.Service, knownTo store: PageStore?) throws -> String {
    let active = try store?.activeEmbedder()?.remote
    return settings.string(.embeddingModel) ?? (active?.service == service ? active?.model : nil)
      ?? service.defaultModel
  }

  /// The embedder whose vectors a database has.
  func remoteEmbedder(of row: EmbedderRow, isPatient: Bool) throws -> RemoteEmbedder {
    guard let (service, model) = row.remote else { throw GibseyError.ourBug("\(row.fingerprint) is on no server") }
    return try remoteEmbedder(service, model: model, dimensions: row.coding.dimensions, isPatient: isPatient)
  }

  private func remoteEmbedder(
    _ service: RemoteEmbedder.Service, model: String, dimensions: Int?, isPatient: Bool
  ) throws -> RemoteEmbedder {
    let policy = try settings.askingPolicy()
    let clock = askingClock
    var retry = policy.retry
    if isPatient {
      retry.limit = Self.indexingTries
      if settings[.retryWait]?.origin == .defaultValue { retry.longestWait = Self.indexingWait }
    }
    let patience = RemoteEmbedder.Patience(
      deadlines: policy.deadlines, retry: retry, sleep: clock.sleep, chance: clock.chance)
    let found = try settings.configured(service.provider)
    let transport = CurlTransport(trust: settings.trust)
    return try Blocking.run {
      var account = found.account
      account.model = model
      account.key = try await found.readKey(within: policy.deadlines.firstByte, clock)
      return try await RemoteEmbedder(
        service, account: account, dimensions: dimensions, transport: transport, patience: patience)
    }
  }
}

extension RemoteEmbedder.Service {
  /// Whose address and key it has.
  var provider: ProviderSettings.Name {
    switch self {
    case .ollama: .ollama
    case .openai: .openai
    }
  }
}

extension ProviderSettings {
  /// The key, from wherever it comes; nil where there is none.
  /// - Parameter limit: how long a command may take to print it: as long as a server to its first byte.
  /// - Throws: `GibseyError.keyUnavailable`, `.unsafeSettingsFile`, `.timedOut`.
  func readKey(within limit: Duration, _ clock: AskingClock) async throws -> APIKey? {
    switch key {
    case nil: return nil
    case .value(let key): return key
    case .file(let path, let setting): return try KeyFile.read(path, provider: provider.rawValue, name: setting)
    case .command(let line, let setting):
      // No leader: a signal that ends the program ends it at once, and must reach the command too. So at the deadline the shell
      // is ended, and what that may have started ends by itself.
      let command = KeyCommand(line, provider: provider.rawValue, name: setting, isLeader: false)
      guard let key = try await clock.within(limit, { try await command.key() }) else {
        throw GibseyError.timedOut(provider: provider.rawValue, waitedFor: "key", seconds: limit / .seconds(1))
      }
      return key
    }
  }
}
