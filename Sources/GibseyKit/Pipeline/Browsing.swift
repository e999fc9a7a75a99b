// What a reader may look at without asking anybody: pages, hits, what was said. None of it behind the reader's page.

/// Shows one store to readers. Same store, same reader: same pages. What the gate closes off is as if it were not there.
public struct Browsing {
  /// Who reads, and how far they say they are.
  public struct Reader: Sendable, Equatable {
    /// The page that the reader is on, by its id or by its place in the reading order.
    public var pageID: String?
    public var pageIndex: Int?
    /// The conversation whose furthest page counts where no page is named.
    public var sessionID: SessionID?
    /// The token name of who asks; nil is not asked for any.
    public var owner: String?

    public init(pageID: String? = nil, pageIndex: Int? = nil, sessionID: SessionID? = nil, owner: String? = nil) {
      self.pageID = pageID
      self.pageIndex = pageIndex
      self.sessionID = sessionID
      self.owner = owner
    }
  }

  /// A page, and those beside it that the reader may turn to.
  public struct Leaf: Sendable, Equatable {
    public let page: StoredPage
    public let previousID: String?
    public let nextID: String?
  }

  /// A place in the book as it is now, and where that begins and ends: what a reader's bookmark needs, and no page.
  public struct Bookmark: Sendable, Equatable {
    public let place: PagePlace
    public let first: PagePlace
    public let last: PagePlace
  }

  /// Which place is wanted.
  public enum WantedPlace: Sendable, Equatable {
    case page(id: String)
    /// The last one that is not behind this number of the reading order.
    case upTo(Int)
    case first
  }

  /// A conversation as its reader may see it again.
  public struct Session: Sendable, Equatable {
    public let session: StoredSession
    /// The page that the reader was on last; nil when it is behind the gate.
    public let page: PagePlace?
    /// The newest ones, oldest first.
    public let turns: [StoredTurn]
    /// What their answers cite, by the numbers of the turns: see `Browsing.citations`.
    public let citations: [Int: [Citation]]
    /// Whether there are earlier ones.
    public let hasEarlier: Bool
  }

  private let store: PageStore
  private let cast: Cast
  private let isWholeBook: Bool

  /// - Parameter isWholeBook: lifts the gate for everybody.
  public init(store: PageStore, cast: Cast, isWholeBook: Bool) {
    self.store = store
    self.cast = cast
    self.isWholeBook = isWholeBook
  }

  /// The page up to which a reader may see; nil for the whole book.
  ///
  /// The page that is named, else the furthest page of the session, else none.
  /// - Throws: `GibseyError.unknownPage`, `.unknownSession` also for another owner's.
  public func gate(of reader: Reader) throws -> PagePlace? {
    let session = try reader.sessionID.map { try self.session($0, owner: reader.owner) }
    if let id = reader.pageID {
      guard let page = try store.page(id: id) else { throw try unknown(id) }
      return isWholeBook ? nil : PagePlace(pageIndex: page.pageIndex, id: page.id)
    }
    if let index = reader.pageIndex {
      guard let place = try store.lastPlace(upTo: index), place.pageIndex == index else {
        throw try unknown("\(index)")
      }
      return isWholeBook ? nil : place
    }
    guard let session, let furthest = session.furthestPageIndex, !isWholeBook else { return nil }
    guard let place = try store.lastPlace(upTo: furthest) else {
      throw try unknown(session.furthestPageID ?? session.pageID ?? "\(furthest)")
    }
    return place
  }

  /// How much of a change of the index a reader may know; nil when it is nothing, because the page that they are on is not there
  /// any more.
  ///
  /// As everywhere the page that is named counts, else the furthest page of the session, else there is no gate.
  public func sight(of reader: Reader, in change: IndexChange) throws -> IndexChange.Sight? {
    if isWholeBook { return .wholeBook }
    if let id = reader.pageID {
      return try store.page(id: id).map { change.sight(upTo: id, now: $0.pageIndex) }
    }
    guard let id = reader.sessionID,
      let session = try ConversationStore(store).session(id, owner: reader.owner),
      let furthest = session.furthestPageIndex
    else { return .wholeBook }
    return session.furthestPageID.map { change.sight(upTo: $0, now: furthest) }
      ?? .upTo(before: furthest, now: furthest)
  }

  /// Where a bookmark may lie.
  /// - Throws: `GibseyError.unknownPage` where no page stands there, and in a book without pages.
  public func bookmark(_ wanted: WantedPlace) throws -> Bookmark {
    try store.reading {
      guard let first = try store.neighbour(of: PagePlace(pageIndex: 0, id: ""), isNext: true, gate: nil),
        let last = try store.lastPlace(upTo: Int.max)
      else { throw try unknown("1") }
      let (place, name): (PagePlace?, String) =
        switch wanted {
        case .page(let id): (try store.page(id: id).map { PagePlace(pageIndex: $0.pageIndex, id: id) }, id)
        case .upTo(let number): (try store.lastPlace(upTo: number), "\(number)")
        case .first: (first, "")
        }
      guard let place else { throw try unknown(name) }
      return Bookmark(place: place, first: first, last: last)
    }
  }

