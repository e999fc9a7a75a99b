// From a request and a database to a prompt.
import Testing

@testable import GibseyKit

@Suite struct ContextBuildingTests {
  private let folder = TemporaryFolder()

  private func building(
    isWholeBook: Bool = false, page: String? = nil, budget: Int = 6000
  ) throws -> ContextBuilding {
    let store = try PageStore(path: folder.path + "/story.db", access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    let texts = ["The ferry left at dawn.", "The lamp was lit.", "The ferry sank.", "A ferry came back."]
    for (index, text) in texts.enumerated() {
      let page = Page(id: "00\(index + 1)", title: "Night \(index + 1)", pageIndex: index + 1, text: text)
      _ = try writer.write(page, id: "00\(index + 1)", pageIndex: index + 1, source: "s", isDryRun: false)
    }
    try writer.commit()
    var defaults = ContextBuilding.Defaults()
    defaults.isWholeBook = isWholeBook
    defaults.currentPageID = page
    defaults.budgetTokens = budget
    return try ContextBuilding(store: store, searching: Searching(store: store), defaults: defaults)
  }

  @Test func theGateHidesWhatComesAfterAndPagesStandInReadingOrder() throws {
    let prompt = try building(page: "002").prompt(for: ChatRequest(prompt: "Where is the ferry?"))
    #expect(prompt.pages.map(\.id) == ["001", "002"])
    #expect(prompt.pages.map { $0.reasons["current"] != nil } == [false, true])
    #expect(prompt.gatePageID == "002")
    #expect(prompt.leftOut.isEmpty)
  }

  @Test func theRequestsOwnPageCountsBeforeTheDefault() throws {
    let request = ChatRequest(prompt: "ferry", currentPageID: "003")
    #expect(try building(page: "001").prompt(for: request).gatePageID == "003")
  }

  @Test func theWholeBookHasNoGateAndItsPagesStandInReadingOrder() throws {
    let prompt = try building(isWholeBook: true, page: "002").prompt(for: ChatRequest(prompt: "ferry"))
    #expect(prompt.gatePageID == nil)
    #expect(prompt.pages.map(\.id) == ["001", "002", "003", "004"])
    #expect(prompt.messages[1].content.contains("[page 002] Night 2 (the page that the reader is on)"))
  }

  @Test func whatTheRequestBringsIsCarried() throws {
    let options = RequestOptions(model: "m", temperature: 0.5, budgetTokens: 900)
    let prompt = try building().prompt(
      for: ChatRequest(prompt: "ferry", sessionID: "s1", requestID: "r1", options: options))
    #expect(prompt.requestID == "r1")
    #expect(prompt.sessionID == "s1")
    #expect(prompt.options == options)
    #expect(prompt.tokens?.budget == 900)
  }

  @Test func emptyUnknownAndWordlessQuestions() throws {
    let building = try building()
    #expect(throws: GibseyError.emptyQuestion) { try building.prompt(for: ChatRequest(prompt: " \n\t")) }
    #expect(throws: GibseyError.unknownPage(id: "999", example: "001")) {
      try building.prompt(for: ChatRequest(prompt: "x", currentPageID: "999"))
    }
    #expect(try building.prompt(for: ChatRequest(prompt: "?!")).pages.isEmpty)
    #expect(try building.hits(for: ChatRequest(prompt: "?!"), limit: 5).isEmpty)
  }

  @Test func hitsAreRankedScoredAndGated() throws {
    let hits = try building(page: "003").hits(for: ChatRequest(prompt: "ferry"), limit: 9)
    #expect(Set(hits.map(\.id)) == ["001", "003"])
    #expect(hits.map { $0.reasons["rank"]?.integerValue } == [1, 2])
    #expect(hits.allSatisfy { ($0.score * 10_000).rounded() / 10_000 == $0.score })
    #expect(zip(hits, hits.dropFirst()).allSatisfy { $0.score >= $1.score })
  }
}
