// Where keys come from, and where they may go.
import Foundation
import Glibc
import Synchronization
import Testing

@testable import GibseyKit

@Suite struct ProviderKeyTests {
  private func settings(_ environment: [SettingName: String], file: [SettingName: String] = [:]) -> Settings {
    Settings(environment: environment, environmentFile: file)
  }

  @Test(
    arguments: [
      ([.openAIKey: "k", .openAIBaseURL: "http://mine"], [:]), ([:], [.openAIKey: "k", .openAIBaseURL: "http://mine"]),
      ([.openAIKey: "k"], [:]), ([:], [.openAIKey: "k"]),
      ([.openAIKey: "k"], [.openAIBaseURL: "https://api.openai.com/v1"]),
    ] as [([SettingName: String], [SettingName: String])])
  func `a key goes to the vendor, or to an address from the same place`(
    environment: [SettingName: String], file: [SettingName: String]
  ) throws {
    #expect(try settings(environment, file: file).provider(.openai).key == APIKey("k").map { .value($0) })
  }

  @Test(
    arguments: [
      ([.openAIKey: "k"], [.openAIBaseURL: "http://evil"]), ([.openAIBaseURL: "http://mine"], [.openAIKey: "k"]),
      ([.openAIKeyFile: "f"], [.openAIBaseURL: "http://evil"]),
      ([.openAIKeyCommand: "c"], [.openAIBaseURL: "http://evil"]),
      ([.openAIKey: "k"], [.openAIBaseURL: "http://api.openai.com/v1"]),
      ([.openAIKey: "k"], [.openAIBaseURL: "https://api.openai.com:444/v1"]),
      ([.openAIKey: "k"], [.openAIBaseURL: "https://api.openai.com.evil/v1"]),
    ] as [([SettingName: String], [SettingName: String])])
  func `no key goes to an address from elsewhere`(
    environment: [SettingName: String], file: [SettingName: String]
  ) {
    do {
      _ = try settings(environment, file: file).provider(.openai)
      Issue.record("the key was given")
    } catch {
      #expect((error as? GibseyError)?.exitStatus == .badSettings)
    }
  }

  @Test func `the environment's file or command comes before a key in the file of the folder`() throws {
    let both = settings([.openAIKeyFile: "f"], file: [.openAIKey: "k"])
    #expect(try both.provider(.openai).key == .file(path: "f", name: .openAIKeyFile))
    let all = settings([.openAIKey: "k", .openAIKeyFile: "f", .openAIKeyCommand: "c"])
    #expect(try all.provider(.openai).key == APIKey("k").map { .value($0) })
  }

  @Test func `what names files or runs commands is never read from the file of a folder`() throws {
    let text = SettingName.allCases.filter(\.isFromEnvironmentOnly).map { "\($0.rawValue)=x\n" }.joined()
    #expect(text.contains("OPENAI_API_KEY_CMD=x") && text.contains("ANTHROPIC_API_KEY_FILE=x"))
    #expect(try EnvironmentFile.parse(Array(text.utf8), path: ".env").settings.isEmpty)
  }

  private func write(_ text: String, mode: Int) throws -> String {
    let path = NSTemporaryDirectory() + "gibsey-key-\(UUID().uuidString)"
    try Data(text.utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
  }

  @Test(arguments: [0o600, 0o400]) func `a key file is its owner's alone`(mode: Int) throws {
    let path = try write("sk-secret\n", mode: mode)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try KeyFile.read(path, provider: "openai", name: .openAIKeyFile) == APIKey("sk-secret"))
  }

