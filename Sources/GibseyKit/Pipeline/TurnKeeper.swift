// Keeps what is asked and answered, while it is answered.

internal import Synchronization

/// Writes the turns of one database. Owns its store; everybody who answers shares it.
public actor TurnKeeper {
  /// Before an answer nobody waits longer for another writer: the turn is then appended when the answer is there.
  static let beginPatienceMilliseconds = 200
  static let keepPatienceMilliseconds = 20
  /// So long what came of an answer waits for what came of others: a transaction costs more than what is in it.
  private static let gathering = Duration.milliseconds(250)

  private let path: String
  /// The store of the file that had the path last; nil after that was let go.
  private var store: ConversationStore?
  /// Stores of files of before whose logs others keep from being folded.
  private var leaving: [ConversationStore] = []
  private let patienceMilliseconds: Int
  private let now: @Sendable () -> Timestamp
  /// The first turn that was written here.
  private var firstTurn: Int?
  private struct State {
    /// What came of answers that go on: the newest of each turn, written together.
    var unwritten: [Int: (turn: OpenTurn, answer: String)] = [:]
    var hasNoFile = false
  }

  private let state = Mutex(State())
  /// A writer may wait for another for seconds: not where answers stream. What is written are words that their reader has.
  private let thread: ThreadExecutor

  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// - Parameters:
  ///   - patienceMilliseconds: how long the end of an answer waits for another writer.
  ///   - now: the clock on the wall.
  /// - Throws: `GibseyError.noDatabase`, `.databaseReadOnly`, and what else is wrong with the file.
  public init(
    path: String, patienceMilliseconds: Int = ConversationStore.patienceMilliseconds,
    now: @escaping @Sendable () -> Timestamp
  ) throws {
    self.path = path
    store = try Self.open(path)
    self.patienceMilliseconds = patienceMilliseconds
    self.now = now
    thread = try ThreadExecutor(yields: true)
  }

  /// Until when a write waits for other writers: so long from the moment that it was asked for, so that those who waited for
  /// their turn meanwhile have waited already.
  static func rest(
    ofMilliseconds patience: Int, since asked: ContinuousClock.Instant, now: ContinuousClock.Instant
  ) -> Int {
    max(0, patience - Int((now - asked) / .milliseconds(1)))
  }

  private static func open(
    _ path: String, patienceMilliseconds: Int = ConversationStore.patienceMilliseconds
  ) throws -> ConversationStore {
    let store = try ConversationStore(path: path, access: .readWrite, patienceMilliseconds: patienceMilliseconds)
    guard !store.isReadOnly else { throw GibseyError.databaseReadOnly(path: path) }
    return store
  }

  /// The store of the file that is there now; its writers wait so long for others.
  private func store(waiting milliseconds: Int) throws -> ConversationStore {
    letGo()
    guard let store else {
      let store = try Self.open(path, patienceMilliseconds: milliseconds)
      (self.store, firstTurn) = (store, nil)
      state.withLock { $0.hasNoFile = false }
      return store
    }
    guard store.standing != .missing else { throw GibseyError.noDatabase(path: path) }
    store.wait(milliseconds: milliseconds)
    return store
  }

  /// Lets the file go when another one has taken its place. Where the old one has gone its log does not follow it, so what was
  /// written is folded into it first.
  func letGo(waiting milliseconds: Int = 0) {
    leaving.removeAll { Self.fold($0, waiting: milliseconds) }
    guard let store, store.standing == .another else { return }
    if !Self.fold(store, waiting: Self.beginPatienceMilliseconds) { leaving.append(store) }
    self.store = nil
    state.withLock { $0.hasNoFile = true }
  }

  /// Whether the file was let go and the one in its place was not opened yet.
  nonisolated var hasNoFile: Bool { state.withLock { $0.hasNoFile } }

  /// Lets the file go when another one has taken its place, opens that one, and takes up its drafts: what others write into its log,
  /// too, can be folded only by who writes. What cannot be opened now is tried again when this is called again, or by who writes the next turn.
  func turnToFile() { takeUpDrafts() }

  /// Folds what was written into the file. Where others are in the way it stays in the log, and is not lost.
  func putAway() {
    letGo(waiting: Self.beginPatienceMilliseconds)
    if let store { _ = Self.fold(store, waiting: Self.beginPatienceMilliseconds) }
  }

  private static func fold(_ store: ConversationStore, waiting milliseconds: Int) -> Bool {
    store.wait(milliseconds: milliseconds)
    return (try? store.foldLog()) == true
  }

  private func store(waiting milliseconds: Int, since asked: ContinuousClock.Instant) throws -> ConversationStore {
    try store(waiting: Self.rest(ofMilliseconds: milliseconds, since: asked, now: .now))
  }

  /// Makes a session the name's, when it is nobody's yet.
  /// - Parameter asked: when that was wanted.
  /// - Throws: `GibseyError.unknownSession` when it is another's.
  public func claim(
    _ session: SessionID, for owner: String, since asked: ContinuousClock.Instant = .now
  ) throws {
    let store = try store(waiting: patienceMilliseconds, since: asked)
    if try store.session(session)?.owner?.spelling == owner.spelling { return }
    try store.touch(session, owner: owner, at: now())
  }

  /// The reader of a session is on a page now.
  /// - Parameter asked: when they went there.
  /// - Throws: `GibseyError.unknownSession` when it is another owner's.
  public func move(
    _ session: SessionID, to page: (id: String, index: Int), owner: String?,
    since asked: ContinuousClock.Instant = .now
  ) throws {
    try store(waiting: patienceMilliseconds, since: asked).advance(session, to: page, owner: owner, at: now())
  }

  /// - Parameter isAwaited: whether an answer waits for it.
  func begin(
    _ turn: TurnToKeep, isAwaited: Bool, since asked: ContinuousClock.Instant = .now
  ) throws -> OpenTurn {
    let patience = isAwaited ? Self.beginPatienceMilliseconds : patienceMilliseconds
    let store = try store(waiting: patience, since: asked)
    return noted(try store.begin(turn, at: now()), in: store)
  }

  /// Writes what came of an answer as soon as may be, in one transaction with what came of others. Nobody waits for it: tokens
  /// are on their way.
  nonisolated func keep(_ turn: OpenTurn, answer: String) {
    let isFirst = state.withLock { state in
      defer { state.unwritten[turn.id] = (turn, answer) }
      return state.unwritten.isEmpty
    }
    guard isFirst else { return }
    Task {
      // So that others' answers come along: a transaction for each cost three times as much (docs/design/0021).
      try? await Task.sleep(for: Self.gathering)
      await keepAll()
    }
  }

  /// Writes what came of all answers that go on. What cannot be written now is written at their ends.
  func keepAll() {
    let answers = state.withLock { state in
      defer { state.unwritten = [:] }
      return state.unwritten.values.sorted { $0.turn.id < $1.turn.id }
    }
    guard !answers.isEmpty, let store = try? store(waiting: Self.keepPatienceMilliseconds) else { return }
    try? store.keep(answers.filter { $0.turn.file == store.file })
  }

  /// Takes up what processes that are gone have left of their answers. What cannot be now is when somebody goes on with its session.
  func takeUpDrafts() { try? store(waiting: Self.beginPatienceMilliseconds).takeUpDrafts() }

  /// - Returns: false when the turn was begun in a file that another one has taken the place of: it has other turns.
  func finish(
    _ turn: OpenTurn, answer: String, outcome: StoredTurn.Outcome, since asked: ContinuousClock.Instant = .now
  ) throws -> Bool {
    state.withLock { $0.unwritten[turn.id] = nil }
    let store = try store(waiting: patienceMilliseconds, since: asked)
    guard turn.file == store.file else { return false }
    try store.finish(turn, answer: answer, outcome: outcome, at: now())
    return true
  }

  func append(
    _ turn: TurnToKeep, answer: String, outcome: StoredTurn.Outcome, since asked: ContinuousClock.Instant = .now
  ) throws -> OpenTurn {
    let store = try store(waiting: patienceMilliseconds, since: asked)
    return noted(try store.append(turn, answer: answer, outcome: outcome, at: now()), in: store)
  }

  private func noted(_ turn: OpenTurn, in store: ConversationStore) -> OpenTurn {
    firstTurn = min(firstTurn ?? turn.id, turn.id)
    var turn = turn
    turn.file = store.file
    return turn
  }

  /// Gives vectors to the turns that were written here, a batch of them at most; `gibsey-index` gives them to the others.
  /// - Parameter make: who embeds as the database's embedder does; nil where that cannot be had.
  /// - Returns: how many turns there were.
  public func embed(with make: @Sendable (EmbedderRow) throws -> (any Embedder)?) async throws -> Int {
    let store = try store(waiting: Self.beginPatienceMilliseconds)
    guard let firstTurn, let active = try store.activeEmbedder(), let embedder = try make(active) else { return 0 }
    let turns = try store.turnsWantingVectors(of: active, after: firstTurn - 1, limit: TurnEmbedding.batchTurns)
    guard !turns.isEmpty else { return 0 }
    let embeddings = try await Self.embed(TurnEmbedding.texts(of: turns), with: embedder)
    guard try self.store(waiting: Self.beginPatienceMilliseconds) === store else { return 0 }
    try store.write(try TurnEmbedding.vectors(of: turns, embeddings, active), of: turns, active)
    return turns.count
  }

  /// Not on the thread of the keeper: turns are written meanwhile.
  @concurrent private static func embed(
    _ texts: [String], with embedder: any Embedder
  ) async throws -> [TextEmbedding] {
    try await embedder.embed(texts)
  }

  /// A prompt as the turn that it will be: behind the turn that it was built behind, and as far in the book as its reader and as
  /// whatever it holds.
  func turn(of prompt: Prompt, in session: SessionID, owner: String?) throws -> TurnToKeep {
    var turn = TurnToKeep(
      sessionID: session, owner: owner,
      // A prompt that was built without the session goes on where the session is.
      parent: prompt.sessionID == session.text ? .turn(prompt.parentTurn) : .newest,
      characterID: prompt.characterID, question: prompt.prompt, promptID: prompt.promptID)
    turn.pageID = prompt.currentPageID ?? prompt.gatePageID
    turn.sources.pages = prompt.pages.map(\.id) + prompt.samples.map(\.id)
    turn.sources.pages += prompt.lore.compactMap(\.knownFrom)
    turn.sources.pages += [prompt.gatePageID, prompt.currentPageID].compactMap(\.self)
    turn.sources.turns = prompt.turns.map(\.id)
    // Messages that the question brought may tell of any page, unless a gate says how far the reader was who brought them.
    turn.sources.hasUnknown = try prompt.gatePageID == nil && spokenElsewhere(in: prompt) > 0
    return turn
  }

  /// How many messages of a prompt were said before the question and are none of the turns that it names.
  private func spokenElsewhere(in prompt: Prompt) throws -> Int {
    let spoken = prompt.messages.count { $0.role != .system } - 1
    let store = try store(waiting: Self.beginPatienceMilliseconds)
    return try prompt.turns.filter { !$0.isRecalled }.reduce(spoken) { rest, turn in
      // Of others the answer alone is heard.
      try rest - (store.turn(turn.id)?.characterID?.spelling == prompt.characterID?.spelling ? 2 : 1)
    }
  }
}

