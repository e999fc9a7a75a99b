// The gate of conversations in a book whose pages move.
import Testing

@testable import GibseyKit

@Suite struct TurnPlacesTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.path + "/story.db" }
  private let session: SessionID

  init() throws { session = try #require(SessionID("s1")) }

  /// Indexes pages, as ids with their places, in one batch; without those that the book had and has not any more.
  private func index(_ pages: [(String, Int)], batchPages: Int = .max) throws {
    let store = try PageStore(path: path, access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    var kept: Set<Int> = []
    for (number, (id, place)) in pages.enumerated() {
      let page = Page(id: id, pageIndex: place, text: "page \(id)")
      let outcome = try writer.write(page, id: id, pageIndex: place, source: "s", isDryRun: false)
      if case .change(_, let row) = outcome { kept.insert(row) }
      if number % batchPages == batchPages - 1 {
        try writer.commit()
        try writer.begin()
      }
    }
    _ = try writer.removePages(of: "s", except: kept, isDryRun: false)
    try writer.commit()
    #expect(try store.check().isEmpty)
  }

  private func store() throws -> ConversationStore { try ConversationStore(path: path, access: .readWrite) }

  private func say(_ question: String, pages: [String], turns: [Int] = [], at page: String? = nil) throws -> Int {
    try store().append(
      TurnToKeep(
        sessionID: session, parent: .newest, characterID: "fox", question: question, promptID: "p",
        sources: TurnSources(pages: pages + [page].compactMap(\.self), turns: turns), pageID: page),
      answer: "yes", outcome: .complete, at: ConversationScene.time(1)
    ).id
  }

  /// What a reader finds who stands on a page, by each way to find it.
  private func told(on page: String, limit: Int = 99) throws -> [String] {
    let pages = try PageStore(path: path, access: .readOnly)
    let gate = try #require(try pages.page(id: page)).pageIndex
    let store = ConversationStore(pages)
    let chain = try store.history(ChainQuery(sessionID: session, characterID: "fox", gate: gate), limit: limit)
    let listed = try store.turns(of: session, gate: gate, limit: limit).map(\.question)
    #expect(listed == chain.map(\.question).reversed())
    #expect(try store.find("question", gate: gate, limit: limit).map(\.question).sorted() == listed.sorted())
    return listed
  }

  @Test func aTurnMovesWithThePagesThatItHasSeen() throws {
    try index((1...9).map { ("p\($0)", $0) })
    _ = try say("question a", pages: ["p2", "p4"], at: "p4")
    _ = try say("question b", pages: ["p7"], at: "p7")
    #expect(try told(on: "p4") == ["question a"])
    // Ten pages before them all, in batches that end in the middle.
    try index((1...10).map { ("new\($0)", $0) } + (1...9).map { ("p\($0)", $0 + 10) }, batchPages: 4)
    #expect(try told(on: "p6") == ["question a"])
    #expect(try told(on: "p7") == ["question a", "question b"])
    #expect(try told(on: "p3") == [])
    #expect(try store().session(session)?.furthestPageIndex == 17)
    // Wider places, so that at times some pages stand where others stood.
    try index((1...9).map { ("p\($0)", $0 * 100) }, batchPages: 2)
    #expect(try told(on: "p6") == ["question a"])
    #expect(try store().session(session)?.furthestPageIndex == 700)
  }

  @Test func notOnlyTheFurthestPageOfAPromptCounts() throws {
    try index((1...5).map { ("p\($0)", $0) })
    let first = try say("question a", pages: ["p1", "p3"])
    _ = try say("question b", pages: ["p1"], turns: [first])
    try index([("p2", 1), ("p3", 2), ("p4", 3), ("p1", 4), ("p5", 5)])
    #expect(try told(on: "p4") == [])
    #expect(try told(on: "p1") == ["question a", "question b"])
    try index([("p2", 1), ("p1", 2), ("p4", 3), ("p3", 4), ("p5", 5)])
    #expect(try told(on: "p4") == [], "what was seen of a turn moves with what that had seen")
  }

  @Test func aPageThatIsGoneShowsNothingThatItHid() throws {
    try index((1...6).map { ("p\($0)", $0) })
    _ = try say("question a", pages: ["p4"], at: "p4")
    _ = try say("question b", pages: ["p6"])
    // The others move up, and ten come before them.
    try index((1...10).map { ("new\($0)", $0) } + [("p1", 11), ("p2", 12), ("p3", 13), ("p5", 14), ("p6", 15)])
    #expect(try told(on: "p3") == [])
    #expect(try told(on: "p5") == ["question a"])
    #expect(try store().session(session)?.furthestPageIndex == 13)
    #expect(try store().session(session)?.furthestPageID == "p3")
    // What was last has nothing behind it: behind every page, until it is there again.
    try index([("p1", 1), ("p2", 2), ("p3", 3), ("p5", 4)])
    #expect(try told(on: "p5") == ["question a"])
    try index([("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4), ("p5", 5), ("p6", 6)])
    #expect(try told(on: "p4") == ["question a"])
    #expect(try told(on: "p6") == ["question a", "question b"])
  }

  /// A reader on the last page that is left may never have read the one that was behind it.
  @Test func whatWasSaidOnALastPageThatIsGoneIsHiddenUntilAPageComesBehindAllThatWereThere() throws {
    try index([("p1", 1), ("p2", 2), ("p3", 3)])
    _ = try say("question a", pages: ["p3"], at: "p3")
    try index([("p1", 1), ("p2", 2)])
    #expect(try told(on: "p2") == [])
    // Before the end, and in its place among pages that were there.
    try index([("p0", 1), ("p1", 2), ("new", 3), ("p2", 4)])
    #expect(try told(on: "p2") == [])
    try index([("p0", 1), ("p1", 2), ("new", 3), ("p2", 4), ("p4", 5), ("p5", 6)])
    #expect(try told(on: "p2") == [])
    #expect(try told(on: "p4") == ["question a"])
    // From then on it moves with that page.
    try index([("p4", 1), ("p0", 2), ("p1", 3), ("new", 4), ("p2", 5), ("p5", 6)])
    #expect(try told(on: "p4") == ["question a"])
    // Its own page counts before all others.
    try index([("p4", 1), ("p0", 2), ("p3", 3)])
    #expect(try told(on: "p0") == [])
    #expect(try told(on: "p3") == ["question a"])
  }

  @Test func aLastPageThatIsReplacedByOneAtASmallerPlaceIsReplacedAllTheSame() throws {
    try index([("p1", 100), ("p2", 200), ("p3", 300)])
    _ = try say("question a", pages: ["p3"], at: "p3")
    try index([("p1", 1), ("p2", 2), ("p4", 3)])
    #expect(try told(on: "p2") == [])
    #expect(try told(on: "p4") == ["question a"])
  }

  @Test func pagesOfOtherNamesStandForThoseThatStoodThere() throws {
    try index((1...5).map { ("p\($0)", $0) })
    _ = try say("question a", pages: ["p3"], at: "p3")
    try index((1...5).map { ("q\($0)", $0) })
    #expect(try told(on: "q2") == [])
    #expect(try told(on: "q3") == ["question a"])
    #expect(try store().session(session)?.furthestPageID == "q3")
    try index((3...5).map { ("q\($0)", $0) })
    #expect(try store().session(session)?.furthestPageIndex == 3)
    try index([("q4", 1), ("q5", 2)])
    #expect(try store().session(session)?.furthestPageIndex == 0, "of a beginning that is gone nothing is left")
    #expect(try store().session(session)?.furthestPageID == "q3")
  }

  /// Where the reader is, as the session has it: a page and a place.
  private func place() throws -> String {
    let session = try #require(try store().session(session))
    return "\(session.furthestPageID ?? "nil") \(session.furthestPageIndex.map(String.init) ?? "nil")"
  }

  @Test func whoHasNothingBeforeTheirPageReadsNoFurtherWhenItGoes() throws {
    try index([("a", 1), ("b", 2), ("c", 3)])
    try store().advance(session, to: ("a", 1), at: ConversationScene.time(1))
    try index([("b", 1), ("c", 2)])
    #expect(try place() == "a 0")
    try store().touch(session, at: ConversationScene.time(2))
    #expect(try place() == "a 0", "a session that is seen again is not one that knows no page")
    try index([("c", 1), ("b", 2)])
    try index([("n", 1), ("c", 2), ("b", 3)])
    #expect(try place() == "a 0", "what is new before c may be behind a")
    try index([("n", 1), ("a", 2), ("c", 3), ("b", 4)])
    #expect(try place() == "a 2")
  }

  @Test func aReaderWhoseBookIsAwayForAWhileStandsWhereTheyStood() throws {
    let book = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]
    try index(book)
    try store().advance(session, to: ("b", 2), at: ConversationScene.time(1))
    try index([("z", 6)])
    #expect(try place() == "b 2")
    #expect(try PageStore(path: path, access: .readOnly).lastPage(upTo: 2) == nil)
    try index(book + [("z", 6)])
    #expect(try place() == "b 2")
    // Under other names, and what was behind the reader moves up.
    try index([("z", 6)])
    try index([("q1", 1), ("q2", 2), ("z", 3)])
    #expect(try place() == "q2 2")
    try index([("z", 1)])
    try index([("z", 2), ("q3", 1)])
    #expect(try place() == "q2 0")
  }

  @Test func ofNewPagesNoneCountsAsReadThatStandsBehindOneThatWasNot() throws {
    try index([("a", 1), ("b", 2), ("c", 3), ("d", 4)])
    try store().advance(session, to: ("c", 3), at: ConversationScene.time(1))
    try index([("d", 1), ("n", 2)])
    #expect(try place() == "c 0")
  }

  @Test func whatNobodyCouldPlaceIsPlacedOnceItsPageIsThere() throws {
    try index([("p1", 1), ("p2", 2)])
    _ = try say("question a", pages: ["p3"])
    #expect(try told(on: "p2") == [])
    try index([("p1", 1), ("p3", 2), ("p2", 3)])
    #expect(try told(on: "p1") == [])
    #expect(try told(on: "p3") == ["question a"])
  }

  @Test func aRunThatIsUndoneMovesNothing() throws {
    try index([("p1", 1), ("p2", 2)])
    _ = try say("question a", pages: ["p2"], at: "p2")
    let store = try PageStore(path: path, access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    _ = try writer.write(
      Page(id: "p2", pageIndex: 9, text: "page p2"), id: "p2", pageIndex: 9, source: "s", isDryRun: false)
    writer.rollBack()
    try writer.begin()
    try writer.commit()
    #expect(try told(on: "p2") == ["question a"])
    #expect(try store.check().isEmpty)
  }

  @Test func aSessionOfManyBlocksMovesAsAWhole() throws {
    try index([("p1", 1), ("p2", 2), ("p3", 3)])
    let store = try store()
    let count = TurnBlocks.turnsPerBlock + 5
    for number in 0..<count {
      try store.append(
        TurnToKeep(
          sessionID: session, parent: .newest, characterID: "fox", question: "question \(number)", promptID: "p",
          sources: TurnSources(pages: ["p\(number % 3 + 1)"])), answer: "yes", outcome: .complete,
        at: ConversationScene.time(1))
    }
    try index([("p3", 1), ("p2", 2), ("p1", 3)])
    for (page, wanted) in [("p3", [2]), ("p2", [1, 2]), ("p1", [0, 1, 2])] {
      let numbers = (0..<count).filter { wanted.contains($0 % 3) }
      #expect(try told(on: page, limit: count) == numbers.map { "question \($0)" })
    }
  }

  /// A database of the sixth schema: turns with and without a place, and one of white space alone.
  @Test func whatAnOlderDatabaseRemembersIsTakenOver() throws {
    do {
      let old = try Connection(path: path, access: .write(busyTimeoutMilliseconds: 0))
      try old.execute("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL")
      for migration in Schema.migrations.prefix(6) { try old.execute(migration) }
      try old.execute("INSERT INTO source (name) VALUES ('s')")
      let page = try old.prepare(
        """
        INSERT INTO page (id, source_id, page_index, motifs, metadata, text_hash, text)
        VALUES (?1, 1, ?2, '[]', '{}', ?3, ?4)
        """)
      for number in 1...5 {
        page.bind(1, "p\(number)")
        page.bind(2, number)
        page.bind(3, SHA256.digest(of: Array("page p\(number)".utf8)))
        page.bind(4, "page p\(number)")
        try page.run()
      }
      try old.execute(
        """
        INSERT INTO page_text (rowid, text) SELECT page_id, text FROM page;
        INSERT INTO session (id, made_at, seen_at, page_id, furthest_page_index, turns)
          VALUES ('s1', 'a', 'b', 'p4', 4, 4);
        INSERT INTO turn (session_id, place, parent_turn, character_id, question, answer, outcome, furthest_page_index,
            prompt_id, made_at)
          VALUES (1, 0, NULL, 'fox', 'a', 'yes', 'complete', 2, 'p', 'a'),
            (1, 1, 1, 'fox', 'b', 'yes', 'complete', NULL, 'p', 'a'),
            (1, 2, 2, 'fox', 'c', 'yes', 'complete', 9, 'p', 'a'),
            (1, 3, 3, 'fox', 'd', '   ', 'complete', 1, 'p', 'a');
        INSERT INTO turn_text (rowid, text) SELECT turn_row, text FROM turn_words ORDER BY turn_row;
        PRAGMA application_id = \(Schema.applicationID); PRAGMA user_version = 6
        """)
      try SearchBlocks(old).repackAll()
      // Blocks are made as they are today, and that asks for drafts.
      try old.execute("CREATE TEMP TABLE draft (turn_id, session_id, answer)")
      try TurnBlocks(old).repackAll()
    }
    _ = try PageStore(path: path, access: .readWrite)
    let store = try store()
    func places() throws -> [Int?] { try (1...4).map { try store.turn($0)?.furthestPageIndex } }
    #expect(try places() == [2, 4, 9, 1])
    let chain = ChainQuery(sessionID: session, characterID: "fox")
    #expect(try store.history(chain, limit: 9).map(\.question) == ["c", "b", "a"])
    try index([("new", 1)] + (1...5).map { ("p\($0)", $0 + 1) })
    #expect(try places() == [3, 5, 9, 2])
    #expect(try store.session(session)?.furthestPageIndex == 5)
  }
}
