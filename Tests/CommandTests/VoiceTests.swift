// Whose voice a text has: the script that measures it, and what its document shows.
import Foundation
import Testing

@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3"), "wants python3"))
struct VoiceTests {
  private static let script = "python3 \(BuiltPrograms.repository)/Scripts/voice.py"
  private static let story = "--pages \(BuiltPrograms.repository)/examples/story/the-night-ferry.jsonl"
  private static let novel = BuiltPrograms.repository + "/../shared/corpus/entrance-way.jsonl"

  private func output(_ command: String) throws -> String {
    try BuiltPrograms.output(of: command, in: NSTemporaryDirectory())
  }

  @Test func aCharactersOwnPagesAreNearestToIt() throws {
    let pages = try BuiltPrograms.text("examples/story/the-night-ferry.jsonl")
    let lines = pages.split(separator: "\n").filter { $0.contains("\"jack-parlance\"") }
    let file = NSTemporaryDirectory() + "gibsey-voice-" + UUID().uuidString
    try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: file) }
    let told = try output("\(Self.script) \(Self.story) --answers <\(file)").split(separator: "\n")
    #expect(told.count == 14)
    #expect(told.dropLast().allSatisfy { $0.hasPrefix("jack-parlance            rank  1 of 3 ") })
    #expect(told.last == "13 answers: first 100.0 %, of the first three 100.0 %; by chance 33.3 % and 100.0 %")
  }

  @Test func anAnswerInTokensIsThatOfItsPrompt() throws {
    let folder = NSTemporaryDirectory() + "gibsey-voice-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let prompt = #"{"type":"ai_prompt","data":{"prompt_id":"p","character_id":"london-fox"}}"#
    try prompt.write(toFile: folder + "/prompts", atomically: true, encoding: .utf8)
    let tokens = ["I have ", "the card ", "with me [page 012]."].map {
      #"{"type":"ai_response_stream","data":{"response_id":"r","token":"\#($0)","is_complete":false}}"#
    }
    let end = #"{"type":"ai_response_stream","data":{"response_id":"r","token":"","is_complete":true,"prompt_id":"p"}}"#
    try (tokens + [end]).joined(separator: "\n").write(toFile: folder + "/answers", atomically: true, encoding: .utf8)
    let command = "\(Self.script) \(Self.story) --answers"
    let told = try output("\(command) --prompts \(folder)/prompts <\(folder)/answers")
    #expect(told.hasPrefix("london-fox "))
    #expect(told.contains(" of 3     6 words "))
    #expect(try output("\(command) <\(folder)/answers").contains("line 4: no prompt of that id"))
  }

  @Test func withoutPagesItIsSkipped() throws {
    #expect(try output("\(Self.script) --pages /nowhere").hasPrefix("skipped: "))
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: novel), "wants ../shared"))
  func theDocumentShowsWhatIsPrinted() throws {
    let document = try BuiltPrograms.text("docs/voice.md")
    let shown = document.components(separatedBy: "$ make voice\n")[1].split(
      separator: "\n", omittingEmptySubsequences: false
    )
    .prefix { $0.isEmpty || $0.hasPrefix("    ") }.map { $0.dropFirst(4) }.joined(separator: "\n")
    let trim = { (text: String) in
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
    #expect(trim(shown) == trim(try output(Self.script)))
  }
}
