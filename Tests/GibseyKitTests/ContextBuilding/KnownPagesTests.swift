// What is known from the questions before: never another page than the one that is there, never too much.
import Testing

@testable import GibseyKit

@Suite struct KnownPagesTests {
  private let folder = TemporaryFolder()
  private static let words = "the lamp ferry boat tide of a went came captain said it was her horn night they harbour"
    .split(
      separator: " ")

  private func store() throws -> PageStore { try PageStore(path: folder.path + "/story.db", access: .readWrite) }

  /// Ann tells every third page. Each number gives the same page.
  private func page(_ number: Int, version: Int = 0) -> Page {
    var generator = SeededGenerator(seed: UInt64(number * 1000 + version))
    let text = (0..<Int.random(in: 40...160, using: &generator)).map { place in
      String(Self.words.randomElement(using: &generator) ?? "") + (place % 11 == 10 ? ".\n\n" : "")
    }.joined(separator: " ")
    return Page(
      id: "p\(number)", title: "Night \(version)", characterID: number % 3 == 0 ? "ann" : "bo", pageIndex: number,
      text: text + " word\(number)")
  }

  private func write(_ pages: [Page], to store: PageStore) throws {
    let writer = try store.writer()
    try writer.begin()
    for page in pages {
      _ = try writer.write(page, id: page.id ?? "", pageIndex: page.pageIndex ?? 1, source: "s", isDryRun: false)
    }
    try writer.commit()
  }

  private func building(_ store: PageStore, _ known: KnownPages) throws -> ContextBuilding {
    ContextBuilding(
      store: store, searching: try Searching(store: store, known: known), defaults: ContextBuilding.Defaults(),
      known: known)
  }

  private func row(of id: String, in store: PageStore) throws -> Int {
    try store.connection.integer("SELECT page_id FROM page WHERE id = '\(id)'")
  }

  @Test func aPageThatIsStillTheSameIsNotReadAgainAndOneThatChangedIs() throws {
    let store = try store()
    try write((1...3).map { page($0) }, to: store)
    let known = KnownPages()
    let row = try row(of: "p2", in: store)
    let first = try #require(try known.page(row: row, in: store))
    #expect(first.page == (try store.page(id: "p2")))
    #expect(try known.page(row: row, in: store) === first)
    var changes = [page(2, version: 1)]
    var relabelled = page(2, version: 1)
    relabelled.title = nil
    changes.append(relabelled)
    relabelled.metadata["mood"] = .string("grim")
    changes.append(relabelled)
    var before = first
    for change in changes {
      try write([change], to: store)
      let now = try #require(try known.page(row: row, in: store))
      #expect(now !== before)
      #expect(now.page == (try store.page(id: "p2")))
      #expect(try known.page(row: row, in: store) === now)
      before = now
    }
    try store.connection.execute("DELETE FROM page WHERE id = 'p2'")
    #expect(try known.page(row: row, in: store) == nil)
  }

  @Test func promptsAfterManyQuestionsAreThoseOfTheFirstWhateverTheGateAndWhatChangedMeanwhile() throws {
    let store = try store()
    try write((1...40).map { page($0) }, to: store)
    let known = KnownPages()
    let small = KnownPages(limitBytes: 60_000)
    var generator = SeededGenerator(seed: 31)
    for round in 0..<120 {
      if round % 8 == 7 { try write([page(Int.random(in: 1...40, using: &generator), version: round)], to: store) }
      let place = Int.random(in: 0...40, using: &generator)
      let asked = (0..<4).compactMap { _ in Self.words.randomElement(using: &generator).map(String.init) }
      let request = ChatRequest(
        prompt: asked.joined(separator: " ") + " word\(Int.random(in: 1...60, using: &generator))",
        characterID: Bool.random(using: &generator) ? "the-author" : nil, currentPageID: place == 0 ? nil : "p\(place)")
      let fresh = try building(store, KnownPages()).prompt(for: request)
      #expect(try building(store, known).prompt(for: request) == fresh, "round \(round)")
      #expect(try building(store, small).prompt(for: request) == fresh, "round \(round), with room for a few")
      #expect(small.bytes < 60_000 + 200_000, "the table of words has its least size")
    }
  }

  @Test func voicesAreThoseOfThePagesUpToTheGateAsTheyAreNow() throws {
    let store = try store()
    try write((1...30).map { page($0) }, to: store)
    let known = KnownPages()
    func imprint(_ gate: Int?) throws -> [UInt8] { try store.ownPagesImprint(of: "ann", upTo: gate, limit: 24) }
    #expect(try imprint(3) != imprint(6))
    #expect(try imprint(6) == imprint(8))
    let sample = VoiceSample(pageID: "p3", text: "So she said.")
    #expect(try known.samples(of: imprint(6)) { [sample] } == [sample])
    #expect(try known.samples(of: imprint(8)) { [] } == [sample])
    #expect(try known.samples(of: imprint(5)) { [] } == [])
    try write([page(6, version: 1)], to: store)
    #expect(try known.samples(of: imprint(6)) { [] } == [])
  }

  @Test func whatIsKeptStaysBelowItsLimit() throws {
    let store = try store()
    try write((1...200).map { page($0) }, to: store)
    let limit = 400_000
    let known = KnownPages(limitBytes: limit)
    var most = 0
    for number in 1...200 {
      let page = try #require(try known.page(row: try row(of: "p\(number)", in: store), in: store))
      _ = page.words(in: known.vocabulary(spelledBy: nil))
      _ = known.samples(of: [UInt8(number)]) { [VoiceSample(pageID: "x", text: String(repeating: "x", count: 500))] }
      most = max(most, known.bytes)
    }
    #expect(most <= limit)
    #expect(most > limit / 2)
  }
}
