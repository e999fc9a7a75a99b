// Another program holds the database: nobody who talks waits for it.
import NIOCore
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct HeldDatabaseTests {
  /// Runs a test while somebody else has the right to write.
  private static func with(
    _ steps: [ScriptedProvider.Step]..., body: @escaping @Sendable (TestServer) throws -> Void,
    after: @escaping @Sendable (TestServer) throws -> Void = { _ in }
  ) async throws {
    try await TestServer.with(TestServer.Wishes(transport: ScriptedProvider(steps))) {
      (server: TestServer) async throws -> Void in
      let writer = try PageStore(path: server.folder + "/story.db", access: .readWrite).writer()
      try writer.begin()
      try body(server)
      writer.rollBack()
      #expect(await server.service.conversing.settle(atMost: .seconds(60)) == 0)
      try after(server)
    }
  }

  @Test func answersBeginAndEndAndAreWrittenLater() async throws {
    try await Self.with([.token("A "), .token("lantern."), .end]) { server in
      let readers = try (1...6).map { try ReaderClient(server, "s\($0)") }
      for reader in readers { try reader.ask("What?", page: "003") }
      for reader in readers { #expect(try reader.hearAnswer().tokens == ["A ", "lantern."]) }
    } after: { server in
      for number in 1...6 {
        let history = try server.get("/api/v1/sessions/s\(number)")
        #expect(history.strings("turns", "answer") == ["A lantern."])
        #expect(history.strings("turns", "outcome") == ["complete"])
        #expect(history.member("page_id") == .string("003"))
      }
    }
  }

  @Test func aReaderMovesIsHeardAndStopsAnAnswerMeanwhile() async throws {
    let provider: [ScriptedProvider.Step] = [.token("on "), .endless("and on ")]
    try await Self.with(provider) { server in
      let reader = try ReaderClient(server)
      try reader.ask("What?", requestID: "r1")
      _ = try reader.hearStream()
      for page in 1...3 { try reader.say("page_navigation", "{\"page_index\":\(page)}") }
      try reader.say("ping", "{\"timestamp\":1}")
      try reader.say("ai_chat_cancel", "{\"request_id\":\"r1\"}")
      var (moves, pongs, ends) = (0, 0, [FinishReason]())
      while moves + pongs + ends.count < 5 {
        switch try reader.hear() {
        case .frame(.vaultUpdate, _): moves += 1
        case .frame(.pong, _): pongs += 1
        case .responseStream(let stream): if let end = stream.completion { ends.append(end.finishReason) }
        case let other: Issue.record("heard \(other)")
        }
      }
      #expect((moves, pongs) == (3, 1))
      #expect(ends == [.cancelled])
    } after: { server in
      let history = try server.get("/api/v1/sessions/s1")
      #expect(history.strings("turns", "outcome") == ["interrupted"])
      #expect(history.member("page_id") == .string("003"))
    }
  }
}
