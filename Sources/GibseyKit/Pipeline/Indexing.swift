// The first verb: pages of sources go into a database, and only what changed is written.

/// Indexes sources into a store. What an id, a place and a source mean is in gibsey-index(1).
public struct Indexing {
  /// How a run goes about its work.
  public struct Options: Sendable {
    /// Whether pages that a source no longer has are removed, all or nothing.
    public var isSync = false
    /// Whether the run only says what would happen.
    public var isDryRun = false
    /// A batch is committed after this many pages…
    public var batchPages = 2000
    /// …or this many seconds, so that a slow source loses little.
    public var batchSeconds = 2.0

    /// Whether the vectors that come with pages are kept, and under which fingerprint's model.
    public var givenVectors: String?

    public init() {}
  }

  /// Where a run is.
  public struct Progress: Sendable {
    public var pages: Int
    /// UTF-8 bytes of the texts so far.
    public var textBytes: Int
    public var seconds: Double
  }

  /// What a run tells while it goes on.
  public struct Listeners {
    /// What became of each page.
    public var page: (PageIndexed) throws -> Void
    /// What could not be read; the run goes on.
    public var problem: (GibseyError) -> Void
    public var progress: (Progress) -> Void
    /// In a dry run, the text and the id of each page that would be written anew.
    public var text: (_ text: String, _ id: String) throws -> Void = { _, _ in }

    public init(
      page: @escaping (PageIndexed) throws -> Void, problem: @escaping (GibseyError) -> Void,
      progress: @escaping (Progress) -> Void
    ) {
      self.page = page
      self.problem = problem
      self.progress = progress
    }
  }

  private let store: PageStore
  private let writer: PageWriter
  private let vectors: VectorWriter
  private let options: Options
  private let listeners: Listeners
  private let now: () -> Double

  /// - Parameter now: seconds of a clock that never goes back.
  public init(
    store: PageStore, options: Options, listeners: Listeners, now: @escaping () -> Double
  ) throws {
    self.store = store
    writer = try store.writer()
    vectors = try store.vectorWriter(writer)
    self.options = options
    self.listeners = listeners
    self.now = now
  }

  /// The state of one run.
  private struct Run {
    var counts: [PageIndexed.Change: Int] = [:]
    /// The sources of a run that is all or nothing: a page that one of them no longer has may be another's.
    var synchronized: Set<Spelling> = []
    /// The rows of the pages that these have.
    var kept: Set<Int> = []
    /// Ids that a dry run has met, and the source that would own them.
    var planned: [Spelling: String] = [:]
    var pagesOfSource = 0
    var failuresOfSource = 0
    var isBatchOpen = false
    var batchPages = 0
    var batchBegan = 0.0
    var progress = Progress(pages: 0, textBytes: 0, seconds: 0)
    /// Sources with pages that took their place from the order of the source.
    var sourcesInOrderOfTheirOwn = 0
    /// The first source that could not be read at all.
    var unreadable: GibseyError?
    var unreadableCount = 0
    /// The embedder of vectors that come with pages, once one came.
    var given: EmbedderRow?
    var pagesWithoutVector = 0
    /// What became of pages, as long as it may yet be taken back: of a run that is all or nothing.
    var untold: [PageIndexed] = []
  }

  /// What came of a run.
  public struct Result: Sendable {
    public var summary: IndexSummary
    /// Pages that came without a vector, where others came with one.
    public let pagesWithoutVector: Int
    /// Sources with pages that took their place, from 1 on, from the order of the source.
    public let sourcesInOrderOfTheirOwn: Int
    /// The error of the first source that could not be read at all.
    public let unreadable: GibseyError?
    /// Whether there were sources, and none of them could be read at all.
    public let hasReadNothing: Bool
  }

