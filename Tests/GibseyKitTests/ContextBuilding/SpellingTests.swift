// Names that look the same and are not: to Swift an é of one scalar and one of two are equal, to SQLite and to gibsey they are two.
import Testing

@testable import GibseyKit

@Suite struct SpellingTests {
  private static let one = "caf\u{e9}"
  private static let two = "cafe\u{301}"
  private let folder = TemporaryFolder()
  private var path: String { folder.path + "/story.db" }

  /// The first page under the longer spelling, the last under the shorter one.
  private func book() throws -> PageStore {
    let store = try PageStore(path: path, access: .readWrite)
    try write(
      [
        Page(id: Self.two, pageIndex: 1, text: "a lamp stood by the door"),
        Page(id: "m", pageIndex: 2, text: "middle lamp"),
        Page(id: Self.one, pageIndex: 100, text: "the lamp hides canary gold"),
      ], to: store)
    return store
  }

  @discardableResult
  private func write(_ pages: [Page], to store: PageStore) throws -> [PageWriter.Outcome] {
    let writer = try store.writer()
    try writer.begin()
    let outcomes = try pages.map {
      try writer.write($0, id: $0.id ?? "", pageIndex: $0.pageIndex ?? 1, source: "s", isDryRun: false)
    }
    try writer.commit()
    return outcomes
  }

  /// Which spellings they are, for `==` would not tell.
  private func lengths(_ names: some Sequence<String>) -> [Int] { names.map(\.utf8.count) }

  private func building(_ store: PageStore, page: String? = nil) throws -> ContextBuilding {
    var defaults = ContextBuilding.Defaults()
    defaults.currentPageID = page
    return try ContextBuilding(store: store, searching: Searching(store: store), defaults: defaults)
  }

  @Test func theSameSpellingIsTheSameBytes() {
    #expect(Self.one == Self.two)
    #expect(Self.one.spelling != Self.two.spelling)
    #expect(Set([Self.one, Self.two, Self.one].map(\.spelling)).count == 2)
    // By its bytes, an e comes before every letter beyond ASCII.
    #expect([Self.one, Self.two].map(\.spelling).sorted().map(\.text.utf8.count) == [6, 5])
    #expect("a".spelling < "b".spelling)
    // As long, and of the same marks in another order.
    #expect("q\u{307}\u{323}" == "q\u{323}\u{307}")
    #expect("q\u{307}\u{323}".spelling != "q\u{323}\u{307}".spelling)
  }

  @Test(arguments: [[one, two], [two, one]])
  func aTurnIsAsFarAsTheFurthestOfThePagesThatItSaw(_ pages: [String]) throws {
    let store = try ConversationStore(book())
    let session = try #require(SessionID("s1"))
    let turn = try store.append(
      TurnToKeep(
        sessionID: session, parent: .newest, characterID: nil, question: "lamp?", promptID: "p",
        sources: TurnSources(pages: pages)), answer: "yes", outcome: .complete, at: ConversationScene.time(1))
    #expect(try store.turn(turn.id)?.furthestPageIndex == 100)
    // And it stays there when pages move.
    let again = try PageStore(path: path, access: .readWrite)
    try write(
      [
        Page(id: Self.two, pageIndex: 2, text: "a lamp stood by the door"),
        Page(id: "m", pageIndex: 1, text: "middle lamp"),
        Page(id: Self.one, pageIndex: 101, text: "the lamp hides canary gold"),
      ], to: again)
    #expect(try store.turn(turn.id)?.furthestPageIndex == 101)
    #expect(try again.check().isEmpty)
  }

  @Test func noPageIsLostToTheReadersOwnOrExplainedInItsPlace() throws {
    let building = try building(try book(), page: Self.one)
    let request = ChatRequest(prompt: "lamp")
    let prompt = try building.prompt(for: request)
    #expect(lengths(prompt.pages.map(\.id)) == [6, 1, 5])
    #expect(lengths(try building.candidates(for: request, in: prompt).map(\.id)).sorted() == [1, 5, 6])
    #expect(try building.whyNot(Self.one, for: request).pageIndex == 100)
    #expect(try building.whyNot(Self.two, for: request).pageIndex == 1)
  }