/// One answer on its way into a session. What came of it is there as interrupted from the first moment on, whatever becomes of
/// the process; that it cannot be written now stops no answer, and is told when the answer has ended.
public struct KeptAnswer: Sendable {
  /// So often what came is kept.
  static let interval = Duration.seconds(1)
  /// An answer that is kept is cut before it is longer: four times what a model says at most.
  public static let limitBytes = 2 << 20
  /// A longer one is not written anew before it has grown by an eighth: all of it is written each time.
  private static let longBytes = 64 << 10

  private let keeper: TurnKeeper
  private let prompt: Prompt
  private let session: SessionID
  private let owner: String?
  private let isReaderThere: @Sendable () -> Bool
  private let now: @Sendable () -> ContinuousClock.Instant
  private let beginning = Beginning()
  private var answer: [UInt8] = []
  private var outcome = StoredTurn.Outcome.interrupted
  private var keptAt: ContinuousClock.Instant
  private var keptBytes = 0

  /// - Parameters:
  ///   - owner: the token name of who asks; nil where there are no tokens.
  ///   - now: a clock that nobody sets back, as that on the wall is.
  ///   - isReaderThere: whether the reader is still on the prompt's page, asked when the turn is written.
  public init(
    _ prompt: Prompt, in session: SessionID, owner: String? = nil, keeper: TurnKeeper,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    isReaderThere: @escaping @Sendable () -> Bool = { true }
  ) {
    self.keeper = keeper
    self.prompt = prompt
    self.session = session
    self.owner = owner
    self.isReaderThere = isReaderThere
    self.now = now
    keptAt = now()
  }

