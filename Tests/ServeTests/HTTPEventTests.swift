// What is told of what goes on over HTTP: each question with its outcome, each page that was shown.
import Foundation
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct HTTPEventTests {
  /// The names of what is told while `body` talks with a server, each with what is wanted of its facts.
  private static func told(
    _ facts: [String], _ script: [ScriptedProvider.Step] = [.token("A lantern."), .end],
    _ body: @escaping @Sendable (TestServer) throws -> Void
  ) async throws -> [String] {
    let pipe = Pipe()
    let lines = try LineWriter(FileDescriptor(number: pipe.fileHandleForWriting.fileDescriptor), named: "events")
    var wishes = Story.wishes
    wishes.events = EventLog(lines: lines)
    wishes.transport = ScriptedProvider([script])
    try await TestServer.with(wishes) { try body($0) }
    wishes.events.close()
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      guard case .frame(.event, let data) = try RecordCoder.decode(Array(line.utf8)) else { return String(line) }
      return (["name"] + facts).compactMap { data.fields[$0]?.stringValue }.joined(separator: " ")
    }
  }

  @Test func aQuestionIsToldWithItsOutcome() async throws {
    let told = try await Self.told(["session_id", "request_id", "code"]) { (server: TestServer) throws -> Void in
      let ids = #""session_id":"s1","request_id":"r1""#
      #expect(try server.post("/api/v1/ask", "{\"prompt\":\"Who?\",\(ids)}").status == 200)
      #expect(try server.post("/api/v1/ask", "{\"prompt\":\"Who?\",\"character_id\":\"nobody\",\(ids)}").status == 404)
      let chat = #"{"model":"london-fox","messages":[{"role":"user","content":"Who?"}]}"#
      #expect(try server.post("/v1/chat/completions", chat).status == 200)
      #expect(try server.post("/test-llm-debug", "{}").status == 200)
    }
    #expect(
      told == [
        "request s1 r1", "first_token s1 r1", "completed s1 r1", "request s1 r1", "failed s1 r1 UNKNOWN_CHARACTER",
        "request", "first_token", "completed", "request", "first_token", "completed",
      ])
  }

  @Test func aQuestionThatWaitedWhenItsReaderLeftHasAnEnd() async throws {
    let told = try await Self.told(["session_id", "request_id"], [.token("on"), .wait(Signal())]) {
      (server: TestServer) throws -> Void in
      var reader: ReaderClient? = try ReaderClient(server)
      try reader?.ask("Who?", requestID: "r1")
      _ = try reader?.hearStream()
      for number in 2...3 { try reader?.ask("And who?", requestID: "r\(number)") }
      #expect(try reader?.isQuiet() == true)
      reader = nil
      waitUntil { server.service.sessions.socketCount == 0 && server.service.metrics.snapshot().running == 0 }
      #expect(server.service.metrics.snapshot().answers.values.reduce(0, +) == 3)
    }
    #expect(told.filter { $0.hasPrefix("request") } == ["request s1 r1", "request s1 r2", "request s1 r3"])
    #expect(
      Set(told.filter { $0.hasPrefix("cancelled") }) == ["cancelled s1 r1", "cancelled s1 r2", "cancelled s1 r3"])
  }

  @Test func aQuestionThatWaitedWhenTheDaemonEndsHasAnEnd() async throws {
    let told = try await Self.told(["request_id", "code"], [.token("on"), .wait(Signal())]) {
      (server: TestServer) throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("Who?", requestID: "r1")
      _ = try reader.hearStream()
      try reader.ask("And who?", requestID: "r2")
      #expect(try reader.isQuiet())
      server.service.sessions.drain()
      #expect(try reader.hearError().code == "SHUTTING_DOWN")
      server.service.sessions.cancelAll()
      #expect(try reader.hearStream().completion?.finishReason == .cancelled)
    }
    #expect(told.filter { $0.hasSuffix("SHUTTING_DOWN") } == ["failed r2 SHUTTING_DOWN"])
  }

  @Test func whoLeavesBeforeAnAnswerIsWholeIsNoFailureOfAProvider() async throws {
    let told = try await Self.told(["code"], [.token("on"), .wait(Signal())]) { (server: TestServer) throws -> Void in
      var client: RawClient? = try server.client()
      let chat = #"{"model":"london-fox","messages":[{"role":"user","content":"Who?"}]}"#
      try client?.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"
          + "Content-Type: application/json\r\nContent-Length: \(chat.utf8.count)\r\n\r\n\(chat)")
      waitUntil { server.service.metrics.snapshot().running == 1 }
      client = nil
      waitUntil { server.service.metrics.snapshot().answers.values.reduce(0, +) == 1 }
      #expect(try server.get("/health").status == 200)
      #expect(server.service.metrics.snapshot().refused == [:])
    }
    #expect(told.contains("cancelled"))
  }

  @Test func aPageWhoseTextIsShownIsReadAndOneInAListIsNot() async throws {
    let told = try await Self.told(["page_id", "session_id"]) { (server: TestServer) throws -> Void in
      #expect(try server.get("/api/v1/pages/p03").status == 200)
      #expect(try server.get("/api/v1/pages?limit=2&page=p02").status == 200)
      #expect(try server.get("/api/v1/pages?limit=2&text=false").status == 200)
      // Of what HEAD asks for nothing is shown.
      for target in ["/api/v1/pages/p03", "/api/v1/pages?limit=2"] {
        let client = try server.client()
        try client.send("HEAD \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nConnection: close\r\n\r\n")
        #expect(try client.takeAll().hasPrefix("HTTP/1.1 200 "))
      }
    }
    #expect(told == ["page_read p03", "page_read p01", "page_read p02"])
  }
}
