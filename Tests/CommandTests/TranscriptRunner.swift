// Runs a transcript in a folder of its own and tells what came out otherwise.
import Foundation
import TestPrograms

/// Where things are, seen from this file and from the running tests.
enum Places {
  static let package = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static var repository: String { package.path }

  /// Where the programs were built: beside the tests themselves.
  static var programs: String {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
  }

  static let transcripts = package.appending(path: "Tests/CommandTests/Transcripts")
}

/// One run of one transcript.
struct TranscriptRunner {
  /// A command that has not ended by then is killed.
  private static let limitSeconds = 120.0

  private let transcript: Transcript
  private let folder: URL
  private let work: URL

  init(_ transcript: Transcript) throws {
    self.transcript = transcript
    folder = FileManager.default.temporaryDirectory.appending(path: "gibsey-\(UUID().uuidString)")
    work = folder.appending(path: "work")
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
  }

  /// The differences, each a text of several lines; empty when all went as wanted.
  func failures() async throws -> [String] {
    defer { try? FileManager.default.removeItem(at: folder) }
    var environment = [
      "PATH": "\(Places.programs):/usr/bin:/bin", "HOME": work.path, "TMPDIR": folder.path,
      // Whether a model is installed must not show.
      "GIBSEY_EMBEDDER": "none",
      "LC_ALL": "C.UTF-8", "EXAMPLES": Places.package.appending(path: "examples").path,
    ]
    // What `make sanitize` wants of the programs, too.
    for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] { environment[name] = ProcessInfo.processInfo.environment[name] }
    var failures: [String] = []
    var servers: [String: LoopbackServer] = [:]
    for step in transcript.steps {
      switch step {
      case .serve(let wire, let name):
        let wires = Places.package.appending(path: "Tests/GibseyKitTests/Wires")
        let server = try LoopbackServer(
          response: Array(Data(contentsOf: wires.appending(path: wire))))
        servers[name] = server
        environment[name] = "http://127.0.0.1:\(server.port)"
        environment[name + "_REQUESTS"] = folder.appending(path: name).path
      case .script(let name, let script):
        let server = try LoopbackServer(steps: script)
        servers[name] = server
        environment[name] = "http://127.0.0.1:\(server.port)"
      case .command(let command):
        for (name, server) in servers {
          try Data(server.requests.utf8).write(to: folder.appending(path: name))
        }
        if let failure = try await failure(of: command, environment) { failures.append(failure) }
      }
    }
    return failures
  }

  private func failure(
    of command: Transcript.Command, _ environment: [String: String]
  ) async throws -> String? {
    let input = folder.appending(path: "stdin")
    let output = folder.appending(path: "stdout")
    let errors = folder.appending(path: "stderr")
    try Data(command.input.map { $0 + "\n" }.joined().utf8).write(to: input)
    for file in [output, errors] { try Data().write(to: file) }
    // The umask of whoever runs the tests would be the programs' too.
    let files = (
      try FileHandle(forReadingFrom: input), try FileHandle(forWritingTo: output), try FileHandle(forWritingTo: errors)
    )
    let process = try withExtendedLifetime(files) {
      try ChildProcess(
        ["/bin/sh", "-c", "umask 022\n" + command.shell], in: work.path, environment: environment,
        input: files.0.fileDescriptor, output: files.1.fileDescriptor, errors: files.2.fileDescriptor)
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.limitSeconds) { [weak process] in process?.send(SIGKILL) }
    let status = await process.ending().shellStatus
    var report = [
      Transcript.difference(
        "standard output", came: try Self.lines(output), wanted: command.output),
      Transcript.difference("standard error", came: try Self.lines(errors), wanted: command.errors),
    ].compactMap(\.self)
    if status != command.status {
      report.append("  status:\n    - \(command.status)\n    + \(status)")
    }
    guard !report.isEmpty else { return nil }
    return (["line \(command.line): $ \(command.shell)"] + report).joined(separator: "\n")
  }

  /// Whether a line is the wanted one, in which `…` stands for anything.
  static func matches(_ line: String, _ wanted: String) -> Bool {
    let pieces = wanted.split(separator: "…", omittingEmptySubsequences: false)
    guard pieces.count > 1, let first = pieces.first, let last = pieces.last else {
      return line == wanted
    }
    guard line.hasPrefix(first) else { return false }
    var rest = line.dropFirst(first.count)
    for piece in pieces.dropFirst().dropLast() {
      guard let range = rest.firstRange(of: piece) else { return piece.isEmpty }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last) && rest.count >= last.count
  }

  private static func lines(_ file: URL) throws -> [String] {
    Transcript.lines(of: String(decoding: try Data(contentsOf: file), as: UTF8.self))
  }
}
