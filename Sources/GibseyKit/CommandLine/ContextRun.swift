// One run of gibsey-context as a person sees it: prompts, hits or explanations on stdout, problems on stderr.

/// Answers requests with what `SearchOptions` asks for.
public struct ContextRun {
  private let context: ToolContext
  private let building: ContextBuilding
  private let options: SearchOptions
  /// Whether the first line that cannot be read ends the run.
  private let isStrict: Bool

  public init(context: ToolContext, building: ContextBuilding, options: SearchOptions, isStrict: Bool) {
    self.context = context
    self.building = building
    self.options = options
    self.isStrict = isStrict
  }

  /// Answers one request.
  public func run(_ request: ChatRequest) throws -> ExitStatus { try answer(request) ? .done : .foundNothing }

  /// Answers the requests on standard input. The first error decides the status, as in every tool.
  public func runLines() throws -> ExitStatus {
    var status = ExitStatus.done
    var hasRequest = false
    var hasFound = false
    var hasPassed = false
    try RequestLines(input: context.input).read { error in
      if isStrict { throw error }
      context.diagnostics.error(error)
      if status == .done { status = error.exitStatus }
    } visit: { content, line in
      switch content {
      case .passing(let record):
        hasPassed = true
        try context.write(record)
      case .request(let request):
        context.diagnostics.debug("line \(line): a question of \(request.prompt.utf8.count) bytes")
        hasRequest = true
        if try answer(request) { hasFound = true }
      }
    }
    guard status == .done else { return status }
    guard hasRequest || hasPassed else {
      throw GibseyError.usage("no question", hint: "give one as an argument, or requests on standard input")
    }
    return hasFound || !hasRequest ? .done : .foundNothing
  }

  /// Prints what is asked for; false when a search found nothing.
  private func answer(_ request: ChatRequest) throws -> Bool {
    let start = context.now()
    if let id = options.whyNot {
      let candidate = try building.whyNot(id, for: request)
      context.diagnostics.debug("looked for page \(id) in \(context.elapsed(since: start))")
      try context.write(.candidate(candidate))
      return candidate.verdict == .kept || candidate.verdict == .excerpt
    }
    guard let limit = options.search else {
      let prompt = try building.prompt(for: request)
      context.diagnostics.debug("\(Self.words(prompt)) in \(context.elapsed(since: start))")
      let line = RecordCoder.encode(.prompt(prompt))
      // Whoever reads it would refuse it.
      guard line.count - 1 <= RecordCoder.lineLimitBytes else {
        throw GibseyError.promptBeyondLine(bytes: line.count - 1, limitBytes: RecordCoder.lineLimitBytes)
      }
      if options.explain {
        for candidate in try building.candidates(for: request, in: prompt) { try context.write(.candidate(candidate)) }
      }
      try context.write(json: line)
      return true
    }
    if options.explain {
      for candidate in try building.candidates(for: request, kept: limit) { try context.write(.candidate(candidate)) }
    }
    let hits = try building.hits(for: request, limit: limit)
    context.diagnostics.debug("\(hits.count) pages found in \(context.elapsed(since: start))")
    for hit in hits { try context.write(.hit(hit)) }
    return !hits.isEmpty
  }

  /// As in "a prompt of 1203 tokens with 4 pages, 2 left out".
  private static func words(_ prompt: Prompt) -> String {
    let tokens = prompt.tokens.map { " of \($0.total) tokens" } ?? ""
    return "a prompt\(tokens) with \(prompt.pages.count) pages, \(prompt.leftOut.count) left out,"
  }

  /// Measures the cases on standard input, one a line.
  public func evaluate(mode: Searching.Mode, embedder: String?) throws -> ExitStatus {
    var evaluating = Evaluating(building, now: context.now)
    var status = ExitStatus.done
    var cases = 0
    try EvaluationLines(input: context.input).read { error in
      if isStrict { throw error }
      context.diagnostics.error(error)
      if status == .done { status = error.exitStatus }
    } visit: { item in
      cases += 1
      let start = context.now()
      try evaluating.add(item)
      context.diagnostics.debug("case \(cases) in \(context.elapsed(since: start))")
    }
    guard cases > 0 || status != .done else {
      throw GibseyError.usage("no cases", hint: "--evaluate reads lines with prompt and page_ids on standard input")
    }
    let evaluation = evaluating.evaluation(mode: mode, embedder: embedder)
    try context.write(.evaluation(evaluation))
    for bound in options.failUnder {
      let figure = evaluation.all[bound.name] ?? 0
      guard figure < bound.least else { continue }
      context.diagnostics.notice("\(bound.name) is \(figure), wanted \(bound.least) at least")
      if status == .done { status = .foundNothing }
    }
    if evaluation.spoilers > 0, !building.isWholeBook, status == .done { status = .internalError }
    return status
  }
}

/// Cases as lines.
struct EvaluationLines {
  let input: FileDescriptor

  func read(problem: (GibseyError) throws -> Void, visit: (EvaluationCase) throws -> Void) throws {
    var splitter = LineSplitter(limitBytes: RecordCoder.lineLimitBytes)
    var number = 0
    func take(_ line: LineSplitter.Line) throws {
      number += 1
      do {
        guard case .whole(var bytes) = line else {
          throw GibseyError.lineTooLong(
            source: "standard input", line: number, limitBytes: RecordCoder.lineLimitBytes)
        }
        if number == 1 { bytes = Array(ByteOrderMark.dropped(from: bytes)) }
        if bytes.allSatisfy({ $0 <= 0x20 }) { return }
        try visit(try RecordCoder.decodeCase(bytes))
      } catch let reason as RecordProblem {
        try problem(.malformedInput(source: "standard input", line: number, reason: reason.reason))
      } catch let error as GibseyError where error.isOfOneLine {
        try problem(error.named(line: number))
      }
    }
    while true {
      let block = try input.read(limit: 64 * 1024)
      if block.isEmpty { break }
      try splitter.consume(block, take)
    }
    try splitter.finish(take)
  }
}
