// The end of a daemon: what was begun comes to its end, nothing new begins.
import NIOCore
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct DrainTests {
  @Test func whatWasBegunIsFinishedAndNothingNewBegins() async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.token("one "), .wait(go), .token("two"), .end]])
    try await TestServer.with(TestServer.Wishes(transport: provider)) { (server: TestServer) async throws -> Void in
      let idle = try ReaderClient(server, "idle")
      let kept = try server.client()
      try kept.send("GET /ready HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n")
      #expect(try kept.response().status == 200)
      let reader = try ReaderClient(server)
      let watcher = try ReaderClient(server, query: "?watch=1")
      try reader.ask("What?", requestID: "r1")
      try reader.ask("And?", requestID: "r2")
      #expect(try reader.hearStream().token == "one ")
      let late = try server.client()

      server.service.drain()
      await server.server.stopListening()
      server.service.sessions.drain()

      // Who waits for nothing is told to go.
      #expect(try idle.raw.hear().code == 1001)
      #expect(try kept.takeAll() == "")
      let refused = try reader.hearError()
      #expect(refused.code == "SHUTTING_DOWN")
      #expect(refused.requestID == "r2")
      try reader.ask("Once more?", requestID: "r3")
      #expect(try reader.hearError().requestID == "r3")
      // Nobody comes in any more.
      #expect(throws: RawClient.Failure.self) { try server.client() }
      _ = late
      go.fire()
      #expect(try reader.hearStream().token == "two")
      #expect(try reader.hearStream().completion?.finishReason == .stop)
      #expect(try reader.raw.hear().code == 1001)
      #expect(try watcher.hearAnswer().tokens == ["one ", "two"])
      #expect(try watcher.raw.hear().code == 1001)
    }
  }

  @Test func whoIsCutOffIsToldAndKeptAsInterrupted() async throws {
    let provider = ScriptedProvider([[.token("A lantern "), .endless("on ")]])
    try await TestServer.with(TestServer.Wishes(transport: provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?", page: "003")
      var heard = [try reader.hearStream().token]
      server.service.sessions.cancelAll()
      let (tokens, end) = try reader.hearRest(after: heard)
      heard = tokens
      #expect(end.completion?.finishReason == .cancelled)
      #expect(heard.first == "A lantern ")
      #expect(try server.get("/api/v1/sessions/s1").body.contains("\"outcome\":\"interrupted\""))
    }
  }
}
