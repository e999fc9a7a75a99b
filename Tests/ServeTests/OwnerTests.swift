// Whose a session is, whoever else tries it, however they leave.
import Dispatch
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct OwnerTests {
  private static let ann = "Authorization: Bearer 0123456789abcdefAA"
  private static let ben = "Authorization: Bearer 0123456789abcdefBB"

  private static func wishes() throws -> TestServer.Wishes {
    var wishes = TestServer.Wishes()
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdefAA\nben:0123456789abcdefBB\n", path: "tokens")
    wishes.transport = ScriptedProvider([[.token("A lantern."), .end]])
    return wishes
  }

  private static let question = #"{"prompt":"Who?","session_id":"s-ann"}"#

  @Test func whoTriesAnothersSessionAndLeavesTakesNothingFromItsOwner() async throws {
    try await TestServer.with(try Self.wishes()) { (server: TestServer) async throws -> Void in
      let session = try #require(SessionID("s-ann"))
      _ = try server.conversations().touch(session, owner: "ann", at: Timestamp(microseconds: 0))
      // Readings wait as long as both of the readers are held.
      let (held, go) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      let readings = (0..<2).map { _ in
        Task {
          try await server.service.room.read { _ in
            held.signal()
            go.wait()
          }
        }
      }
      for _ in readings { held.wait() }
      let ben = try server.client()
      try ben.send(
        "POST /api/v1/ask HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Type: application/json\r\n"
          + "\(Self.ben)\r\nContent-Length: \(Self.question.utf8.count)\r\n\r\n\(Self.question)")
      waitUntil { server.service.room.waitingCount == 1 }
      ben.reset()
      waitUntil { server.service.doors.openCount == 0 }
      for _ in readings { go.signal() }
      for reading in readings { try await reading.value }
      #expect(try server.post("/api/v1/ask", Self.question, Self.ann).status == 200)
      #expect(try server.post("/api/v1/ask", Self.question, Self.ben).code == "UNKNOWN_SESSION")
      // To leave is no failure of the server.
      #expect(server.service.metrics.snapshot().refused["INTERNAL_ERROR"] == nil)
      #expect(server.service.metrics.snapshot().requests.keys.map(\.status).sorted() == [200, 404])
    }
  }

  @Test func whoeverUsesANewSessionFirstHasItAndTheOthersHaveNot() async throws {
    try await TestServer.with(try Self.wishes()) { (server: TestServer) async throws -> Void in
      #expect(try server.post("/api/v1/ask", Self.question, Self.ben).status == 200)
      #expect(try server.post("/api/v1/ask", Self.question, Self.ann).code == "UNKNOWN_SESSION")
      #expect(try server.post("/api/v1/ask", Self.question, Self.ben).status == 200)
    }
  }
}
