// One run of gibsey-index as a person sees it: records on stdout, problems and progress on stderr.
internal import Glibc

/// Indexes sources and tells about it.
public struct IndexRun {
  let context: ToolContext
  let sources: [PageSource]
  let reading: ReadingOptions
  let options: Indexing.Options
  let embedding: EmbeddingOptions
  let showsEach: Bool

  public init(
    context: ToolContext, sources: [PageSource], reading: ReadingOptions, options: Indexing.Options,
    embedding: EmbeddingOptions, showsEach: Bool
  ) {
    self.context = context
    self.sources = sources
    self.reading = reading
    self.options = options
    self.embedding = embedding
    self.showsEach = showsEach
  }

  /// Runs it; the status tells whether everything could be read.
  public func run(path: String, waitSeconds: Int) throws -> ExitStatus {
    if options.isDryRun { return try dryRun(path: path) }
    // A model that cannot be used is told of before there is a file.
    let early = access(path, F_OK) == 0 ? nil : try chosen(for: nil)
    let lock = try WriterLock(path: path, limitSeconds: waitSeconds) {
      context.diagnostics.notice("waiting for another gibsey-index on \(path)")
    }
    defer { withExtendedLifetime(lock) {} }
    let patience = max(1, waitSeconds) * 1000
    let store = try PageStore(path: path, access: .readWrite, patienceMilliseconds: patience)
    return try index(into: store, chosen: try store.activeEmbedder() == nil ? early : nil)
  }

  /// A dry run makes no file: what is not there yet is tried on a database in memory.
  private func dryRun(path: String) throws -> ExitStatus {
    do {
      return try index(into: try PageStore(path: path, access: .readOnly))
    } catch GibseyError.noDatabase, GibseyError.emptyDatabase {
      return try index(into: try PageStore(path: path, access: .memory))
    }
  }

  /// Whose vectors the pages get, and who makes them; nil when nobody does.
  private typealias Chosen = (choice: EmbedderChoice, model: (any Embedder)?)

  /// - Parameter store: what the vectors go into; nil for one that is not made yet.
  private func chosen(for store: PageStore?) throws -> Chosen {
    let active = try store?.activeEmbedder()
    let choice = context.resolved(try context.embedderChoice(embedding.embedder), active: active)
    return (choice, try embedder(choice, store))
  }

  /// - Parameter chosen: who was found before there was a file; nil asks what is in the store.
  private func index(into store: PageStore, chosen: Chosen? = nil) throws -> ExitStatus {
    var meter = ProgressMeter(totalBytes: totalBytes)
    let isShown = FileDescriptor.standardError.isTerminal
    var listeners = Indexing.Listeners(
      page: { page in if showsEach { try context.write(.pageIndexed(page)) } },
      problem: { error in
        if isShown { meter.clear() }
        context.diagnostics.error(error)
      },
      progress: { progress in if isShown { meter.show(progress) } })
    let start = context.now()
    let active = try store.activeEmbedder()
    let wasEmpty = try store.pageCount() == 0
    // A model that cannot be used is told of before anything is written.
    let (choice, model) = try chosen ?? self.chosen(for: store)
    var forecast = options.isDryRun ? try estimate(choice, model, store) : nil
    if forecast != nil { listeners.text = { try forecast?.add($0, ofPage: $1) } }
    var options = options
    options.givenVectors = choice == .given ? GivenVectors.model(named: context.settings.string(.embeddingModel)) : nil
    let indexing = try Indexing(store: store, options: options, listeners: listeners, now: context.now)
    let result = try indexing.run(sources, reading: reading)
    var summary = result.summary
    // Who names a file that is not there did not ask for the whole database to be embedded, which may cost money.
    if let model, !options.isDryRun, !result.hasReadNothing {
      meter = ProgressMeter(totalBytes: nil)
      try embed(with: model, into: store, &meter, isShown: isShown)
      summary.embedder = model.fingerprint.description
      summary.dimensions = model.fingerprint.dimensions
      summary.seconds = ((context.now() - start) * 1000).rounded() / 1000
    } else if choice == .none, active == nil, wasEmpty, summary.pages > 0, context.settings[.embedder] == nil {
      context.diagnostics.notice(
        "no vectors: pages are found by keywords alone; `make model` brings the model for them")
    }
    if isShown { meter.clear() }
    if forecast != nil, !result.hasReadNothing {
      try forecast?.addStored()
      try forecast?.addTurns()
      if let forecast { try tell(forecast, choice, model, store) }
    }
    if result.sourcesInOrderOfTheirOwn > 1, summary.counts[.added, default: 0] > 0 {
      // They all start at 1, and the gate would mix them up.
      context.diagnostics.notice(
        "\(result.sourcesInOrderOfTheirOwn) sources have pages without a page_index, ordered from 1 in each; "
          + "index their folder for one order")
    }
    if result.pagesWithoutVector > 0 {
      context.diagnostics.notice(
        "\(result.pagesWithoutVector) of the pages came without a vector: they are found by their words alone")
    }
    try context.write(.indexSummary(summary))
    if let unreadable = result.unreadable { return unreadable.exitStatus }
    return summary.counts[.failed, default: 0] > 0 ? .malformed : .done
  }

