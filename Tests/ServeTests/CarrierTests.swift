// One grammar, three carriers: the same request gives the same bytes through a pipe, over HTTP and over a socket.
import NIOCore
import NIOHTTP1
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct CarrierTests {
  private static let request =
    "{\"type\":\"ai_chat_request\",\"data\":{\"prompt\":\"What swings over the river?\",\"character_id\":\"london-fox\","
    + "\"current_page_id\":\"005\",\"session_id\":\"s1\",\"request_id\":\"r1\"}}"

  private static let scripts: [[ScriptedProvider.Step]] = [
    [
      .token("A \"lantern\"\n"), .block(["swings ", "\u{1}\\ ", "é€𝄞 "]),
      .token("[page 003]: “the lantern swings over the river”."),
      .end,
    ],
    [.token("A "), .fail(.cut(reason: "reset"))],
  ]

  /// What gibsey-context and gibsey-ask --json write: the prompt goes between them as a line.
  private static func pipe(_ script: [ScriptedProvider.Step]) async throws -> [String] {
    var lines: [String] = []
    let server = try await TestServer(TestServer.Wishes(transport: ScriptedProvider([script])))
    guard case .chatRequest(let request) = try RecordCoder.decode(Array(request.utf8)) else { return [] }
    let written = RecordCoder.encode(.prompt(try await server.service.conversing.prompt(for: request)))
    guard case .prompt(let prompt) = try RecordCoder.decode(Array(written.dropLast())) else { return [] }
    var records = AskingRecords(prompt: prompt, responseID: "a1") { Timestamp(microseconds: 0) }
    let asking = Asking(
      candidates: [
        .usable(Ollama(account: ProviderAccount(baseURL: try WebAddress("http://localhost:11434"), model: "llama3:8b")))
      ],
      transport: ScriptedProvider([script]), clock: AskingClock(seconds: { 0 }, sleep: { _ in }, chance: { 0 }))
    try? await asking.run(prompt) { part in
      for record in records.records(of: part) {
        lines.append(String(decoding: RecordCoder.encode(record).dropLast(), as: UTF8.self))
      }
    }
    await server.end()
    return lines
  }

  @Test(arguments: [0, 1]) func theSameRequestGivesTheSameBytesOnEveryCarrier(_ number: Int) async throws {
    let script = Self.scripts[number]
    let piped = try await Self.pipe(script)
    #expect(piped.count == [6, 2][number])
    let wishes = { TestServer.Wishes(transport: ScriptedProvider([script])) }
    try await TestServer.with(wishes()) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.raw.say(Self.request)
      for line in piped { #expect(try Self.plain(reader.hearText()) == Self.plain(line)) }
      #expect(try reader.isQuiet(), "nothing of it comes after its end")
    }
    try await TestServer.with(wishes()) { (server: TestServer) async throws -> Void in
      let lines = try server.post("/api/v1/ask", Self.request).body.split(separator: "\n").map(String.init)
      #expect(lines.map(Self.plain) == piped.map(Self.plain))
    }
  }

  /// The programs as people have them, with a provider that says the same to each: only what a clock or chance makes differs.
  @Test func theProgramsThemselvesGiveTheSameLines() async throws {
    let answer = ["A \"lantern\"\n", "swings ", "\u{1}\\ é€𝄞 ", "[page 003]: “the lantern swings over the river”."]
    let provider = Route(.POST, "/api/chat") { _, _ in
      .records { writer in
        for token in answer { try await writer.write(ScriptedProvider.line(token)) }
        try await writer.write(Array("{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n".utf8))
      }
    }
    try await TestServer.with(TestServer.Wishes(routes: [provider])) { (server: TestServer) async throws -> Void in
      let settings = ["OLLAMA_BASE_URL": "http://127.0.0.1:\(server.port)", "OLLAMA_MODEL": "load"]
      let daemon = try DaemonProcess(environment: settings)
      func request(_ session: String) -> String {
        "{\"type\":\"ai_chat_request\",\"data\":{\"prompt\":\"What swings over the river?\",\"character_id\":\"london-fox\","
          + "\"current_page_id\":\"003\",\"session_id\":\"\(session)\",\"request_id\":\"r1\"}}"
      }
      let piped = try await daemon.piped(request("pipe"), settings)
        .split(separator: "\n").map { Self.timeless(String($0)) }
      #expect(piped.count == answer.count + 1)
      #expect(piped.last?.contains("\"verified\":true") == true)
      let client = try RawClient(port: daemon.port)
      try client.send(
        "POST /api/v1/ask HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\nContent-Type: application/json\r\n"
          + "Content-Length: \(request("http").utf8.count)\r\n\r\n" + request("http"))
      let posted = try client.response().body.split(separator: "\n").map { Self.timeless(String($0)) }
      #expect(posted == piped)
      let reader = try ReaderClient(port: daemon.port, "socket")
      try reader.raw.say(request("socket"))
      for line in piped { #expect(try Self.timeless(reader.hearText()) == line) }
      #expect(try reader.isQuiet(), "nothing of it comes after its end")
    }
  }

  /// A line without its times, its random id, and the name of its session.
  private static func timeless(_ line: String) -> String {
    line.replacing(/"(response_id|timestamp|session_id)":"[^"]*"/) { "\"\($0.output.1)\":\"…\"" }
      .replacing(/"(time_to_first_token_ms|duration_ms)":[0-9]+/) { "\"\($0.output.1)\":0" }
  }

  /// A line as it is; of an error, whose words for strangers name less, without its words.
  private static func plain(_ line: String) -> String {
    line.replacing(/"data":\{"message":"[^"]*"/, with: "\"data\":{\"message\":\"…\"")
  }
}