  @Test func aPageIsCitedByItsOwnSpelling() {
    let words = ["a lamp stood by the door of it", "the lamp hides canary gold in it"]
    let alone = CitedBook([(Self.two, words[0])])
    let found = alone.citations(in: "\"a lamp stood by the door\" [page \(Self.one)].")
    #expect(found.map(\.isInPrompt) == [false])
    #expect(lengths(found.map(\.pageID)) == [5])
    let both = CitedBook([(Self.two, words[0]), (Self.one, words[1])])
    let answer = "\"the lamp hides canary gold\" [page \(Self.one)]. I also read [page \(Self.two)]."
    #expect(both.citations(in: answer).map(\.isVerified) == [true, nil])
    #expect(lengths(both.citations(in: answer).map(\.pageID)) == [5, 6])
    #expect(both.citations(in: "\"the lamp hides canary gold\" [page \(Self.two)]").map(\.isVerified) == [false])
  }

  @Test func anEvaluationCountsThePageThatWasMeant() throws {
    var evaluating = Evaluating(try building(try book()), now: { 0 })
    let line = "{\"prompt\":\"who stood by the door\",\"page_ids\":[\"\(Self.one)\"],\"page\":\"m\"}"
    try evaluating.add(try RecordCoder.decodeCase(Array(line.utf8)))
    let figures = evaluating.evaluation(mode: .keywords, embedder: nil).all
    #expect(figures.hitAt10 == 0)
    #expect(figures.inContext == 0)
  }

  @Test func oneSourceMayHaveBothAndAChangeOfSpellingIsAChange() throws {
    var shelf = Shelf(source: "s")
    var ids: [String] = []
    for (number, id) in [Self.one, Self.two, Self.one].enumerated() {
      try shelf.add(Page(id: id, text: "x"), prefix: "s", ordinal: number, place: .line(number, path: "s")) { item in
        if case .page(let page) = item { ids.append(page.id ?? "") }
      }
    }
    #expect(lengths(ids) == [5, 6])
    let store = try PageStore(path: path, access: .readWrite)
    try write([Page(id: "a", title: Self.one, pageIndex: 1, text: "x")], to: store)
    let marks = try store.pageMarks()
    #expect(
      try write([Page(id: "a", title: Self.two, pageIndex: 1, text: "x")], to: store) == [.change(.relabelled, row: 1)])
    #expect(try store.page(id: "a")?.title?.utf8.count == 6)
    #expect(marks.change(to: try store.pageMarks(), hasNewEmbedder: false).count(.relabelled) == 1)
  }

  @Test func aWatchTellsOfBothPages() throws {
    let empty = PageMarks(marks: [:])
    let change = empty.change(to: try book().pageMarks(), hasNewEmbedder: false)
    #expect(change.pageCount == 3)
    #expect(lengths(change.pages.map(\.id)) == [6, 1, 5])
    #expect(change.sight(upTo: Self.two, now: 1) == .upTo(before: 0, now: 1))
  }

  @Test func charactersAndMembersOfBothSpellingsAreThere() throws {
    let cards = [Self.two, Self.one].map {
      CharacterListing(id: $0, name: "X", colour: nil, source: CharacterListing.card)
    }
    let listed = try Cast().listing(with: cards).filter { $0.source == CharacterListing.card }
    #expect(lengths(listed.map(\.id)) == [6, 5])
    let line = "{\"text\":\"x\",\"metadata\":{\"\(Self.one)\":1},\"\(Self.two)\":2}"
    guard case .page(let page) = try RecordCoder.decode(Array("{\"type\":\"page\",\"data\":\(line)}".utf8)) else {
      Issue.record("no page")
      return
    }
    #expect(lengths(page.metadata.members.map(\.key)) == [5, 6])
  }
}
