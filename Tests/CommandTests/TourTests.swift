// The README and the tour against the built programs: what they show is what one gets.
import Foundation
import Testing

/// The commands of a document and what it says that they print.
private struct Tour {
  struct Step {
    var command: String
    var expected: [String] = []
  }

  var steps: [Step] = []

  /// Reads the indented blocks: `$ ` begins a command, which goes on while its lines end with a pipe; the rest is output.
  init(of markdown: String) {
    var isInCommand = false
    for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("    ") else {
        isInCommand = false
        continue
      }
      let text = String(line.dropFirst(4))
      if text.hasPrefix("$ ") {
        steps.append(Step(command: String(text.dropFirst(2))))
        isInCommand = true
      } else if isInCommand, let last = steps.indices.last {
        if steps[last].expected.isEmpty, steps[last].command.hasSuffix("|") {
          steps[last].command += text
        } else {
          steps[last].expected.append(text)
        }
      }
    }
  }

  /// Whether the lines are as told. `…` inside a line is any text, a line of `…` alone any lines; times differ.
  static func matches(_ lines: ArraySlice<String>, _ expected: ArraySlice<String>) -> Bool {
    guard let pattern = expected.first else { return lines.isEmpty }
    if pattern == "…" {
      return lines.indices.contains { matches(lines[$0...], expected.dropFirst()) } || expected.count == 1
    }
    guard let line = lines.first else { return false }
    return isLike(timeless(line), timeless(pattern)[...])
      && matches(lines.dropFirst(), expected.dropFirst())
  }

  private static func isLike(_ line: String, _ pattern: Substring) -> Bool {
    let parts = pattern.split(separator: "…", omittingEmptySubsequences: false).map(String.init)
    guard let first = parts.first, let last = parts.last, line.hasPrefix(first) else { return false }
    guard parts.count > 1 else { return line == first }
    var rest = line.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let range = rest.range(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }

  private static func timeless(_ line: String) -> String {
    line.replacing(/"seconds":[0-9.]+/, with: "\"seconds\":0")
  }
}

@Suite struct TourTests {
  /// What needs a model, or a program that may not be there.
  private static func isRunnable(_ command: String) -> Bool {
    if command.contains("sqlite3") || command.contains("minilm") || command.hasPrefix("make ") { return false }
    return !command.contains("gibsey-ask") || command.contains("--show-settings") || command.contains("exit $?")
  }

  @Test(arguments: ["README.md", "docs/tour.md"]) func everyCommandPrintsWhatIsShown(document: String) throws {
    let folder = NSTemporaryDirectory() + "gibsey-tour-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/examples", withDestinationPath: BuiltPrograms.repository + "/examples")
    let tour = Tour(of: try BuiltPrograms.text(document))
    let steps = tour.steps.filter { Self.isRunnable($0.command) }
    #expect(steps.count >= 4)
    for step in steps {
      let lines = try BuiltPrograms.output(of: step.command, in: folder).split(separator: "\n").map(String.init)
      let shown = step.expected.joined(separator: "\n")
      let printed = lines.joined(separator: "\n")
      #expect(
        Tour.matches(lines[...], step.expected[...]),
        "\(document): \(step.command)\nshown:\n\(shown)\nprinted:\n\(printed)")
    }
  }
}
