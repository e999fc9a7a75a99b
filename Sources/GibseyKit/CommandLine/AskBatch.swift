// Everything on standard input, asked: so many at once, the answers in the order of the prompts.

/// The prompts of one run on their way to answers.
struct AskBatch: Sendable {
  private static let readSizeBytes = 64 << 10
  /// What may be held of answers that wait for an earlier one. Beyond it nothing is asked, and nothing more is taken from
  /// those who answer, until that one has ended.
  static let heldLimitBytes = 64 << 20

  private let context: ToolContext
  private let options: AskRun.Options
  private let asking: Asking
  private let signals: Signals
  private let line: OrderedOutput
  /// Keeps the turns; nil when nobody asked for it.
  private let keeper: TurnKeeper?

  init(context: ToolContext, options: AskRun.Options, asking: Asking, signals: Signals, keeper: TurnKeeper? = nil) {
    self.keeper = keeper
    self.context = context
    self.options = options
    self.asking = asking
    self.signals = signals
    line = OrderedOutput(limitBytes: Self.heldLimitBytes) { [output = context.output] stream, bytes in
      switch stream {
      case .output: try output.write(bytes)
      case .errors: try FileDescriptor.standardError.write(bytes, named: "standard error")
      }
    }
  }

  /// What became of the prompt or the line at a place.
  private struct Outcome: Sendable {
    enum End { case answered, failed, cancelled, broken, passed }
    let place: Int
    var end: End
    var error: GibseyError?
    var usage: Usage?
  }

  /// What is known of all of them.
  private struct Tally {
    var summary = AskSummary()
    /// The failure of the first place that has one.
    var failure: (place: Int, error: GibseyError)?
    /// The first failure that ends the run.
    var ending: (place: Int, error: GibseyError)?
    var running = 0
    /// The types of records that are no prompts, in their order.
    var passedTypes: [String] = []
    var hasPrompt = false

    mutating func add(_ outcome: Outcome, isFatal: Bool) {
      switch outcome.end {
      case .answered: summary.answered += 1
      case .failed: summary.failed += 1
      case .cancelled: summary.cancelled += 1
      case .broken: summary.broken += 1
      case .passed: break
      }
      if let usage = outcome.usage { summary.usage = summary.usage.map { $0 + usage } ?? usage }
      guard let error = outcome.error else { return }
      if outcome.place < failure?.place ?? .max { failure = (outcome.place, error) }
      if isFatal, outcome.place < ending?.place ?? .max { ending = (outcome.place, error) }
    }
  }

  /// Asks everything.
  /// - Throws: what ended the run before the end of its input, `CancellationError` when the task was cancelled; both after
  ///   all that came before was written.
  func run() async throws -> ExitStatus {
    let start = context.now()
    var input = AskingInput(source: "standard input", hasPromptLines: options.hasPromptLines)
    let tally = await withTaskGroup(of: Outcome.self) { group in
      var tally = Tally()
      do {
        while await hasRoom(&group, &tally), let block = try await read() {
          for item in block.isEmpty ? try input.finish() : try input.consume(block) {
            guard await hasRoom(&group, &tally) else { break }
            begin(item, in: &group, &tally)
          }
          if block.isEmpty { break }
        }
      } catch {
        // What was asked before is answered all the same.
        let error = error as? GibseyError ?? .ourBug("\(error)")
        tally.add(Outcome(place: line.open().number, end: .passed, error: error), isFatal: true)
      }
      while await collect(&group, &tally) {}
      return tally
    }
    if case .readerLeft = tally.ending?.error { throw GibseyError.readerLeft }
    if options.isBatch, tally.summary.prompts + tally.summary.broken > 0 {
      try summarize(tally.summary, seconds: context.now() - start)
    }
    if let ending = tally.ending { throw ending.error }
    try Task.checkCancellation()
    if let failure = tally.failure { return failure.error.exitStatus }
    guard tally.hasPrompt || tally.passedTypes.isEmpty || signals.received != nil else {
      throw Self.nothingToAsk(tally.passedTypes)
    }
    return .done
  }

