// Where the parts of an answer go: the text or the records to standard output, the rest to standard error.

/// Writes one answer: one write for what one block of the network held.
struct AskOutput {
  private let place: OrderedOutput.Place
  private let diagnostics: Diagnostics
  private let options: AskRun.Options
  private let hasPrices: Bool
  private let prompt: Prompt
  /// Only where records are wanted.
  private var records: AskingRecords?
  private let isTerminal: Bool
  /// Only for a terminal: a pipe gets the bytes.
  private var filter: TerminalFilter?
  private var thoughtFilter = TerminalFilter()
  private var needsNewline = false
  private var needsThoughtNewline = false
  private var hasText = false
  /// With strict citations: the first one that is false. The others are told as warnings.
  private(set) var falseCitation: GibseyError?
  /// What the answer took, once it has ended.
  private(set) var usage: Usage?

  /// - Parameter isTerminal: whether a person reads the answer as it comes.
  init(
    at place: OrderedOutput.Place, diagnostics: Diagnostics, isTerminal: Bool, options: AskRun.Options, hasPrices: Bool,
    prompt: Prompt
  ) {
    self.hasPrices = hasPrices
    self.isTerminal = isTerminal
    self.place = place
    self.diagnostics = diagnostics
    self.options = options
    self.prompt = prompt
    if options.isJSON { records = AskingRecords(prompt: prompt, responseID: RandomID.make()) { Timestamp.now() } }
    filter = isTerminal && !options.isJSON ? TerminalFilter() : nil
  }

  mutating func write(_ part: Asking.Part) throws {
    if let parts = records?.records(of: part) {
      let bytes = parts.flatMap { RecordCoder.encode($0) }
      if !bytes.isEmpty { try place.write(isTerminal ? TerminalJSON.shown(bytes) : bytes) }
    }
    switch part {
    case .batch(let batch):
      for notice in batch.notices { diagnostics.warning(notice) }
      for remark in batch.remarks { diagnostics.debug(remark) }
      hasText = hasText || !batch.tokenEnds.isEmpty
      if options.showsThinking { try think(batch.reasoning) }
      if !options.isJSON { try text(batch.text) }
    case .retrying(_, let wait, let error):
      diagnostics.notice("\(error.message); trying again in \(Self.seconds(wait)) s")
    case .adapted(let name, let parameter):
      diagnostics.notice("\(name) does not take \(parameter): asking without it")
    case .counted(let name, let tokens, let budget): count(name, tokens, budget)
    case .misread(let name, let reading):
      try finish()
      let cut = GibseyError.promptCut(
        provider: name, readTokens: reading.readTokens, sentTokens: reading.sentTokens, ratio: reading.ratio)
      diagnostics.warning(cut.message)
      if let hint = cut.hint { diagnostics.notice("hint: \(hint)") }
    case .switched(_, let to, let error):
      let isSeam = hasText
      diagnostics.notice("\(error.message); \(isSeam ? "\(to) goes on from here" : "asking \(to)")")
    case .completed(let completion):
      try finish()
      usage = completion.usage
      look(at: completion.citations)
      if completion.finishReason == .length {
        diagnostics.notice("the answer stopped at the limit of tokens")
      }
      if options.showsUsage { tell(completion.usage, completion) }
      diagnostics.debug(
        "\(completion.provider) \(completion.model): \(completion.durationMilliseconds) ms")
    case .failed(_, let usage):
      self.usage = usage
      if options.showsUsage {
        try finish()
        tell(usage, nil)
      }
    }
  }

  private func count(_ provider: String, _ tokens: Int?, _ budget: Int?) {
    guard let tokens else {
      return diagnostics.notice("\(provider) has no counter of tokens here: the estimate stands")
    }
    let reading = PromptReading(of: prompt, readTokens: tokens, countedTokens: nil)
    let words = "the prompt has \(tokens) tokens for \(provider), a token factor of \(JSONNumber(reading.ratio).text)"
    guard let budget, tokens > budget else { return diagnostics.notice(words) }
    diagnostics.warning("\(words): its budget is \(budget)")
  }

  /// As in "112 tokens in (20 cached), 14 out, first after 180 ms, 508 ms in all".
  private func tell(_ usage: Usage?, _ completion: Completion?) {
    guard let usage else { return }
    var words = usage.words
    if let completion {
      if let first = completion.timeToFirstTokenMilliseconds { words += ", first after \(first) ms" }
      words += ", \(completion.durationMilliseconds) ms in all"
      if !usage.isEstimated, let read = usage.promptTokens {
        let reading = PromptReading(of: prompt, readTokens: read, countedTokens: nil)
        if reading.isMeasure { words += "; token factor \(JSONNumber(reading.ratio).text)" }
      }
      if hasPrices, usage.cost == nil { words += "; no price of \(completion.model)" }
      words += " (\(completion.provider), \(completion.model))"
    }
    diagnostics.notice("usage: \(words)\(usage.isEstimated ? ", estimated" : "")")
  }

  /// The answer's text always ends with a newline, however it ended.
  mutating func finish() throws {
    if needsThoughtNewline {
      try place.write([0x0A], to: .errors)
    }
    if needsNewline { try place.write([0x0A]) }
    (needsNewline, needsThoughtNewline) = (false, false)
  }

  private mutating func look(at citations: [Citation]) {
    guard options.hasStrictCitations else { return }
    for citation in citations where citation.isFalse {
      let error = GibseyError.falseCitation(
        pageID: citation.pageID, quote: citation.isInPrompt ? citation.quote : nil)
      if falseCitation == nil { falseCitation = error } else { diagnostics.warning(error.message) }
    }
  }

  /// As in "0.4".
  private static func seconds(_ wait: Duration) -> String {
    JSONNumber((wait / .seconds(1) * 10).rounded(.up) / 10).text
  }

  private mutating func text(_ bytes: [UInt8]) throws {
    let shown = filter?.consume(bytes) ?? bytes
    guard let last = shown.last else { return }
    if needsThoughtNewline {
      try place.write([0x0A], to: .errors)
      needsThoughtNewline = false
    }
    needsNewline = last != 0x0A
    try place.write(shown)
  }

  private mutating func think(_ thought: String) throws {
    guard !thought.isEmpty else { return }
    let shown = FileDescriptor.standardError.isTerminal ? thoughtFilter.consume(thought.utf8) : Array(thought.utf8)
    needsThoughtNewline = shown.last != 0x0A
    try place.write(shown, to: .errors)
  }
}

extension Usage {
  /// As in "112 tokens in (20 cached), 14 out".
  var words: String {
    let about = isEstimated ? "about " : ""
    var words = promptTokens.map { "\(about)\($0) tokens in" } ?? "tokens in unknown"
    if let cachedTokens { words += " (\(cachedTokens) cached)" }
    if let completionTokens { words += ", \(about)\(completionTokens) out" }
    if let cost { words += ", \(cost.isIncomplete ? "" : about)\(cost.words)" }
    return words
  }
}