  /// Reads the sources in order.
  /// - Throws: what ends the run: database errors, `GibseyError.syncRefused`, and what a listener throws. Batches that
  ///   were committed stay.
  public func run(
    _ sources: [PageSource], reading: ReadingOptions
  ) throws -> Result {
    let start = now()
    var run = Run()
    run.batchBegan = start
    if options.isSync { run.synchronized = Set(sources.map(\.name.spelling)) }
    do {
      for source in sources { try index(source, reading: reading, start: start, &run) }
      if options.isSync { try removeMissing(sources, &run) }
      try finishVectors(&run)
      try commit(&run)
      if !options.isDryRun { try writer.finish() }
      for page in run.untold { try listeners.page(page) }
    } catch {
      writer.rollBack()
      throw error
    }
    let active = try store.activeEmbedder()
    let summary = IndexSummary(
      counts: run.counts, pages: try pageCount(run), embedder: active?.fingerprint ?? "none",
      dimensions: active?.coding.dimensions ?? 0,
      seconds: ((now() - start) * 1000).rounded() / 1000)
    return Result(
      summary: summary, pagesWithoutVector: run.given == nil ? 0 : run.pagesWithoutVector,
      sourcesInOrderOfTheirOwn: run.sourcesInOrderOfTheirOwn, unreadable: run.unreadable,
      hasReadNothing: !sources.isEmpty && run.unreadableCount == sources.count)
  }

  private func index(
    _ source: PageSource, reading: ReadingOptions, start: Double, _ run: inout Run
  ) throws {
    run.pagesOfSource = 0
    run.failuresOfSource = 0
    do {
      let placesGiven = try source.read(options: reading) { item in
        switch item {
        case .page(let page): try write(page, of: source.name, &run)
        case .failure(let id, let error): try fail(id, error, &run)
        }
        run.progress.seconds = now() - start
        listeners.progress(run.progress)
      }
      if placesGiven > 0 { run.sourcesInOrderOfTheirOwn += 1 }
    } catch let error as GibseyError where error.concernsASource {
      if options.isSync {
        guard case .nothingToRead = error else { throw error }
        throw GibseyError.syncRefused(source: source.name, reason: "it has no pages")
      }
      run.unreadable = run.unreadable ?? error
      run.unreadableCount += 1
      listeners.problem(error)
    }
    guard options.isSync else { return }
    if run.failuresOfSource > 0 {
      throw GibseyError.syncRefused(
        source: source.name, reason: "\(run.failuresOfSource) of its pages could not be indexed")
    }
    if run.pagesOfSource == 0 {
      throw GibseyError.syncRefused(source: source.name, reason: "it has no pages")
    }
  }

  private func write(_ page: Page, of source: String, _ run: inout Run) throws {
    guard let id = page.id, let pageIndex = page.pageIndex else {
      throw GibseyError.ourBug("a reader gave a page without an id or a place")
    }
    if let owner = run.planned[id.spelling], owner.spelling != source.spelling {
      return try fail(id, Self.foreign(id, owner, reader: source), &run)
    }
    if let vector = page.vector, let given = run.given, vector.count != given.coding.dimensions {
      let reason = "page \(id): vector: wanted \(given.coding.dimensions) numbers, got \(vector.count)"
      return try fail(id, .malformedInput(source: source, line: nil, reason: reason), &run)
    }
    try beginIfNeeded(&run)
    let outcome = try writer.write(
      page, id: id, pageIndex: pageIndex, source: source, isDryRun: options.isDryRun
    ) { owner, row in run.synchronized.contains(owner.spelling) && !run.kept.contains(row) }
    switch outcome {
    case .foreign(let owner): try fail(id, Self.foreign(id, owner, reader: source), &run)
    case .change(let change, let row):
      if options.isSync { run.kept.insert(row) }
      if options.isDryRun { run.planned[id.spelling] = source }
      if options.isDryRun, change == .added || change == .updated { try listeners.text(page.text, id) }
      if let vector = page.vector, let name = options.givenVectors, !options.isDryRun {
        try keep(vector, row: row, name, &run)
      } else if options.givenVectors != nil {
        run.pagesWithoutVector += 1
      }
      run.pagesOfSource += 1
      run.progress.pages += 1
      run.progress.textBytes += page.text.utf8.count
      try report(PageIndexed(id: id, change: change), &run)
    }
    run.batchPages += 1
    let isFull = run.batchPages >= options.batchPages || now() - run.batchBegan > options.batchSeconds
    if isFull, !options.isSync { try commit(&run) }
  }

