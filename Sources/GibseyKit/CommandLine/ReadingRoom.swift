// Readers of one database for a program that answers many at once: each on a thread of its own, with a store of its own.
internal import Synchronization

/// What a reader works with. Lives on its thread.
public final class Reading {
  /// The pages.
  public let store: PageStore
  /// Who finds pages and builds prompts.
  public let building: ContextBuilding
  /// The characters that there are, cards not counted.
  public let cast: Cast
  /// Who shows pages and conversations.
  public let browsing: Browsing

  init(store: PageStore, building: ContextBuilding, cast: Cast, isWholeBook: Bool) {
    self.store = store
    self.building = building
    self.cast = cast
    browsing = Browsing(store: store, cast: cast, isWholeBook: isWholeBook)
  }
}

/// Reads one database on a few threads. What an indexer or somebody with a new file changes is seen by the next reading.
public final class ReadingRoom: Sendable {
  /// How prompts are built.
  public struct Options: Sendable {
    public var defaults = ContextBuilding.Defaults()
    public var searching = Searching.Options()
    public var readers = 2
    /// Readings that may wait for a thread.
    public var waitingLimit = 1024

    public init() {}
  }

  private let pool: WorkerPool<Desk>
  private let place: Terms

  /// The file's path.
  public let path: String

  /// - Throws: what opening the database throws, and what is wrong with a folder of characters.
  public init(context: ToolContext, path: String, options: Options) throws {
    let place = Terms(try context.cast(), options.defaults)
    self.place = place
    self.path = path
    // Opened once here, so that a file that is none is told at once; it is the first thread's.
    _ = try PageStore(path: path, access: .readOnly)
    pool = try WorkerPool(threads: options.readers, waitingLimit: options.waitingLimit) {
      try Desk(context: context, path: path, options: options, place: place)
    }
  }

  /// Reads the folder of characters again, and builds prompts by other defaults.
  /// - Throws: what is wrong with the folder; all then stays as it was.
  public func reread(_ context: ToolContext, _ defaults: ContextBuilding.Defaults) throws {
    place.set(try context.cast(), defaults)
  }

  /// Builds prompts by other defaults.
  public func reread(_ defaults: ContextBuilding.Defaults) { place.set(place.get().cast, defaults) }

  /// The characters that there are, cards not counted.
  public var characters: Cast { place.get().cast }

  /// How many readings wait for a thread.
  public var waitingCount: Int { pool.waitingCount }

  /// Waits until as many readings are done as there are now: see `WorkerPool.letOthersGoFirst`.
  public func letOthersGoFirst() async { await pool.letOthersGoFirst() }

  /// Reads on one of the threads.
  /// - Throws: what `body` throws, what opening the database throws, `CancellationError`, and `GibseyError.databaseBusy`
  ///   when too many wait.
  public func read<Value: Sendable>(_ body: @escaping @Sendable (Reading) throws -> Value) async throws -> Value {
    try await pool.run { desk in try body(desk.reading()) }
  }

  /// Another file has the path of the database: all threads let the one of before go. Each would at its next reading, but who has
  /// none for long would keep it open, with a log that has lost its name, and it may come back.
  public func letGo() async { await pool.runOnEach { $0.letGo() } }

  /// The prompt for a question.
  public func prompt(for request: ChatRequest) async throws -> Prompt {
    try await read { try $0.building.prompt(for: request) }
  }
}

/// What may be changed while readers read: the characters, and how prompts are built.
private final class Terms: Sendable {
  struct Edition: Sendable {
    let cast: Cast
    let defaults: ContextBuilding.Defaults
    let number: Int
  }

  private let state: Mutex<Edition>
  /// What all readers know of the pages.
  let known = KnownPages()

  init(_ cast: Cast, _ defaults: ContextBuilding.Defaults) {
    state = Mutex(Edition(cast: cast, defaults: defaults, number: 0))
  }

  func get() -> Edition { state.withLock { $0 } }
  func set(_ cast: Cast, _ defaults: ContextBuilding.Defaults) {
    state.withLock { $0 = Edition(cast: cast, defaults: defaults, number: $0.number + 1) }
  }
}

/// One thread's readings: opened anew when the file is another, made anew when its vectors are of another model.
private struct Desk {
  private struct Current {
    let reading: Reading
    let embedder: EmbedderRow?
    let edition: Int
    /// The store's change number when it was looked at last.
    var change: Int
  }

  private let context: ToolContext
  private let path: String
  private let options: ReadingRoom.Options
  private let place: Terms
  /// Nil after the file was let go, until another one is opened.
  private var current: Current?

  init(context: ToolContext, path: String, options: ReadingRoom.Options, place: Terms) throws {
    self.context = context
    self.path = path
    self.options = options
    self.place = place
    current = try open(try PageStore(path: path, access: .readOnly))
  }

  mutating func letGo() {
    if current?.reading.store.standing == .another { current = nil }
  }

  /// The reading that fits what is in the file now.
  mutating func reading() throws -> Reading {
    // Before another one is opened: see `DatabaseLog`.
    letGo()
    guard var current else {
      let opened = try open(try PageStore(path: path, access: .readOnly))
      self.current = opened
      return opened.reading
    }
    let store = current.reading.store
    guard store.standing != .missing else { throw GibseyError.noDatabase(path: path) }
    let number = try store.changeNumber()
    let isSame = try number == current.change || store.activeEmbedder() == current.embedder
    if !isSame || current.edition != place.get().number { current = try open(store) }
    current.change = number
    self.current = current
    return current.reading
  }

  private func open(_ store: PageStore) throws -> Current {
    let change = try store.changeNumber()
    let active = options.searching.mode == .keywords ? nil : try store.activeEmbedder()
    let questions = QuestionEmbedder(context: context, path: path, active: active)
    let edition = place.get()
    let building = try ContextBuilding(
      store: store, embedder: active, questions: questions, searching: options.searching, defaults: edition.defaults,
      cast: edition.cast, known: place.known)
    let reading = Reading(
      store: store, building: building, cast: edition.cast, isWholeBook: edition.defaults.isWholeBook)
    return Current(reading: reading, embedder: active, edition: edition.number, change: change)
  }
}