  @Test(arguments: [0o640, 0o604, 0o620, 0o644]) func `a key file that others may use is refused`(mode: Int) throws {
    let path = try write("sk-secret", mode: mode)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: GibseyError.unsafeSettingsFile(path: path, reason: "others may use it; chmod 600 \(path)")) {
      try KeyFile.read(path, provider: "openai", name: .openAIKeyFile)
    }
  }

  @Test(arguments: ["", "two words", "two\nlines", "\u{1b}x"])
  func `a file without a key says nothing of what is in it`(
    text: String
  ) throws {
    let path = try write(text, mode: 0o600)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(
      throws: GibseyError.keyUnavailable(
        provider: "openai", name: "OPENAI_API_KEY_FILE", reason: "\(path): wanted one line with a key, without spaces")
    ) { try KeyFile.read(path, provider: "openai", name: .openAIKeyFile) }
  }

  private func run(_ command: String) async throws -> APIKey {
    try await KeyCommand(command, provider: "openai", name: .openAIKeyCommand).key()
  }

  @Test func `a command prints the key, and gets no input of ours`() async throws {
    #expect(try await run("cat; echo sk-secret") == APIKey("sk-secret"))
  }

  @Test(
    arguments: [
      ("exit 3", "exit status 3"), ("kill -9 $$", "ended by signal 9"),
      ("echo two words", "it did not print one line with a key, without spaces"),
      ("true", "it did not print one line with a key, without spaces"),
    ]) func `a command that fails says how, not what`(command: String, reason: String) async
  {
    await #expect(
      throws: GibseyError.keyUnavailable(provider: "openai", name: "OPENAI_API_KEY_CMD", reason: reason)
    ) { try await run(command) }
  }

  @Test func `a key for a server that embeds is waited for no longer than the server`() async throws {
    let environment: [SettingName: String] = [.openAIKeyCommand: "exec sleep 600"]
    let found = try settings(environment).provider(.openai)
    let waits = Mutex<[Duration]>([])
    let clock = AskingClock(seconds: { 0 }, sleep: { wait in waits.withLock { $0.append(wait) } }, chance: { 0 })
    await #expect(throws: GibseyError.timedOut(provider: "openai", waitedFor: "key", seconds: 7)) {
      try await found.readKey(within: .seconds(7), clock)
    }
    #expect(waits.withLock { $0 } == [.seconds(7)])
    let quick = try settings([.openAIKeyCommand: "echo k"]).provider(.openai)
    let patient = AskingClock(
      seconds: { 0 }, sleep: { _ in try await Task.sleep(for: .seconds(600)) }, chance: { 0 })
    #expect(try await quick.readKey(within: .seconds(7), patient) == APIKey("k"))
  }

  @Test func `a command runs once, however often the key is wanted`() async throws {
    let path = NSTemporaryDirectory() + "gibsey-runs-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let command = KeyCommand("echo x >>\(path); echo k", provider: "openai", name: .openAIKeyCommand)
    try await withThrowingTaskGroup(of: APIKey.self) { group in
      for _ in 0..<4 { group.addTask { try await command.key() } }
      for try await key in group { #expect(key == APIKey("k")) }
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "x\n")
  }

  /// A pipe with a name, so that no other child of this process holds it.
  private func namedPipe() throws -> String {
    let path = NSTemporaryDirectory() + "gibsey-pipe-\(UUID().uuidString)"
    try #require(mkfifo(path, 0o600) == 0)
    return path
  }

  /// Does what blocks on a thread of its own: those of tasks run the commands' waiters.
  private func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      do { try WorkerThread.start { continuation.resume(with: Result { try body() }) } } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  @Test(arguments: ["", "trap '' TERM; ", "exec >&-; "])
  func `all that a command started ends when nobody waits for the key any more`(beginning: String) async throws {
    let path = try namedPipe()
    defer { unlink(path) }
    let command = KeyCommand(
      "\(beginning)exec 9>\(path); echo >&9; sleep 3600 & sleep 3600; echo k", provider: "openai",
      name: .openAIKeyCommand)
    let waiting = (0..<2).map { _ in Task { try await command.key() } }
    let readEnd = try await blocking { try #require(FileHandle(forReadingAtPath: path)) }
    #expect(try await blocking { try readEnd.read(upToCount: 1) } == Data("\n".utf8))
    for task in waiting { task.cancel() }
    for task in waiting { await #expect(throws: CancellationError.self) { try await task.value } }
    // Its end is there when the last of the group has gone.
    #expect(try await blocking { try readEnd.readToEnd() }?.isEmpty ?? true)
  }

  @Test func `a command that prints no end is ended`() async {
    let reason = "it printed more than 65536 bytes"
    await #expect(
      throws: GibseyError.keyUnavailable(provider: "openai", name: "OPENAI_API_KEY_CMD", reason: reason)
    ) { try await run("yes") }
  }

  @Test func `one who stops waiting need not wait for the others`() async throws {
    let (began, go) = (try namedPipe(), try namedPipe())
    defer { for path in [began, go] { unlink(path) } }
    let command = KeyCommand(
      "echo > \(began); read -r word < \(go); echo k", provider: "openai", name: .openAIKeyCommand)
    let first = Task { try await command.key() }
    let readEnd = try await blocking { try #require(FileHandle(forReadingAtPath: began)) }
    #expect(try await blocking { try readEnd.readToEnd() } == Data("\n".utf8))
    let second = Task { try await command.key() }
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    try await blocking { try #require(FileHandle(forWritingAtPath: go)).write(contentsOf: Data("go\n".utf8)) }
    #expect(try await first.value == APIKey("k"))
  }

  @Test func aCommandThatNobodyWaitsForAnyMoreIsEnded() async throws {
    let command = KeyCommand("exec sleep 3600", provider: "openai", name: .openAIKeyCommand)
    let waiting = Task { try await command.key() }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
  }
}