  /// What came in place of a prompt.
  private static func nothingToAsk(_ types: [String]) -> GibseyError {
    let shown = types.prefix(3).map { String($0.prefix(40)) }.joined(separator: ", ")
    let isSearch = types.contains { ["hit", "candidate", "evaluation"].contains($0) }
    return .usage(
      "nothing to ask: standard input has records of type \(shown), and no ai_prompt",
      hint: isSearch
        ? "gibsey-context makes one without --search, --why-not and --evaluate"
        : "as in `gibsey-context \"Who are you?\" | gibsey-ask`; see gibsey-json(5)")
  }

  /// Waits until another prompt may be asked; false when none is to be.
  private func hasRoom(_ group: inout TaskGroup<Outcome>, _ tally: inout Tally) async -> Bool {
    while tally.ending == nil, !Task.isCancelled, tally.running >= options.width || !line.hasRoom {
      guard await collect(&group, &tally) else { break }
    }
    return tally.ending == nil && !Task.isCancelled
  }

  /// Waits for one answer; false when there is none to wait for.
  private func collect(_ group: inout TaskGroup<Outcome>, _ tally: inout Tally) async -> Bool {
    guard let outcome = await group.next() else { return false }
    tally.running -= 1
    tally.add(outcome, isFatal: outcome.error.map(endsTheRun) ?? false)
    // What comes after the end of the run is of no use to anybody.
    if line.isOver { group.cancelAll() }
    return true
  }

  /// The next bytes of the input, none at its end; nil when a signal came, or an answer ended the run.
  private func read() async throws -> [UInt8]? {
    // With nothing else to do a thread may wait, and none must be made for it.
    guard options.width > 1 else { return try readNow() }
    return try await Pending { try readNow() }.awaited()
  }

  private func readNow() throws -> [UInt8]? {
    signals.waitForInput(context.input) ? try context.input.read(limit: Self.readSizeBytes) : nil
  }

  private func endsTheRun(_ error: GibseyError) -> Bool {
    switch error {
    case .interrupted, .readerLeft, .cannotWrite, .libraryMissing, .tooFewDescriptors, .tooFewThreads: true
    default: options.isStrict
    }
  }

  /// Asks a prompt; what is none is dealt with at once.
  private func begin(_ item: AskingInput.Item, in group: inout TaskGroup<Outcome>, _ tally: inout Tally) {
    let place = line.open()
    guard case .prompt(let prompt, let lineNumber) = item else {
      if case .other(let record, _, _) = item, !tally.passedTypes.contains(record.type) {
        tally.passedTypes.append(record.type)
      }
      let outcome = end(Outcome(place: place.number, end: .passed), at: place, context.diagnostics(at: place)) { _ in
        try pass(item, at: place)
      }
      tally.add(outcome, isFatal: outcome.error.map(endsTheRun) ?? false)
      return
    }
    tally.running += 1
    tally.hasPrompt = true
    let diagnostics = context.diagnostics(at: place, line: options.isBatch ? lineNumber : nil)
    let seat = asking.seat()
    group.addTask(executorPreference: seat.executor) {
      defer { seat.leave() }
      return await answer(prompt, at: place, line: lineNumber, diagnostics)
    }
  }

  /// One prompt, until its answer ends.
  private func answer(
    _ prompt: Prompt, at place: OrderedOutput.Place, line: Int?, _ diagnostics: Diagnostics
  ) async -> Outcome {
    var output = AskOutput(
      at: place, diagnostics: diagnostics, isTerminal: context.output.isTerminal, options: options,
      hasPrices: asking.policy.prices != nil, prompt: prompt)
    var failure: (any Error)?
    var unkept: (any Error)?
    do {
      var keeping = try keeping(prompt)
      await keeping?.begin()
      do {
        try await asking.run(prompt) { part in
          keeping?.take(part)
          try output.write(part)
          return true
        } room: {
          try await place.awaitRoom()
        }
      } catch {
        failure = error
      }
      do { try await keeping?.end() } catch { unkept = error }
    } catch {
      failure = error
    }
    return end(Outcome(place: place.number, end: .answered, usage: output.usage), at: place, diagnostics) { outcome in
      try output.finish()
      let failures = [failure, output.falseCitation, unkept].compactMap(\.self)
      for error in failures.dropFirst() { (error as? GibseyError).map(diagnostics.error) }
      guard let error = failures.first else { return }
      // It is told by whoever ends the program, who knows of no lines.
      if options.isStrict, options.isBatch, let line, let error = error as? GibseyError {
        throw GibseyError.ofLine(source: "standard input", line: line, error)
      }
      throw error
    }
  }

