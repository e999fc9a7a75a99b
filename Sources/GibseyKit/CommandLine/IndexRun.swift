// One run of gibsey-index as a person sees it: records on stdout, problems and progress on stderr.

/// Indexes sources and tells about it.
public struct IndexRun {
  let context: ToolContext
  let sources: [PageSource]
  let reading: ReadingOptions
  let options: Indexing.Options
  let showsEach: Bool

  public init(
    context: ToolContext, sources: [PageSource], reading: ReadingOptions, options: Indexing.Options,
    showsEach: Bool
  ) {
    self.context = context
    self.sources = sources
    self.reading = reading
    self.options = options
    self.showsEach = showsEach
  }

  /// Runs it; the status tells whether everything could be read.
  public func run(path: String, waitSeconds: Int) throws -> ExitStatus {
    if options.isDryRun { return try dryRun(path: path) }
    let lock = try WriterLock(path: path, limitSeconds: waitSeconds) {
      context.diagnostics.notice("waiting for another gibsey-index on \(path)")
    }
    defer { withExtendedLifetime(lock) {} }
    return try index(into: try PageStore(path: path, access: .readWrite))
  }

  /// A dry run makes no file: what is not there yet is tried on a database in memory.
  private func dryRun(path: String) throws -> ExitStatus {
    do {
      return try index(into: try PageStore(path: path, access: .readOnly))
    } catch GibseyError.noDatabase, GibseyError.emptyDatabase {
      return try index(into: try PageStore(path: ":memory:", access: .readWrite))
    }
  }

  private func index(into store: PageStore) throws -> ExitStatus {
    var meter = ProgressMeter(totalBytes: totalBytes)
    let isShown = FileDescriptor.standardError.isTerminal
    let listeners = Indexing.Listeners(
      page: { page in if showsEach { try context.write(.pageIndexed(page)) } },
      problem: { error in
        if isShown { meter.clear() }
        context.diagnostics.error(error)
      },
      progress: { progress in if isShown { meter.show(progress) } })
    let indexing = try Indexing(store: store, options: options, listeners: listeners, now: context.now)
    let result = try indexing.run(sources, reading: reading)
    let summary = result.summary
    if isShown { meter.clear() }
    if result.sourcesInOrderOfTheirOwn > 1, summary.counts[.added, default: 0] > 0 {
      // They all start at 1, and the gate would mix them up.
      context.diagnostics.notice(
        "\(result.sourcesInOrderOfTheirOwn) sources have pages without a page_index, ordered from 1 in each; "
          + "index their folder for one order")
    }
    try context.write(.indexSummary(summary))
    if let unreadable = result.unreadable { return unreadable.exitStatus }
    return summary.counts[.failed, default: 0] > 0 ? .malformed : .done
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

  func clear() { try? FileDescriptor.standardError.write(Array("\r\u{1B}[K".utf8)) }
}
