// The page that a reader was on is taken out of the book: what was said of the pages before stays theirs, what
// had seen it stays hidden as what comes later does.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct RemovedPageTests {
  /// The turns that a reader is shown after pages were removed.
  private func turns(keeping kept: ClosedRange<Int>, _ query: String = "") async throws -> [String] {
    let provider = ScriptedProvider([[.token("A lantern."), .end], [.token("And a boat."), .end]])
    var wishes = Story.wishes
    wishes.transport = provider
    let told = Locked<[String]>([])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      for page in ["p04", "p06"] {
        try reader.ask("What swings?", page: page)
        _ = try reader.hearAnswer()
      }
      let store = try PageStore(path: server.folder + "/story.db", access: .readWrite)
      let writer = try store.writer()
      try writer.begin()
      let rows = try kept.map { try store.connection.integer("SELECT page_id FROM page WHERE id = '\(Story.id($0))'") }
      #expect(try writer.removePages(of: "story", except: Set(rows), isDryRun: false).count == 12 - kept.count)
      try writer.commit()
      told.change { $0 = [] }
      let answers = try server.get("/api/v1/sessions/s1\(query)").strings("turns", "answer")
      told.change { $0 = answers }
    }
    return told.value
  }

  @Test func whatWasSaidOfThePagesBeforeIsStillShown() async throws {
    let turns = try await turns(keeping: 1...5)
    #expect(turns == ["A lantern."])
  }

  @Test func aPageThatIsNamedStillHidesWhatComesAfterIt() async throws {
    #expect(try await turns(keeping: 1...5, "?page=p05") == ["A lantern."])
  }
}