  /// Who keeps the turn; nil when nobody asked for it. A prompt's own session counts before the one that the flag names.
  private func keeping(_ prompt: Prompt) throws -> KeptAnswer? {
    guard let keeper, var session = options.session else { return nil }
    if let name = prompt.sessionID {
      guard let own = SessionID(name) else {
        throw GibseyError.malformedInput(
          source: "standard input", line: nil, reason: "session_id: wanted \(SessionID.wanted)")
      }
      session = own
    }
    return KeptAnswer(prompt, in: session, keeper: keeper)
  }

  /// Says what went wrong in `last`, the end of what is done at a place, and closes it.
  private func end(
    _ outcome: Outcome, at place: OrderedOutput.Place, _ diagnostics: Diagnostics,
    _ last: (inout Outcome) throws -> Void
  ) -> Outcome {
    var outcome = outcome
    do {
      do {
        try last(&outcome)
      } catch is CancellationError {
        outcome.end = .cancelled
      } catch {
        let error = error as? GibseyError ?? .ourBug("\(error)")
        outcome.error = error
        outcome.end = outcome.end == .passed && !error.isOfUpstream ? .broken : .failed
      }
      if let error = outcome.error {
        if endsTheRun(error) { place.cutLine() } else { diagnostics.error(error) }
      }
      try place.close()
    } catch {
      outcome.error = error as? GibseyError ?? .ourBug("\(error)")
    }
    // Whoever waits for more input must hear of it.
    if outcome.error.map(endsTheRun) ?? false { signals.endWaiting() }
    return outcome
  }

  /// A record that is no prompt goes on; a line that is no record is told, and so is an error of whoever comes before us.
  private func pass(_ item: AskingInput.Item, at place: OrderedOutput.Place) throws {
    switch item {
    case .prompt: return
    case .broken(let error): throw error
    case .other(.chatRequest, _, let number):
      let error = GibseyError.wrongRecord(
        type: "ai_chat_request", wanted: "ai_prompt", hint: "pipe it through gibsey-context first")
      throw GibseyError.ofLine(source: "standard input", line: number, error)
    case .other(let record, let line, let number):
      if options.isJSON { try place.write((context.output.isTerminal ? TerminalJSON.shown(line) : line) + [0x0A]) }
      if case .error(let error) = record {
        let failure = GibseyError.upstreamFailed(message: error.message, isRetryable: error.isRetryable)
        throw GibseyError.ofLine(source: "standard input", line: number, failure)
      }
      if !options.isJSON { context.diagnostics(at: place).debug("passed over a record of type \(record.type)") }
    }
  }

  /// As in "4 prompts: 2 answered, 1 failed, 1 cancelled; 112 tokens in, 14 out, 3.2 s".
  private func summarize(_ summary: AskSummary, seconds: Double) throws {
    var summary = summary
    summary.seconds = (seconds * 1000).rounded() / 1000
    if options.isJSON { try context.write(.askSummary(summary)) }
    var words = "\(summary.prompts) \(summary.prompts == 1 ? "prompt" : "prompts"): \(summary.answered) answered"
    if summary.failed > 0 { words += ", \(summary.failed) failed" }
    if summary.cancelled > 0 { words += ", \(summary.cancelled) cancelled" }
    if summary.broken > 0 { words += "; \(summary.broken) broken \(summary.broken == 1 ? "line" : "lines")" }
    if let usage = summary.usage { words += "; \(usage.words)" }
    context.diagnostics.notice("\(words); \(JSONNumber((seconds * 10).rounded() / 10).text) s")
  }
}

extension GibseyError {
  /// Whether it tells of a request that failed before it came here.
  fileprivate var isOfUpstream: Bool { if case .ofLine(_, _, .upstreamFailed) = self { true } else { false } }
}

extension ToolContext {
  /// What is said at a place in line, about a line of the input if that is known.
  fileprivate func diagnostics(at place: OrderedOutput.Place, line: Int? = nil) -> Diagnostics {
    let name = line.map { "\(diagnostics.tool): line \($0)" } ?? diagnostics.tool
    return Diagnostics(tool: name, isVerbose: diagnostics.isVerbose) { line in
      try? place.write(Array((line + "\n").utf8), to: .errors)
    }
  }
}
