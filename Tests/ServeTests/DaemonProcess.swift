// The daemon as its users have it: a process of its own, with a story, a port and signals.
import Foundation
import Glibc
import Synchronization
import TestPrograms

@testable import GibseyKit

/// A running gibsey-serve; killed when this goes, if it still runs. Its identity is the process.
final class DaemonProcess: Sendable {
  struct NeverListened: Error { let said: String }

  let port: Int
  let folder: String
  /// What it said until it listened.
  let saidFirst: String
  private let process: ChildProcess
  private let errors: Mutex<Pipe>
  var pid: Int32 { process.pid }

  /// Where the programs are that were built with these tests.
  private static let programs =
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path

  private static func settings(home: String) -> [String: String] {
    [
      "PATH": programs + ":/usr/bin:/bin", "HOME": home, "GIBSEY_EMBEDDER": "none", "GIBSEY_FALLBACK": "ollama",
    ]
  }

  /// Waits until it listens.
  /// - Parameters:
  ///   - files: how many descriptors it may have.
  ///   - prepare: does something to its database before it starts.
  init(
    _ flags: [String] = [], files: Int = 1024, environment: [String: String] = [:],
    prepare: (_ path: String) throws -> Void = { _ in }
  ) throws {
    folder = NSTemporaryDirectory() + "daemon-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try TestServer.write(TestServer.pages(3), to: folder + "/story.db")
    try prepare(folder + "/story.db")
    let said = Pipe()
    process = try ChildProcess(
      ["/bin/sh", "-c", "ulimit -n \(files); exec \"$@\"", "sh", Self.programs + "/gibsey-serve"]
        + ["--database", "story.db", "--listen", "127.0.0.1:0"] + flags,
      in: folder,
      environment: Self.settings(home: folder).merging(environment) { $1 },
      errors: said.fileHandleForWriting.fileDescriptor)
    try said.fileHandleForWriting.close()
    var text = ""
    var port: Int?
    while port == nil {
      let more = said.fileHandleForReading.availableData
      guard !more.isEmpty else {
        try? FileManager.default.removeItem(atPath: folder)
        throw NeverListened(said: text)
      }
      text += String(decoding: more, as: UTF8.self)
      port = text.firstMatch(of: /listening at http:\/\/127\.0\.0\.1:([0-9]+)\n/).flatMap { Int($0.output.1) }
    }
    self.port = port ?? 0
    saidFirst = text
    errors = Mutex(said)
  }

  deinit {
    process.send(SIGKILL)
    try? FileManager.default.removeItem(atPath: folder)
  }

  func send(_ signal: Int32) { process.send(signal) }

  /// Waits for its end.
  func ending() async -> ChildProcess.Ending { await process.ending() }

  /// What `gibsey-context | gibsey-ask --json` write of a line, on the same database.
  func piped(_ line: String, _ environment: [String: String]) async throws -> String {
    let script = "printf '%s\\n' \"$1\" | gibsey-context --database story.db | gibsey-ask --json >piped"
    let pipe = try ChildProcess(
      ["/bin/sh", "-c", script, "sh", line], in: folder,
      environment: Self.settings(home: folder).merging(environment) { $1 })
    _ = await pipe.ending()
    return try String(contentsOfFile: folder + "/piped", encoding: .utf8)
  }

  /// Waits until it has said some words since it listened; false when it ended without them.
  func says(_ words: String) -> Bool {
    errors.withLock { pipe in
      var text = ""
      while !text.contains(words) {
        let more = pipe.fileHandleForReading.availableData
        if more.isEmpty { return false }
        text += String(decoding: more, as: UTF8.self)
      }
      return true
    }
  }

  /// From now on it may have so many descriptors (prlimit(1)).
  func limitFiles(to count: Int) throws {
    let program = Process()
    program.executableURL = URL(filePath: "/usr/bin/prlimit")
    program.arguments = ["--pid", "\(pid)", "--nofile=\(count):"]
    try program.run()
    program.waitUntilExit()
    guard program.terminationStatus == 0 else { throw RawClient.Failure(what: "prlimit: \(program.terminationStatus)") }
  }

  /// Descriptors that it has open.
  var openFiles: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0 }

  /// Processor time that it has used, in hundredths of a second (proc(5), stat).
  var processorTicks: Int {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
  }
}
