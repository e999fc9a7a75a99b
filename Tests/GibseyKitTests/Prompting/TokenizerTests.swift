// The estimate against real tokenizers, counted once: Tests/GibseyKitTests/Tokens/README.md.
import Foundation
import Testing

@testable import GibseyKit

/// What texts take with each of five tokenizers.
struct TokenCounts {
  private static let folder =
    "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/Tokens/"
  let names: [Substring]
  private var counts: [Substring: [Int]] = [:]

  init(_ name: String) throws {
    let lines = try Self.text(name).split(separator: "\n")
    names = Array(try #require(lines.first).split(separator: " ").dropFirst(2))
    for line in lines.dropFirst() {
      let fields = line.split(separator: " ")
      counts[fields[0]] = fields.dropFirst().compactMap { Int($0) }
    }
  }

  static func text(_ name: String) throws -> String { try String(contentsOfFile: folder + name, encoding: .utf8) }

  /// In the order of the names; nil for a text that was not counted.
  func of(_ text: String) -> [Int]? { counts[SHA256.hexadecimal(of: Array(text.utf8)).prefix(32)] }
}

@Suite struct TokenizerTests {
  @Test func theTokenizersAreThese() throws {
    for file in ["project-counts.txt", "novel-counts.txt"] {
      #expect(try TokenCounts(file).names == ["cl100k", "o200k", "llama2", "smollm2", "claude"])
    }
  }

  @Test(.enabled(if: SharedFolder.has("corpus/entrance-way.jsonl")))
  func noPageOfTheNovelHasMoreTokensThanItsEstimate() throws {
    let counts = try TokenCounts("novel-counts.txt")
    var least = [Double](repeating: .infinity, count: counts.names.count)
    for page in try SharedFolder.novel() {
      let real = try #require(counts.of(page.text), "page \(page.id ?? "") was not counted: make token-counts")
      let estimate = TokenEstimate.tokens(of: page.text)
      for (place, tokens) in real.enumerated() { least[place] = min(least[place], Double(estimate) / Double(tokens)) }
      #expect(real.allSatisfy { $0 <= estimate }, "page \(page.id ?? "")")
    }
    // The estimate is high, not absurd: the worst page of the tightest tokenizer is within a tenth.
    #expect((least.min() ?? 0) < 1.1)
  }

  @Test func noPageOfTheSampleStoryHasMoreTokensThanItsEstimate() throws {
    let counts = try TokenCounts("project-counts.txt")
    let path = BundledStory.path
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 40)
    for line in lines {
      guard case .page(let page) = try RecordCoder.decode(Array(line.utf8), bare: .page) else { continue }
      let real = try #require(counts.of(page.text), "page \(page.id ?? "") was not counted: make token-counts")
      #expect(real.allSatisfy { $0 <= TokenEstimate.tokens(of: page.text) }, "page \(page.id ?? "")")
    }
  }

  /// Prompts as `gibsey-context` made them of the sample story; the template's marks, which are not counted, are estimated.
  @Test func noPromptHasMoreTokensThanItsEstimateOrItsBudget() throws {
    let counts = try TokenCounts("project-counts.txt")
    let lines = try TokenCounts.text("prompts.jsonl").split(separator: "\n")
    #expect(lines.count == 4)
    for line in lines {
      guard case .prompt(let prompt) = try RecordCoder.decode(Array(line.utf8), bare: nil) else { continue }
      #expect(prompt.tokens?.total == prompt.plainEstimate)
      var real = [Int](repeating: 0, count: counts.names.count)
      for message in prompt.messages {
        let tokens = try #require(counts.of(message.content), "a message was not counted: make token-counts")
        real = zip(real, tokens).map { $0 + $1 }
        #expect(tokens.allSatisfy { $0 <= TokenEstimate.tokens(of: message.content) + TokenEstimate.messageOverhead })
      }
      #expect(real.allSatisfy { $0 <= prompt.plainEstimate && $0 <= prompt.tokens?.budget ?? 0 })
    }
  }

  /// What docs/design/0005 says of languages with accents and of capitals. A change of the rule that mends one is welcome.
  @Test func theseTextsAndNoOthersHaveMoreTokensThanTheirEstimate() throws {
    let counts = try TokenCounts("project-counts.txt")
    var short: [String] = []
    for line in try TokenCounts.text("texts.jsonl").split(separator: "\n") {
      guard case .page(let page) = try RecordCoder.decode(Array(line.utf8), bare: .page) else { continue }
      let real = try #require(counts.of(page.text))
      if (real.max() ?? 0) > TokenEstimate.tokens(of: page.text) {
        short.append(String(page.text.split { " ,!".contains($0) }.first ?? ""))
      }
    }
    #expect(short == ["Straße", "Pneumonoultramicroscopicsilicovolcanoconiosis", "THE", "¡Ay"])
  }
}

/// The sample story of the examples.
private enum BundledStory {
  static let path =
    "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/examples/story/the-night-ferry.jsonl"
}
