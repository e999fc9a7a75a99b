// From a question to a kept answer: what every carrier of the daemon does, and the pipe with two programs.
internal import Synchronization

/// Answers questions: builds their prompts, asks, and keeps the turns. A value with injected parts; the carrier is whoever
/// takes what is told.
public struct Conversing: Sendable {
  /// Builds the prompt of a question.
  public typealias Prompting = @Sendable (_ request: ChatRequest) async throws -> Prompt

  private let prompting: Prompting
  private let place: CurrentAsking
  private let keeper: TurnKeeper?
  private let problem: @Sendable (any Error) -> Void
  private let writes: PatientWrites
  private let making = AnswersBeingMade()

  /// So long at most the end of an answer waits for its turn to be written.
  private static let endPatience = Duration.seconds(1)
  /// The same where somebody stopped it, moved, or came.
  private static let shortPatience = Duration.milliseconds(100)

  /// - Parameters:
  ///   - keeper: keeps the turns; nil where nothing is kept.
  ///   - problem: told of what could not be kept; the answer is given nevertheless.
  public init(
    prompting: @escaping Prompting, asking: CurrentAsking, keeper: TurnKeeper? = nil,
    problem: @escaping @Sendable (any Error) -> Void = { _ in }
  ) {
    self.prompting = prompting
    place = asking
    self.keeper = keeper
    self.problem = problem
    writes = PatientWrites(late: problem)
  }

  private var asking: Asking { place.asking }

  /// A place for a task that only answers.
  public func seat() -> NetworkSeat { asking.seat() }

  /// For a task that has plenty of its answer: see `Transport.letOthersGoFirst`.
  public func letOthersGoFirst() async { await asking.letOthersGoFirst() }

  /// How the providers stand, as far as is known without asking them.
  public func providerStates() -> [ProviderState] { asking.providerStates() }

  /// How the providers are, asked just now, without a token being made.
  /// - Throws: `GibseyError.usage` for settings that name a provider that nobody has, `CancellationError`.
  public func check() async throws -> [(status: ProviderStatus, failure: GibseyError?)] {
    try await Checking(asking).statuses()
  }

  /// The prompt for a question.
  /// - Throws: what is wrong with the question: nothing was asked yet.
  public func prompt(for request: ChatRequest) async throws -> Prompt { try await prompting(request) }

  /// Asks, and has `take` take each part, as `Asking.run` does. A prompt of a session becomes its next turn, which is kept
  /// before `take` hears of its end: who asks again at once is remembered. Where another program holds the database nobody waits
  /// longer than a moment, and the turn is written when it can be.
  /// - Parameters:
  ///   - owner: the token name of who asks; nil where there are no tokens.
  ///   - isReaderThere: whether the reader is still on the prompt's page, asked when the turn is written.
  /// - Throws: as `Asking.run`.
  public func answer(
    _ prompt: Prompt, owner: String? = nil, isReaderThere: @escaping @Sendable () -> Bool = { true },
    _ take: (Asking.Part) throws -> Bool, room: () async throws -> Void
  ) async throws {
    guard let keeper, let session = prompt.sessionID.flatMap({ SessionID($0) }) else {
      return try await asking.run(prompt, take, room: room)
    }
    var turn = KeptAnswer(prompt, in: session, owner: owner, keeper: keeper, isReaderThere: isReaderThere)
    turn.beginMeanwhile()
    /// The end, until it is kept.
    var last: Asking.Part?
    var isKept = false
    let ticket = making.begin(turn.number)
    defer { making.end(ticket) }
    do {
      try await asking.run(prompt) { part in
        turn.take(part)
        switch part {
        case .completed, .failed:
          last = part
          return true
        default: return try take(part)
        }
      } room: {
        guard let part = last else { return try await room() }
        (last, isKept) = (nil, true)
        await end(turn)
        making.end(ticket)
        if try take(part) { try await room() }
      }
    } catch {
      // Whoever took it left: what there was of it is kept.
      if !isKept { await end(turn) }
      throw error
    }
  }

  /// Lets somebody use a session: with tokens it belongs to the name that first does.
  /// - Throws: `GibseyError.unknownSession` when it is another's.
  public func enter(_ session: SessionID, as owner: String?) async throws {
    guard let owner, let keeper else { return }
    let asked = ContinuousClock.now
    try await writes.run(atMost: Self.shortPatience) { try await keeper.claim(session, for: owner, since: asked) }
  }

  /// The reader of a session is on a page now.
  /// - Throws: `GibseyError.unknownSession` when it is another's.
  public func move(_ session: SessionID, to page: (id: String, index: Int), owner: String?) async throws {
    guard let keeper else { return }
    let asked = ContinuousClock.now
    try await writes.run(atMost: Self.shortPatience) {
      try await keeper.move(session, to: page, owner: owner, since: asked)
    }
  }

  /// Takes up what processes that are gone have left of their answers, so that it is found by its words.
  public func takeUpDrafts() async { await keeper?.takeUpDrafts() }

  /// The turns whose answers are being made here now: in the file they stand as interrupted, for nobody knows what comes.
  public var turnsBeingMade: Set<Int> { making.turns }

  private func end(_ turn: KeptAnswer) async {
    do {
      // Who stops an answer waits for its end, and four times as many writes may go on before that takes longer.
      let (patience, share) = turn.isStopped ? (Self.shortPatience, 4) : (Self.endPatience, 1)
      try await writes.run(atMost: patience, share: share) { try await turn.end() }
    } catch { problem(error) }
  }

  /// Whether the database was let go and the one in its place was not opened yet.
  public var hasNoFile: Bool { keeper?.hasNoFile == true }

  /// Where another file has the path of the database, the one of before is let go, with all that was said in it, and that one opened.
  public func turnToFile() async { await keeper?.turnToFile() }

  /// Waits until everything is written, but so long at most, and then leaves the database as one file whose log is empty: another
  /// one may take its place when the process has ended. Call it before that.
  /// - Returns: how many writes were not done then.
  public func settle(atMost patience: Duration) async -> Int {
    await writes.settle(atMost: patience)
    let left = writes.count
    if left == 0 { await keeper?.putAway() }
    return left
  }
}

/// Answers that have begun and not ended. Its identity is the daemon's.
private final class AnswersBeingMade: Sendable {
  private struct State {
    var turns: [Int: @Sendable () -> Int?] = [:]
    var count = 0
  }

  private let state = Mutex(State())

  var turns: Set<Int> { Set(state.withLock { Array($0.turns.values) }.compactMap { $0() }) }

  /// - Parameter turn: tells the number of its turn, once there is one.
  /// - Returns: its place here.
  func begin(_ turn: @escaping @Sendable () -> Int?) -> Int {
    state.withLock { state in
      state.count += 1
      state.turns[state.count] = turn
      return state.count
    }
  }

  func end(_ place: Int) { state.withLock { $0.turns[place] = nil } }
}

/// Who is asked, as long as nobody says otherwise. Its identity is the daemon's: answers that are being made go on as they began.
public final class CurrentAsking: Sendable {
  private let state: Mutex<Asking>

  public init(_ asking: Asking) { state = Mutex(asking) }

  public var asking: Asking { state.withLock { $0 } }

  /// From now on these are asked.
  public func replace(with asking: Asking) { state.withLock { $0 = asking } }
}
