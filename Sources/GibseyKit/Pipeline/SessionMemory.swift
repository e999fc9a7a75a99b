// What a session brings to a prompt: where the reader is, what was said last, and what the question calls back.

/// Reads the conversations of one database for prompts. Same database, same request: same turns.
public struct SessionMemory {
  /// So many of the last turns are offered to a prompt at most.
  static let recentLimit = 200
  /// So many turns that were found are offered to it.
  static let recalledLimit = 12
  /// No text of that many bytes for each token of a budget fits into it: `TokenEstimate` counts at least one for 7.
  private static let bytesPerToken = 8

  private let pages: PageStore
  private let store: ConversationStore
  private let recalling: Recalling

  /// - Parameters:
  ///   - pages: the store whose conversations are read.
  ///   - embedder: whose vectors of turns are compared with a question's; nil to look for words alone.
  ///   - words: what words mean by themselves; nil compares words by their letters alone.
  public init(
    _ pages: PageStore, embedder: EmbedderRow? = nil, words: @escaping () throws -> (any WordVectors)? = { nil }
  ) throws {
    self.pages = pages
    store = ConversationStore(pages)
    recalling = Recalling(pages: pages, store: store, words: words, embedder: embedder)
  }

  /// The session of a request; nil when it names none, or one that there is not.
  func session(of request: ChatRequest) throws -> StoredSession? {
    try request.sessionID.flatMap { SessionID($0) }.flatMap { try store.session($0) }
  }

  /// The request with the character that it goes on with: that of the turn that it follows, else the session's last.
  func completed(_ request: ChatRequest) throws -> ChatRequest {
    guard request.characterID == nil, let session = try session(of: request) else { return request }
    var request = request
    if case .turn(let id?) = request.parent, let turn = try store.turn(id), turn.sessionID == session.id {
      request.characterID = turn.characterID
    } else {
      request.characterID = session.characterID
    }
    return request
  }

  /// The page up to which the reader of a session has read; nil when the session knows of none.
  /// - Throws: `GibseyError.unknownPage` when that page is gone and none before it is left: never the whole book.
  func furthestPage(of request: ChatRequest) throws -> StoredPage? {
    guard let session = try session(of: request), let furthest = session.furthestPageIndex else { return nil }
    guard let page = try pages.lastPage(upTo: furthest) else {
      let id = session.furthestPageID ?? session.pageID ?? String(furthest)
      throw GibseyError.unknownPage(id: id, example: try pages.firstPageID())
    }
    return page
  }

  /// The last question of the session's branch once more, beside its old answer.
  /// - Throws: `GibseyError.unknownSession`, `.nothingToRetry`.
  func again(_ request: ChatRequest, gate: Int?) throws -> ChatRequest {
    guard let query = query(request, gate: gate), try store.session(query.sessionID) != nil else {
      throw GibseyError.unknownSession(id: request.sessionID ?? "")
    }
    guard let last = try store.last(of: try store.chain(query)) else {
      throw GibseyError.nothingToRetry(sessionID: query.sessionID.text, characterID: request.characterID)
    }
    var request = request
    request.prompt = last.question
    request.parent = .turn(last.parent)
    request.retriedTurn = last.id
    return request
  }

  /// - Throws: `GibseyError.unknownTurn`, `.turnOfAnotherCharacter` for a turn that cannot be followed.
  func checkParent(of request: ChatRequest) throws {
    guard case .turn(_?) = request.parent, let query = query(request, gate: nil) else { return }
    _ = try store.chain(query)
  }

  private func query(_ request: ChatRequest, gate: Int?) -> ChainQuery? {
    request.sessionID.flatMap { SessionID($0) }.map {
      ChainQuery(sessionID: $0, characterID: request.characterID, parent: request.parent, gate: gate)
    }
  }

  /// The turns for a prompt, those of other characters among them; none of them has seen a page behind the gate.
  /// - Parameter name: what a character is called.
  /// - Throws: `GibseyError.unknownTurn`, `.turnOfAnotherCharacter`, and database errors.
  func scene(
    for request: ChatRequest, gate: Int?, budgetTokens: Int, name: @escaping (String?) throws -> String
  ) throws -> PromptConversation {
    guard let query = query(request, gate: gate) else { return PromptConversation() }
    return try pages.reading {
      let (bytes, overflow) = budgetTokens.multipliedReportingOverflow(by: Self.bytesPerToken)
      return try SceneHearing(store: store, name: name, before: Self.end(ofSceneFor: request)).conversation(
        query, own: try store.chain(query), limit: Self.recentLimit, limitBytes: overflow ? .max : bytes)
    }
  }

  /// The number from which on nobody is heard: what came behind the turn that is followed, or was said to an answer that is asked
  /// for again. Nil where the newest is followed.
  private static func end(ofSceneFor request: ChatRequest) -> Int? {
    guard case .turn(let followed) = request.parent else { return nil }
    return request.retriedTurn ?? (followed ?? 0) + 1
  }

  /// The turns for a prompt; none of them has seen a page behind the gate.
  /// - Throws: `GibseyError.unknownTurn`, `.turnOfAnotherCharacter`, and database errors.
  /// - Parameter vector: the question's, asked for when turns must be looked for.
  func conversation(
    for request: ChatRequest, vector: () throws -> [Float]?, gate: Int?, budgetTokens: Int
  ) throws -> PromptConversation {
    guard let query = query(request, gate: gate) else { return PromptConversation() }
    return try pages.reading {
      let chain = try store.chain(query)
      var conversation = PromptConversation()
      conversation.parent = chain.tip
      let (bytes, overflow) = budgetTokens.multipliedReportingOverflow(by: Self.bytesPerToken)
      let read = try recent(chain, limitBytes: overflow ? .max : bytes)
      conversation.recent = read.turns
      // What surely fits needs no looking for.
      guard chain.count > read.turns.count || read.bytes > budgetTokens else { return conversation }
      conversation.recalled = try recalling.turns(
        for: request.prompt, vector: vector, in: chain, limit: Self.recalledLimit)
      let known = Set(conversation.recent.map(\.id))
      let count =
        chain.count - conversation.recent.count - conversation.recalled.count { !known.contains($0.id) }
      if count > 0, let newest = chain.places(from: conversation.recent.count).first(where: { _ in true }),
        let oldest = chain.oldest
      {
        conversation.rest = PromptConversation.Rest(
          count: count, ids: try store.numbers(atPlaces: oldest, newest, of: chain.session))
      }
      return conversation
    }
  }

  /// The last turns, as many as could fit.
  private func recent(
    _ chain: TurnChain, limitBytes: Int
  ) throws -> (turns: [PromptConversation.Turn], bytes: Int) {
    var turns: [PromptConversation.Turn] = []
    var bytes = 0
    for place in chain.places() {
      guard turns.count < Self.recentLimit, bytes <= limitBytes else { break }
      let turn = try store.turn(atPlace: place, of: chain.session)
      turns.append(PromptConversation.Turn(turn))
      bytes += turn.question.utf8.count + turn.answer.utf8.count
    }
    return (turns, bytes)
  }
}

extension PromptConversation.Turn {
  init(_ turn: StoredTurn) { self.init(id: turn.id, question: turn.question, answer: turn.answer) }
}