  /// Who embeds the pages; nil when nobody does.
  private func embedder(_ choice: EmbedderChoice, _ store: PageStore?) throws -> (any Embedder)? {
    // A dry run asks no server.
    if let service = choice.service {
      return options.isDryRun ? nil : try context.remoteEmbedder(service, knownTo: store)
    }
    return choice == .minilm ? try embeddedModel(isRequired: embedding.embedder == .minilm) : nil
  }

  /// The embedded model; nil, with a notice, when it is not there and nobody insists.
  private func embeddedModel(isRequired: Bool) throws -> EmbeddedModel? {
    do {
      return try EmbeddedModel(path: context.embeddedModelPath, threads: embedding.jobs ?? .max)
    } catch let error as GibseyError {
      guard case .noEmbeddingModel = error, !isRequired else { throw error }
      context.diagnostics.notice("\(error.message): new pages are found by keywords alone")
      if let hint = error.hint { context.diagnostics.notice("hint: " + hint) }
      return nil
    }
  }

  private func embed(
    with model: any Embedder, into store: PageStore, _ meter: inout ProgressMeter, isShown: Bool
  ) throws {
    var isChecked = false
    let embed = { (texts: [String]) in
      // Who embeds nothing does not read fifty megabytes, and who embeds reads them anyway.
      if !isChecked { try (model as? EmbeddedModel)?.checkWhole() }
      isChecked = true
      return try Blocking.run { try await model.embed(texts) }
    }
    let vectors = try VectorIndexing(store: store, fingerprint: model.fingerprint, embed: embed, now: context.now)
    let outcome = try vectors.run { progress in if isShown { meter.show(progress) } }
    let conversations = ConversationStore(store)
    let turns = try conversations.activeEmbedder().map { active in
      try TurnEmbedding(store: conversations, embed: embed).run(active)
    }
    if isShown { meter.clear() }
    if let turns, turns > 0, model is RemoteEmbedder {
      context.diagnostics.notice("\(turns) turns of conversations were embedded, too, by \(model.fingerprint.model)")
    }
    context.diagnostics.debug("embedded \(turns ?? 0) turns")
    context.diagnostics.debug("embedded \(outcome.embedded) texts")
    if let first = outcome.truncated.first {
      context.diagnostics.notice(
        "\(outcome.truncated.count) pages are longer than what the model read, page \(first) for one: their ends are found "
          + "by keywords alone")
    }
  }

  private var totalBytes: Int? {
    guard FileDescriptor.standardError.isTerminal else { return nil }
    let counts = sources.map(\.byteCount)
    return counts.contains(nil) ? nil : counts.compactMap(\.self).reduce(0, +)
  }
}

/// A line of progress on a terminal: pages, rate, time left.
struct ProgressMeter {
  private let totalBytes: Int?
  private var lastShown = -1.0
  private static let intervalSeconds = 0.1

  init(totalBytes: Int?) { self.totalBytes = totalBytes }

  mutating func show(_ progress: Indexing.Progress) {
    guard progress.seconds - lastShown >= Self.intervalSeconds, progress.seconds > 0 else { return }
    lastShown = progress.seconds
    let rate = Int(Double(progress.pages) / progress.seconds)
    var line = "\r\u{1B}[K\(progress.pages) pages, \(rate) pages/s"
    if let totalBytes, progress.textBytes > 0, progress.textBytes < totalBytes {
      let left = progress.seconds * Double(totalBytes - progress.textBytes) / Double(progress.textBytes)
      line += ", about \(Int(left.rounded(.up))) s left"
    }
    try? FileDescriptor.standardError.write(Array(line.utf8))
  }

  mutating func show(_ progress: VectorIndexing.Progress) {
    guard progress.seconds - lastShown >= Self.intervalSeconds, progress.seconds > 0 else { return }
    lastShown = progress.seconds
    let rate = Double(progress.pages) / progress.seconds
    let left = Int((Double(progress.wantedPages - progress.pages) / rate).rounded(.up))
    let line =
      "\r\u{1B}[K\(progress.pages) of \(progress.wantedPages) pages embedded, \(Int(rate)) pages/s, about \(left) s left"
    try? FileDescriptor.standardError.write(Array(line.utf8))
  }

  func clear() { try? FileDescriptor.standardError.write(Array("\r\u{1B}[K".utf8)) }
}
