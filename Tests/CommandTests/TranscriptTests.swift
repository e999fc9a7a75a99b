// The built programs, as a shell sees them.
import Foundation
import Testing

/// Where things are, seen from this file and from the running test.
enum Places {
  static var repository: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
  }

  /// The folder of the built programs: the one that holds the test bundle.
  static var programs: String {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    while folder.path != "/", !FileManager.default.fileExists(atPath: folder.path + "/gibsey-index") {
      folder.deleteLastPathComponent()
    }
    if folder.path == "/" {
      folder = URL(fileURLWithPath: repository + "/.build/debug")
    }
    return folder.path
  }

  static var transcripts: [String] {
    let folder = repository + "/Tests/CommandTests/Transcripts"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted()
  }
}

@Suite struct TranscriptTests {
  private let runner = TranscriptRunner(programs: Places.programs, examples: Places.repository + "/examples")

  @Test(arguments: Places.transcripts) func theStoryGoesAsTold(name: String) throws {
    let path = Places.repository + "/Tests/CommandTests/Transcripts/" + name
    let steps = try TranscriptStep.parse(try String(contentsOfFile: path, encoding: .utf8))
    #expect(!steps.isEmpty)
    let differences = try runner.run(steps)
    #expect(differences.isEmpty, "\(name): \(differences.joined(separator: "\n"))")
  }

  @Test func thereAreStories() { #expect(Places.transcripts.count >= 5) }

  @Test func aStoryThatGoesOtherwiseIsNoticed() throws {
    let steps = try TranscriptStep.parse("$ echo one; echo two >&2; exit 3\n> uno\n! two\n? 0\n")
    let differences = try runner.run(steps)
    #expect(differences.count == 2)
    #expect(differences.first?.contains("wanted:\nuno\n  got:\none") == true)
  }

  @Test func anEllipsisStandsForAnyTextAndNothingElseDoes() {
    #expect(TranscriptRunner.matches("took 12 ms in all", "took … ms in all"))
    #expect(!TranscriptRunner.matches("took 12 s in all", "took … ms in all"))
    #expect(!TranscriptRunner.matches("ab", "a…bb"))
    #expect(TranscriptRunner.matches("a1b2c", "a…b…c"))
  }
}
