// gibsey-ask at work: what comes in on standard input is asked, what comes back goes to standard output.

/// One run of gibsey-ask.
public struct AskRun: Sendable {
  /// How the run reads and writes.
  public struct Options: Sendable {
    /// Records instead of the answer's text.
    public var isJSON = false
    /// Each line of a text is a prompt of its own.
    public var hasPromptLines = false
    /// The first broken line, or the first failure, ends the run.
    public var isStrict = false
    /// What the model thinks goes to standard error.
    public var showsThinking = false
    public var choices = RequestOptions()

    public init() {}
  }

  private static let readSizeBytes = 64 << 10

  private let context: ToolContext
  private let options: Options
  private let asking: Asking
  private let signals = Signals()

  /// - Throws: `GibseyError.badSetting`, and what is wrong with the provider that `choices` names.
  public init(context: ToolContext, options: Options, transport: any Transport = CurlTransport())
    throws
  {
    self.context = context
    self.options = options
    asking = Asking(
      candidates: ProviderSettings.Name.allCases.map { Self.candidate($0, context.settings) },
      transport: transport, choices: options.choices,
      deadlines: try Self.deadlines(context.settings),
      seconds: { context.now() })
  }

  private static func deadlines(_ settings: Settings) throws -> HTTPDeadlines {
    HTTPDeadlines(
      connect: try settings.seconds(.connectTimeout),
      firstByte: try settings.seconds(.firstTokenTimeout),
      stall: try settings.seconds(.stallTimeout))
  }

  private static func candidate(_ name: ProviderSettings.Name, _ settings: Settings)
    -> Asking.Candidate
  {
    do {
      let found = try settings.provider(name)
      guard found.isConfigured else {
        let keyName: SettingName = name == .openai ? .openAIKey : .anthropicKey
        throw GibseyError.keyMissing(provider: name.rawValue, keyName: keyName.rawValue)
      }
      let account = ProviderAccount(
        baseURL: try address(found, name), key: found.key.flatMap { APIKey($0) },
        model: found.model,
        temperature: found.temperature, maxTokens: found.maxTokens)
      switch name {
      case .ollama: return .usable(Ollama(account: account))
      case .openai: return .usable(OpenAI(account: account))
      case .anthropic: return .usable(Anthropic(account: account))
      }
    } catch let error as GibseyError {
      return .unusable(name: name.rawValue, error)
    } catch {
      return .unusable(name: name.rawValue, .ourBug("\(error)"))
    }
  }

  private static func address(
    _ found: ProviderSettings, _ name: ProviderSettings.Name
  ) throws -> WebAddress {
    do {
      return try WebAddress(found.baseURL)
    } catch {
      let setting = "\(name.rawValue.uppercased())_BASE_URL"
      throw GibseyError.badSetting(
        name: setting, value: "…", origin: "the settings", wanted: error.wanted)
    }
  }

  /// Asks everything on standard input, in order.
  /// - Throws: `GibseyError.interrupted` and `.readerLeft` after what came was written.
  public func run() async throws -> ExitStatus {
    var input = AskingInput(source: "standard input", hasPromptLines: options.hasPromptLines)
    var status = ExitStatus.done
    while true {
      guard signals.waitForInput(context.input) else { throw interruption }
      let block = try context.input.read(limit: Self.readSizeBytes)
      for item in block.isEmpty ? try input.finish() : try input.consume(block) {
        do {
          try await handle(item)
        } catch let error as GibseyError {
          if options.isStrict || Self.endsTheRun(error) { throw error }
          context.diagnostics.error(error)
          if status == .done { status = error.exitStatus }
        }
      }
      if block.isEmpty { return status }
    }
  }

  private var interruption: GibseyError { .interrupted(signal: signals.received ?? 2) }

  private static func endsTheRun(_ error: GibseyError) -> Bool {
    switch error {
    case .interrupted, .readerLeft, .cannotWrite, .wrongRecord, .libraryMissing: true
    default: false
    }
  }

  private func handle(_ item: AskingInput.Item) async throws {
    switch item {
    case .prompt(let prompt): try await answer(prompt)
    case .broken(let error): throw error
    case .other(.chatRequest, _):
      throw GibseyError.wrongRecord(
        type: "ai_chat_request", wanted: "ai_prompt", hint: "pipe it through gibsey-context first")
    case .other(let record, let line):
      if options.isJSON { return try context.output.write(line + [0x0A]) }
      if case .error(let error) = record {
        return context.diagnostics.warning("upstream: \(error.message)")
      }
      context.diagnostics.debug("passed over a record of type \(record.type)")
    }
  }

  /// One prompt, until its answer ends or a signal comes.
  private func answer(_ prompt: Prompt) async throws {
    let task = Task { [asking, options, context] in
      var output = AskOutput(context: context, options: options, prompt: prompt)
      do {
        try await asking.run(prompt) { try output.write($0) }
      } catch {
        try output.finish()
        throw error
      }
      try output.finish()
    }
    signals.listen { _ in task.cancel() }
    defer { signals.listen(nil) }
    do {
      try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
    } catch is CancellationError {
      throw interruption
    }
  }
}
