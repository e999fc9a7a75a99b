// gibsey-ask at work: what comes in on standard input is asked, what comes back goes to standard output.
internal import Synchronization

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
    /// An answer with a false citation is a failure.
    public var hasStrictCitations = false
    /// Tokens and times go to standard error.
    public var showsUsage = false
    /// A prompt that the provider cut is a failure.
    public var isBudgetStrict = false
    /// The provider's own counter is asked first.
    public var countsTokens = false
    public var choices = RequestOptions()
    /// The file that keeps what goes over the wire.
    public var recordPath: String?
    /// The recording that is played in place of a provider.
    public var replayPath: String?
    /// How fast it is played: 1 is as it was, 0 at once.
    public var speed = 1.0

    public init() {}
  }

  private static let readSizeBytes = 64 << 10

  private let context: ToolContext
  private let options: Options
  private let asking: Asking
  private let signals = Signals()

  /// - Throws: `GibseyError.badSetting`, what is wrong with the provider that `choices` names, and what is wrong with a
  ///   recording.
  public init(context: ToolContext, options: Options, transport: (any Transport)? = nil)
    throws
  {
    self.context = context
    self.options = options
    var policy = try context.settings.askingPolicy()
    policy.isBudgetStrict = options.isBudgetStrict
    policy.countsTokens = options.countsTokens
    let clock = context.askingClock
    var choices = options.choices
    var candidates = context.settings.candidates
    var transport: any Transport = transport ?? CurlTransport(trust: context.settings.trust)
    if let path = options.replayPath {
      let recording = try Recording(path: path)
      // Whoever was asked is asked again, in that order, whatever settings and prompts say.
      (candidates, policy.fallback, choices.provider) = (recording.candidates, nil, "auto")
      guard !candidates.isEmpty else {
        throw GibseyError.malformedInput(source: path, line: nil, reason: "no request that a provider of ours is sent")
      }
      transport = ReplayTransport(recording, speed: options.speed, sleep: clock.sleep)
    }
    if let path = options.recordPath {
      let file = try RecordingFile(path: path)
      transport = RecordingTransport(transport, seconds: clock.seconds) { try file.write($0) }
    }
    asking = Asking(candidates: candidates, transport: transport, choices: choices, policy: policy, clock: clock)
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
    let task = Task(executorPreference: asking.executor) { [asking, options, context] in
      var output = AskOutput(context: context, options: options, prompt: prompt)
      do {
        try await asking.run(prompt) { try output.write($0) }
      } catch {
        try output.finish()
        throw error
      }
      try output.finish()
      if let error = output.falseCitation { throw error }
    }
    let hasLeft = Atomic(false)
    let watch = ReaderWatch(context.output) {
      hasLeft.store(true, ordering: .relaxed)
      task.cancel()
    }
    signals.listen { _ in task.cancel() }
    defer {
      signals.listen(nil)
      withExtendedLifetime(watch) {}
    }
    do {
      try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
    } catch is CancellationError {
      throw hasLeft.load(ordering: .relaxed) ? .readerLeft : interruption
    }
  }
}
