// What gibsey-index, which owns the file, does with conversations: the flags.
public import ArgumentParser

/// Listing, finding, exporting and forgetting conversations.
public struct ConversationOptions: ParsableArguments {
  @Flag(help: "Print the conversations as records, the last seen first, and end.")
  public var sessions = false
  @Option(help: "Print the turns that have all words of a text, best first, and end.")
  public var find: String?
  @Option(help: "With --find: only in the conversation of that name.")
  public var session: SessionID?
  @Option(parsing: .unconditional, help: "With --find: so many turns at most; 20 by default.")
  public var limit: Int?
  @Option(help: "Print the turns of the conversation of that name as records, and end.")
  public var exportSession: SessionID?
  @Option(help: "Forget the conversation of that name, with all its words, and end.")
  public var forget: [SessionID] = []

  private static let findLimit = 20

  public init() {}

  /// The flags given that each ask for something of their own.
  public var verbs: [String] {
    let all = [
      ("--sessions", sessions), ("--find", find != nil), ("--export-session", exportSession != nil),
      ("--forget", !forget.isEmpty),
    ]
    return all.filter(\.1).map(\.0)
  }

  public func validate() throws {
    if session != nil, find == nil { throw ValidationError("--session goes with --find") }
    if limit != nil, find == nil { throw ValidationError("--limit goes with --find") }
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
  }

  /// Does what was asked for; nil when nothing was.
  public func run(database: String, waitSeconds: Int, in context: ToolContext) throws -> ExitStatus? {
    if !forget.isEmpty { return try forget(database, waitSeconds, context) }
    guard sessions || find != nil || exportSession != nil else { return nil }
    let store = try ConversationStore(path: database, access: .readOnly)
    if let exportSession { return try export(exportSession, store, context) }
    if let find { return try tell(store.find(find, in: session, limit: limit ?? Self.findLimit), context) }
    let all = try store.sessions()
    for session in all { try context.write(.session(SessionListing(session))) }
    return all.isEmpty ? .foundNothing : .done
  }

  private func tell(_ turns: [StoredTurn], _ context: ToolContext) throws -> ExitStatus {
    for turn in turns { try context.write(.turn(TurnRecord(turn))) }
    return turns.isEmpty ? .foundNothing : .done
  }

  private func export(_ id: SessionID, _ store: ConversationStore, _ context: ToolContext) throws -> ExitStatus {
    let isThere = try store.forEachTurn(of: id) { try context.write(.turn(TurnRecord($0))) }
    guard isThere else { throw GibseyError.unknownSession(id: id.text) }
    return .done
  }

  private func forget(_ database: String, _ waitSeconds: Int, _ context: ToolContext) throws -> ExitStatus {
    let store = try ConversationStore(
      path: database, access: .readWrite, patienceMilliseconds: max(1, waitSeconds) * 1000)
    var status = ExitStatus.done
    for id in forget {
      if try store.forget(id) { continue }
      let error = GibseyError.unknownSession(id: id.text)
      context.diagnostics.error(error)
      status = error.exitStatus
    }
    return status
  }
}

extension SessionListing {
  init(_ session: StoredSession) {
    self.init(
      id: session.id.text, turns: session.turns, characterID: session.characterID, pageID: session.pageID,
      furthestPageIndex: session.furthestPageIndex, owner: session.owner, madeAt: session.madeAt, seenAt: session.seenAt
    )
  }
}

extension TurnRecord {
  init(_ turn: StoredTurn) {
    self.init(
      sessionID: turn.sessionID.text, id: turn.id, parent: turn.parent, characterID: turn.characterID,
      question: turn.question, answer: turn.answer, outcome: turn.outcome.rawValue,
      furthestPageIndex: turn.furthestPageIndex, promptID: turn.promptID, madeAt: turn.madeAt)
  }
}