  private func unknown(_ id: String) throws -> GibseyError {
    .unknownPage(id: id, example: try store.firstPageID())
  }

  /// Whose a session is; nil when it is nobody's, or there is none.
  public func owner(of id: SessionID) throws -> String? { try ConversationStore(store).session(id)?.owner }

  private func session(_ id: SessionID, owner: String?) throws -> StoredSession {
    guard let session = try ConversationStore(store).session(id, owner: owner) else {
      throw GibseyError.unknownSession(id: id.text)
    }
    return session
  }

  /// A page; nil when there is none of that id, or none that this reader may see.
  public func leaf(_ id: String, for reader: Reader) throws -> Leaf? {
    let gate = try gate(of: reader)?.pageIndex
    guard let page = try store.page(id: id), page.pageIndex <= gate ?? Int.max else { return nil }
    let place = PagePlace(pageIndex: page.pageIndex, id: page.id)
    return Leaf(
      page: page, previousID: try store.neighbour(of: place, isNext: false, gate: gate)?.id,
      nextID: try store.neighbour(of: place, isNext: true, gate: gate)?.id)
  }

  /// Pages in reading order, and where the next ones begin; nil when these are the last that the reader may see.
  /// - Parameter query: its gate is the reader's, whatever it says.
  public func pages(
    _ query: PageQuery, for reader: Reader
  ) throws -> (pages: [StoredPage], next: PagePlace?) {
    var query = query
    query.gate = try gate(of: reader)?.pageIndex
    query.limit += 1
    let pages = try store.pages(query)
    let shown = pages.prefix(query.limit - 1)
    guard pages.count == query.limit, let last = shown.last else { return (Array(shown), nil) }
    return (Array(shown), PagePlace(pageIndex: last.pageIndex, id: last.id))
  }

  /// A conversation, with the newest of the turns that this reader may see.
  /// - Throws: `GibseyError.unknownSession`, also for another owner's; `.unknownPage`.
  public func session(
    _ id: SessionID, for reader: Reader, before: Int? = nil, limit: Int
  ) throws -> Session {
    var reader = reader
    reader.sessionID = id
    return try store.reading {
      let session = try self.session(id, owner: reader.owner)
      // Without a page that is named the furthest of the session counts, also when it stands in no book any more.
      let isNamed = reader.pageID != nil || reader.pageIndex != nil
      let gate = isNamed || isWholeBook ? try gate(of: reader)?.pageIndex : session.furthestPageIndex
      let turns = try ConversationStore(store)
        .turns(of: id, owner: reader.owner, gate: gate, before: before, limit: limit + 1)
      let page = try session.pageID.flatMap { try store.page(id: $0) }
        .flatMap { $0.pageIndex <= gate ?? Int.max ? PagePlace(pageIndex: $0.pageIndex, id: $0.id) : nil }
      let shown = Array(turns.suffix(limit))
      return Session(
        session: session, page: page, turns: shown, citations: try citations(of: shown, upTo: gate),
        hasEarlier: turns.count > limit)
    }
  }

  /// What answers cite, found in them anew: among the pages that each was made of, as these are now.
  private func citations(of turns: [StoredTurn], upTo gate: Int?) throws -> [Int: [Citation]] {
    let conversations = ConversationStore(store)
    var texts: [Spelling: String?] = [:]
    var found: [Int: [Citation]] = [:]
    for turn in turns where turn.answer.utf8.contains(UInt8(ascii: "[")) {
      let ids = try conversations.pagesSeen(by: turn.id)
      guard !ids.isEmpty else { continue }
      var known: [Spelling: String] = [:]
      for id in ids {
        let text =
          try texts[id.spelling]
          ?? store.page(id: id).flatMap { $0.pageIndex <= gate ?? Int.max ? $0.text : nil }
        texts[id.spelling] = .some(text)
        known[PageBlock.shown(id).spelling] = text
      }
      var citations = Citations(CitedPages(question: turn.question, ids: ids, texts: known))
      citations.consume(turn.answer.utf8)
      found[turn.id] = citations.found
    }
    return found
  }

  /// Who may speak, by id.
  public func characters() throws -> [CharacterListing] { try cast.listing(with: try store.cardListing()) }

  /// How much there is: pages, conversations, and turns of all of them.
  public func counts() throws -> (pages: Int, sessions: Int, turns: Int) {
    let status = try store.status()
    return (status.pages, try ConversationStore(store).sessionCount(), status.turns)
  }
}