  /// Begins the turn. Call it before the prompt is asked, or `beginMeanwhile`.
  public func begin() async { await begin(isAwaited: true, since: .now) }

  /// Begins the turn while the prompt is asked: no token waits for another writer.
  func beginMeanwhile() {
    let asked = ContinuousClock.now
    beginning.set(Task { [self] in await begin(isAwaited: false, since: asked) })
  }

  private func begin(isAwaited: Bool, since asked: ContinuousClock.Instant) async {
    // What is wrong now is found again at the end, or is over then.
    guard let turn = try? await turn() else { return }
    beginning.set(try? await keeper.begin(turn, isAwaited: isAwaited, since: asked))
  }

  /// Follows the answer.
  public mutating func take(_ part: Asking.Part) {
    switch part {
    case .batch(let batch):
      answer += batch.text
      let time = now()
      let growth = keptBytes < Self.longBytes ? 1 : keptBytes / 8
      guard let open = beginning.turn, answer.count - keptBytes >= growth,
        time - keptAt >= Self.interval
      else { return }
      (keptAt, keptBytes) = (time, answer.count)
      keeper.keep(open, answer: text)
    case .completed(let completion): outcome = completion.finishReason == .cancelled ? .interrupted : .complete
    case .failed: outcome = .failed
    case .retrying, .adapted, .counted, .misread, .switched: return
    }
  }

