// A transcript: one file, one story of commands and what they say.
import Foundation

/// A command with its input and what it must answer.
///
/// In the file, `# ` begins a comment, `$ ` a command for /bin/sh, `< ` a line of its standard input, `> ` a line of
/// standard output, `! ` a line of standard error, `? ` its exit status (0 when not given, 128 + n for signal n). `…`
/// inside an expected line stands for any text.
struct TranscriptStep {
  var command: String
  var input: [String] = []
  var output: [String] = []
  var errors: [String] = []
  var status: Int32 = 0
  var line: Int

  static func parse(_ text: String) throws -> [TranscriptStep] {
    var steps: [TranscriptStep] = []
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      if line.isEmpty || line.hasPrefix("#") { continue }
      let rest = String(line.dropFirst(2))
      if line.hasPrefix("$ ") {
        steps.append(TranscriptStep(command: rest, line: index + 1))
        continue
      }
      guard !steps.isEmpty else { throw TranscriptProblem("line \(index + 1): before the first command") }
      switch line.prefix(1) {
      case "<": steps[steps.count - 1].input.append(rest)
      case ">": steps[steps.count - 1].output.append(rest)
      case "!": steps[steps.count - 1].errors.append(rest)
      case "?": steps[steps.count - 1].status = Int32(rest) ?? -1
      default: throw TranscriptProblem("line \(index + 1): unknown mark \(line.prefix(1))")
      }
    }
    return steps
  }
}

struct TranscriptProblem: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Runs transcripts with the built programs, each in a folder of its own.
struct TranscriptRunner {
  let programs: String
  let examples: String

  /// What differs, as text; empty when the story went as told.
  func run(_ steps: [TranscriptStep]) throws -> [String] {
    let folder = NSTemporaryDirectory() + "gibsey-transcript-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try steps.flatMap { try run($0, in: folder) }
  }

  private func run(_ step: TranscriptStep, in folder: String) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", step.command]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = [
      "PATH": "\(programs):/usr/bin:/bin", "HOME": folder, "EXAMPLES": examples, "LC_ALL": "C.UTF-8",
    ]
    // Files, not pipes: no command can block on a full one.
    let names = ["in", "out", "err"].map { folder + "/.transcript-" + $0 }
    let input = step.input.isEmpty ? "" : step.input.joined(separator: "\n") + "\n"
    try Data(input.utf8).write(to: URL(fileURLWithPath: names[0]))
    for name in names.dropFirst() { _ = FileManager.default.createFile(atPath: name, contents: nil) }
    process.standardInput = FileHandle(forReadingAtPath: names[0])
    process.standardOutput = FileHandle(forWritingAtPath: names[1])
    process.standardError = FileHandle(forWritingAtPath: names[2])
    try process.run()
    process.waitUntilExit()
    let signalled = process.terminationReason == .uncaughtSignal
    let status = process.terminationStatus + (signalled ? 128 : 0)
    let output = try String(contentsOfFile: names[1], encoding: .utf8)
    let errors = try String(contentsOfFile: names[2], encoding: .utf8)
    var differences = Self.compare(step.output, output, "stdout", step)
    differences += Self.compare(step.errors, errors, "stderr", step)
    if status != step.status {
      differences.append("line \(step.line): `\(step.command)` ended with \(status), wanted \(step.status)\n\(errors)")
    }
    return differences
  }

  private static func compare(
    _ expected: [String], _ actual: String, _ stream: String, _ step: TranscriptStep
  ) -> [String] {
    var lines = actual.components(separatedBy: "\n")
    if lines.last == "" { lines.removeLast() }
    guard lines.count != expected.count || zip(expected, lines).contains(where: { !matches($1, $0) }) else { return [] }
    return [
      "line \(step.line): `\(step.command)` \(stream)\n  wanted:\n\(expected.joined(separator: "\n"))\n  got:\n\(lines.joined(separator: "\n"))"
    ]
  }

  /// Whether the line is the pattern, with any text for each `…`.
  static func matches(_ line: String, _ pattern: String) -> Bool {
    let parts = pattern.components(separatedBy: "…")
    guard parts.count > 1 else { return line == pattern }
    guard line.hasPrefix(parts[0]), line.hasSuffix(parts[parts.count - 1]) else { return false }
    var rest = Substring(line).dropFirst(parts[0].count)
    for part in parts.dropFirst().dropLast() {
      guard let range = rest.range(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.count >= parts[parts.count - 1].count
  }
}
