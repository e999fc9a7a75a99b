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
    /// How many prompts are asked at once.
    public var width = 1
    /// What became of all prompts is told at the end, and what is said of one names its line.
    public var isBatch = false
    /// The conversation that the turns belong to; nil keeps none.
    public var session: SessionID?
    /// The database that keeps them.
    public var database: String?

    public init() {}
  }

  let context: ToolContext
  let options: Options
  let asking: Asking
  private let signals: Signals
  private let keeper: TurnKeeper?

  /// - Throws: `GibseyError.badSetting`, `.tooFewDescriptors`, what is wrong with the provider that `choices` names, with a
  ///   recording, or with the database of the session.
  public init(context: ToolContext, options: Options, transport: (any Transport)? = nil)
    throws
  {
    self.context = context
    // What is known to be wrong is told before anybody is asked.
    keeper =
      options.session == nil
      ? nil : try TurnKeeper(path: try context.databasePath(flag: options.database)) { Timestamp.now() }
    var options = options
    var policy = try context.settings.askingPolicy()
    policy.isBudgetStrict = options.isBudgetStrict
    policy.countsTokens = options.countsTokens
    policy.prices = try context.priceList()
    if options.session != nil { policy.answerLimitBytes = KeptAnswer.limitBytes }
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
      // Its answers are given out in their order: the prompts must come in theirs.
      options.width = 1
    }
    if options.replayPath == nil { CurlTransport.openLibrary() }
    if let path = options.recordPath {
      let file = try RecordingFile(path: path, apartFrom: Self.inputs(context, replayPath: options.replayPath))
      transport = RecordingTransport(transport, seconds: clock.seconds) { try file.write($0) }
    }
    signals = try Signals()
    options.width = try DescriptorRoom.width(options.width)
    self.options = options
    asking = Asking(candidates: candidates, transport: transport, choices: choices, policy: policy, clock: clock)
  }

  /// The files that are read, with what they are called: a recording must not empty them.
  private static func inputs(_ context: ToolContext, replayPath: String?) -> [(file: FileIdentity, words: String)] {
    let input = FileIdentity(descriptor: context.input.number).map { ($0, "it is the input") }
    let replay = replayPath.flatMap { FileIdentity(path: $0) }.map { ($0, "it is the recording that is played") }
    return [input, replay].compactMap(\.self)
  }

  /// Gives the turns their vectors, where the embedded model makes them; without them they are found by their words.
  private func embedTurns() async {
    guard let keeper else { return }
    do {
      let count = try await keeper.embed { [context] in try context.embeddedModel(of: $0) }
      context.diagnostics.debug("embedded \(count) turns")
    } catch {
      context.diagnostics.debug("no vectors for the turns: \((error as? GibseyError)?.message ?? "\(error)")")
    }
  }

  /// Asks everything on standard input; the answers come in its order.
  /// - Throws: `GibseyError.interrupted` and `.readerLeft` after what came was written.
  public func run() async throws -> ExitStatus {
    let batch = AskBatch(context: context, options: options, asking: asking, signals: signals, keeper: keeper)
    return try await attended { try await batch.run() }
  }

  /// Runs a body that is cancelled by a signal, or when the reader of the output leaves.
  /// - Throws: `GibseyError.interrupted` and `.readerLeft` then; what the body throws.
  func attended(_ body: @escaping @Sendable () async throws -> ExitStatus) async throws -> ExitStatus {
    let task = Task(executorPreference: context.executor) { try await body() }
    let hasLeft = Atomic(false)
    let watch = ReaderWatch(context.output) { [signals] in
      hasLeft.store(true, ordering: .relaxed)
      task.cancel()
      signals.endWaiting()
    }
    signals.listen { _ in task.cancel() }
    defer {
      signals.listen(nil)
      withExtendedLifetime(watch) {}
    }
    do {
      let status = try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
      if signals.received == nil { await embedTurns() }
      await keeper?.letGo()
      // One that came while nothing was being answered has cancelled nothing, and is obeyed all the same.
      guard let signal = signals.received else { return status }
      throw GibseyError.interrupted(signal: signal)
    } catch is CancellationError {
      throw hasLeft.load(ordering: .relaxed) ? GibseyError.readerLeft : .interrupted(signal: signals.received ?? 2)
    }
  }
}
