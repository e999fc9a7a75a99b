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
    await server.server.shutDown()
    return lines
  }

  private static let ask = Route(.POST, "/carrier") { request, service in
    guard case .chatRequest(let question) = try RecordCoder.decode(request.body) else { throw Refusal.badRequest("") }
    let prompt = try await service.conversing.prompt(for: question)
    return .records { writer in
      try await service.answer(prompt, for: request.identity) { records in
        for record in records { try await writer.write(record) }
      }
    }
  }

  @Test(arguments: [0, 1]) func theSameRequestGivesTheSameBytesOnEveryCarrier(_ number: Int) async throws {
    let script = Self.scripts[number]
    let piped = try await Self.pipe(script)
    #expect(piped.count == [6, 2][number])
    let wishes = { TestServer.Wishes(routes: [Self.ask], transport: ScriptedProvider([script])) }
    try await TestServer.with(wishes()) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.raw.say(Self.request)
      for line in piped { #expect(try Self.plain(reader.hearText()) == Self.plain(line)) }
    }
    try await TestServer.with(wishes()) { (server: TestServer) async throws -> Void in
      let client = try server.client()
      try client.send(
        "POST /carrier HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: \(Self.request.utf8.count)\r\n\r\n"
          + Self.request)
      let lines = try client.response().body.split(separator: "\n").map(String.init)
      #expect(lines.map(Self.plain) == piped.map(Self.plain))
    }
  }

  /// A line as it is; of an error, whose words for strangers name less, without its words.
  private static func plain(_ line: String) -> String {
    line.replacing(/"data":\{"message":"[^"]*"/, with: "\"data\":{\"message\":\"…\"")
  }
}
