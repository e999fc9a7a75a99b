// The settings of a daemon: those of the pipe, and read again one by one.
import Foundation
import Glibc
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct DaemonSettingsTests {
  /// How many pages there are in the prompt of a question to a character.
  private static func pageCount(_ daemon: DaemonProcess) throws -> Int {
    let client = try RawClient(port: daemon.port)
    let question = #"{"prompt":"Who swings the lantern?","character_id":"london-fox"}"#
    try client.send(
      "POST /api/v1/context HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\nContent-Type: application/json\r\n"
        + "Content-Length: \(question.utf8.count)\r\n\r\n\(question)")
    let prompt = try client.response().json?.objectValue?["data"]?.objectValue
    return try #require(prompt?["pages"]?.arrayValue).count
  }

  @Test func whatACharacterKnowsIsAsItIsSet() async throws {
    try await withTaskExecutorPreference(BlockingExecutor()) {
      let daemon = try DaemonProcess()
      #expect(try Self.pageCount(daemon) == 3)
      // None of the pages is this character's own.
      let narrow = try DaemonProcess(environment: ["GIBSEY_KNOWLEDGE": "own"])
      #expect(try Self.pageCount(narrow) == 0)
    }
  }

  @Test(arguments: [
    ("GIBSEY_KNOWLEDGE", "everything", "GIBSEY_KNOWLEDGE"), ("GIBSEY_PRICES", "missing.json", "missing.json"),
  ]) func aWrongSettingIsToldAtTheStart(_ name: String, _ value: String, _ words: String) async throws {
    await withTaskExecutorPreference(BlockingExecutor()) {
      let error = #expect(throws: DaemonProcess.NeverListened.self) { try DaemonProcess(environment: [name: value]) }
      #expect(error?.said.contains(words) == true)
    }
  }

  @Test func whatIsWrongAtTheStartIsToldInTheFormatOfTheLog() async throws {
    await withTaskExecutorPreference(BlockingExecutor()) {
      for (flags, words) in [(["--listen", "0.0.0.0:1"], "0.0.0.0:1"), (["--characters", "missing"], "missing")] {
        let error = #expect(throws: DaemonProcess.NeverListened.self) {
          try DaemonProcess(flags + ["--log-format", "json"])
        }
        let said = (error?.said ?? "").split(separator: "\n")
          .map { try? JSONValue(parsing: Array($0.utf8)).objectValue }
        #expect(said.first??["level"]?.stringValue == "error")
        #expect(said.first??["message"]?.stringValue?.contains(words) == true)
        #expect(said.allSatisfy { $0 != nil }, "\(error?.said ?? "")")
      }
    }
  }

  @Test func anAnswerIsPriced() async throws {
    let prices = NSTemporaryDirectory() + "prices-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: prices) }
    try #"{"date":"2026-11-01","currency":"EUR","models":{"m":{"input":1,"output":2}}}"#
      .write(toFile: prices, atomically: true, encoding: .utf8)
    let provider = Route(.POST, "/api/chat", isOpen: true) { _, _ in
      Response(
        type: "application/x-ndjson",
        body: .bytes(ScriptedProvider.line("A lantern.") + Array(ScriptedProvider.end.utf8)))
    }
    try await TestServer.with(TestServer.Wishes(routes: [provider])) { (server: TestServer) async throws -> Void in
      let daemon = try DaemonProcess(environment: [
        "GIBSEY_PRICES": prices, "OLLAMA_MODEL": "m", "OLLAMA_BASE_URL": "http://127.0.0.1:\(server.port)",
      ])
      let reader = try ReaderClient(port: daemon.port)
      try reader.ask("Who swings the lantern?")
      let usage = try reader.hearAnswer().end.completion?.usage
      #expect(usage?.cost?.currency == "EUR")
      #expect(usage?.cost?.pricesOf == "2026-11-01")
    }
  }

  @Test func aTokenFileThatTheFileOfTheFolderMayNotNameIsToldOf() async throws {
    let words = "./.env may not name a token file"
    func name(_ path: String) throws {
      let file = URL(filePath: path).deletingLastPathComponent().path + "/.env"
      try "GIBSEY_TOKEN_FILE=tokens\n".write(toFile: file, atomically: true, encoding: .utf8)
    }
    try await withTaskExecutorPreference(BlockingExecutor()) {
      #expect(try DaemonProcess(prepare: name).saidFirst.contains(words))
      #expect(try !DaemonProcess().saidFirst.contains(words))
      let tokens = NSTemporaryDirectory() + "tokens-\(UUID().uuidString)"
      defer { try? FileManager.default.removeItem(atPath: tokens) }
      try "ann:0123456789abcdef\n".write(toFile: tokens, atomically: true, encoding: .utf8)
      chmod(tokens, 0o600)
      #expect(try !DaemonProcess(["--token-file", tokens], prepare: name).saidFirst.contains(words))
    }
  }

  @Test func whatIsBrokenKeepsNothingElseFromBeingReadAgain() async throws {
    try await withTaskExecutorPreference(BlockingExecutor()) {
      let folder = NSTemporaryDirectory() + "characters-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let daemon = try DaemonProcess(["--characters", folder])
      func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
      }
      func characters() throws -> String {
        let client = try RawClient(port: daemon.port)
        try client.send("GET /api/v1/characters HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\n\r\n")
        return try client.response().body
      }
      // Good settings, a broken character.
      try write("GIBSEY_KNOWLEDGE=own\n", to: daemon.folder + "/.env")
      try write("---\nid: keeper\n", to: folder + "/keeper.md")
      daemon.send(SIGHUP)
      #expect(daemon.says("what is wrong stays as it was"))
      #expect(try Self.pageCount(daemon) == 0)
      #expect(try !characters().contains("The Keeper"))
      // A good character, broken settings.
      try write("GIBSEY_KNOWLEDGE=everything\n", to: daemon.folder + "/.env")
      try write("---\nid: keeper\nname: The Keeper\n---\nYou keep the light.\n", to: folder + "/keeper.md")
      daemon.send(SIGHUP)
      #expect(daemon.says("what is wrong stays as it was"))
      #expect(try Self.pageCount(daemon) == 0)
      #expect(try characters().contains("The Keeper"))
    }
  }
}