  /// Writes how it ended. Call it once, whether the asking threw or not.
  /// - Returns: the turn.
  /// - Throws: `GibseyError.databaseBusy`, `.databaseFull`, `.sessionForgotten` and what else keeps the answer from being kept.
  @discardableResult
  public func end() async throws -> OpenTurn {
    let asked = ContinuousClock.now
    await beginning.end()
    let open = beginning.turn
    if let open, try await keeper.finish(open, answer: text, outcome: outcome, since: asked) { return open }
    var turn = try await turn()
    if open != nil {
      // What it stood behind is in the file that is gone.
      turn.parent = .newest
      turn.sources.turns = []
    }
    return try await keeper.append(turn, answer: text, outcome: outcome, since: asked)
  }

  private func turn() async throws -> TurnToKeep {
    var turn = try await keeper.turn(of: prompt, in: session, owner: owner)
    turn.isReaderThere = isReaderThere
    return turn
  }

  /// Whether somebody stopped it: they wait for its end.
  var isStopped: Bool { outcome == .interrupted }

  private var text: String { String(decoding: answer, as: UTF8.self) }

  /// Tells the number of its turn, once it is in the file.
  var number: @Sendable () -> Int? { { [beginning] in beginning.turn?.id } }
}

/// A turn that is being begun while its answer is made. Its identity is the turn's.
private final class Beginning: Sendable {
  private struct State {
    var turn: OpenTurn?
    var task: Task<Void, Never>?
  }

  private let state = Mutex(State())

  /// Nil until it is in the file.
  var turn: OpenTurn? { state.withLock { $0.turn } }
  func set(_ turn: OpenTurn?) { state.withLock { $0.turn = turn } }
  func set(_ task: Task<Void, Never>) { state.withLock { $0.task = task } }

  /// Waits until it is, or will not be.
  func end() async { await state.withLock { $0.task }?.value }
}