  /// Keeps a vector that came with a page; the first one settles the dimensions.
  private func keep(_ vector: [Float], row: Int, _ name: String, _ run: inout Run) throws {
    guard let unit = UnitVector(normalizing: vector) else { return }
    if run.given == nil {
      let fingerprint = EmbeddingFingerprint(
        model: name, revision: "", dimensions: vector.count, windows: "", prefix: "")
      if let known = try store.embedders().first(where: {
        $0.fingerprint.utf8.starts(with: "\(name) ".utf8) && $0.coding.dimensions != vector.count
      }) {
        throw GibseyError.dimensionsChanged(embedder: name, was: known.coding.dimensions, now: vector.count)
      }
      run.given = try vectors.embedder(
        fingerprint.description, coding: VectorCoding(dimensions: vector.count, precision: fingerprint.precision))
    }
    if let given = run.given { try vectors.write(unit, ofPage: row, given) }
  }

  private static func foreign(_ id: String, _ owner: String, reader: String) -> GibseyError {
    .malformedInput(source: reader, line: nil, reason: "the id \(id) belongs to the source \(owner)")
  }

  private func fail(_ id: String, _ error: GibseyError, _ run: inout Run) throws {
    run.failuresOfSource += 1
    listeners.problem(error)
    try report(PageIndexed(id: id, change: .failed, reason: error.message), &run)
  }

  private func report(_ page: PageIndexed, _ run: inout Run) throws {
    run.counts[page.change, default: 0] += 1
    if options.isSync { run.untold.append(page) } else { try listeners.page(page) }
  }

  private func removeMissing(_ sources: [PageSource], _ run: inout Run) throws {
    try beginIfNeeded(&run)
    for source in sources {
      let gone = try writer.removePages(of: source.name, except: run.kept, isDryRun: options.isDryRun)
      for id in gone { try report(PageIndexed(id: id, change: .removed), &run) }
    }
  }

  /// Lets go of vectors that no page has any more, and has searches use those that came.
  private func finishVectors(_ run: inout Run) throws {
    let changes = (run.counts[.updated] ?? 0) + (run.counts[.removed] ?? 0)
    guard !options.isDryRun, changes > 0 || run.given?.isActive == false else { return }
    try beginIfNeeded(&run)
    if changes > 0 { try vectors.removeUnused() }
    if let given = run.given { try vectors.activate(given) }
  }

  private func beginIfNeeded(_ run: inout Run) throws {
    guard !run.isBatchOpen, !options.isDryRun else { return }
    try writer.begin()
    run.isBatchOpen = true
    run.batchPages = 0
    run.batchBegan = now()
  }

  private func commit(_ run: inout Run) throws {
    guard run.isBatchOpen else { return }
    try writer.commit()
    run.isBatchOpen = false
  }

  /// The pages after the run; a dry run counts what it would have added and removed.
  private func pageCount(_ run: Run) throws -> Int {
    let pages = try store.pageCount()
    guard options.isDryRun else { return pages }
    return pages + (run.counts[.added] ?? 0) - (run.counts[.removed] ?? 0)
  }
}

extension GibseyError {
  /// Whether it tells of a source that cannot be read, rather than of the database or the output.
  fileprivate var concernsASource: Bool {
    switch self {
    case .noSuchFile, .cannotRead, .nothingToRead, .malformedInput, .lineTooLong: true
    default: false
    }
  }
}
