// What a character knows: never more than the reader, and less where that is asked for.
import Testing

@testable import GibseyKit

/// A book of six pages: Ann, called Gull, tells 2 and 5; pages 3 and 6 name her.
struct BookOfAnn {
  let store: PageStore
  static let texts = [
    "The ferry left.", "I saw the ferry.", "They asked Ann Marsh of the ferry.",
    "The annual ferry. Annals of a Marshland.",
    "My ferry sank.", "The GULL-ferry, they said.",
  ]
  static let cast: Cast = {
    var cast = Cast()
    let file = "---\nid: ann\nname: Ann Marsh\nnames: Gull, ann marsh of\n---\nYou are Ann."
    do { try cast.add(Array(file.utf8), path: "ann.md") } catch { Issue.record("\(error)") }
    return cast
  }()

  init(_ folder: TemporaryFolder) throws {
    store = try PageStore(path: folder.path + "/story.db", access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    for (index, text) in Self.texts.enumerated() {
      let number = index + 1
      let page = Page(
        id: "p\(number)", title: "T\(number)", characterID: [2, 5].contains(number) ? "ann" : "bo", pageIndex: number,
        text: text)
      _ = try writer.write(page, id: "p\(number)", pageIndex: number, source: "s", isDryRun: false)
    }
    try writer.commit()
  }

  func building(_ knowledge: Knowledge = .reader) throws -> ContextBuilding {
    var defaults = ContextBuilding.Defaults()
    defaults.knowledge = knowledge
    return try ContextBuilding(
      store: store, searching: Searching(store: store), defaults: defaults, cast: Self.cast)
  }
}

@Suite struct KnowledgeTests {
  private let folder = TemporaryFolder()

  private func request(_ page: String?, _ knowledge: Knowledge? = nil, character: String? = "ann") -> ChatRequest {
    ChatRequest(
      prompt: "ferry", characterID: character, currentPageID: page,
      options: knowledge.map { RequestOptions(knowledge: $0) })
  }

  @Test(arguments: [
    (Knowledge.reader, nil, ["p1", "p2", "p3", "p4", "p5", "p6"]), (.own, nil, ["p2", "p5"]),
    (.mentioned, nil, ["p2", "p3", "p5", "p6"]), (.reader, "p4", ["p1", "p2", "p3", "p4"]), (.own, "p4", ["p2"]),
    (.mentioned, "p4", ["p2", "p3"]), (.own, "p1", []), (.mentioned, "p1", []),
  ]) func aCharacterKnowsThesePages(knowledge: Knowledge, page: String?, wanted: [String]) throws {
    let book = try BookOfAnn(folder)
    for building in [try book.building(knowledge), try book.building(knowledge == .own ? .reader : .own)] {
      let request = request(page, knowledge)
      let prompt = try building.prompt(for: request)
      #expect(prompt.pages.map(\.id) == wanted)
      #expect(prompt.gatePageID == page)
      #expect(prompt.leftOut.isEmpty)
      #expect(try building.hits(for: request, limit: 9).map(\.id).sorted() == wanted)
      #expect(try building.candidates(for: request, in: prompt).map(\.id).sorted() == wanted)
    }
  }

  @Test func aPageOutsideTheKnowledgeSaysSoAndAGatedOneOnlyThat() throws {
    let building = try BookOfAnn(folder).building()
    var outside = CandidateRecord(id: "p1", verdict: .outside)
    outside.title = "T1"
    outside.pageIndex = 1
    #expect(try building.whyNot("p1", for: request("p4", .mentioned)) == outside)
    #expect(try building.whyNot("p5", for: request("p4", .own)) == CandidateRecord(id: "p5", verdict: .gated))
    #expect(try building.whyNot("p6", for: request("p4", .own)) == CandidateRecord(id: "p6", verdict: .gated))
    #expect(try building.whyNot("p3", for: request("p4", .mentioned)).verdict == .kept)
    #expect(try building.whyNot("p3", for: request("p4", .own)).verdict == .outside)
  }

  @Test func knowledgeIsOfSomebody() throws {
    let book = try BookOfAnn(folder)
    #expect(throws: GibseyError.knowledgeOfNobody(knowledge: "own")) {
      try book.building(.own).prompt(for: request("p4", character: nil))
    }
    #expect(throws: GibseyError.self) { try book.building().hits(for: request("p4", .own, character: "cy"), limit: 1) }
    #expect(try book.building().prompt(for: request("p4", character: nil)).pages.count == 4)
  }

  @Test func aNameIsWordsInARowAndOneThatHoldsAnotherIsNotLookedFor() {
    func match(_ names: [String]) -> String? { PageScope(characterID: "x", names: names).matchExpression }
    #expect(match([]) == nil)
    #expect(match(["!?", " "]) == nil)
    #expect(match(["London Fox"]) == "\"london fox\"")
    #expect(match(["London Fox", "Fox", "fox"]) == "\"fox\"")
    #expect(match(["Cop-E-Right", "O\"Neil NEAR(x"]) == "\"cop e right\" OR \"o neil near x\"")
    #expect(match(["Boutros Boutros", "An Author"]) == "\"boutros boutros\" OR \"an author\"")
  }

  @Test func everyCharacterOfTheNovelHasTheNamesThatItIsCalledBy() throws {
    for id in StoryCharacter.knownIDs {
      let names = try StoryCharacter.named(id).names
      #expect(names.first == (try StoryCharacter.named(id).name))
      #expect(Set(names).count == names.count)
    }
    #expect(try StoryCharacter.named("glyph-marrow").names == ["Glyph Marrow", "Glyph", "Marrow"])
    #expect(throws: CharacterFile.Problem(line: 4, reason: "names: wanted words, parted by commas")) {
      try CharacterFile.character(in: Array("---\nid: x\nname: X\nnames: A, !, B\n---\nYou.".utf8).filter { $0 != 0 })
    }
  }
}
