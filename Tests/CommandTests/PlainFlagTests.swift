// Command lines that are read without ArgumentParser, held against what it reads.
import ArgumentParser
import GibseyKit
import Testing

@testable import gibsey_ask
@testable import gibsey_context

@Suite struct PlainFlagTests {
  /// What a command line means, property by property; nil where it is left to ArgumentParser.
  private static func plain<Command: ToolCommand>(_ type: Command.Type, _ arguments: [String]) -> String? {
    var rest = PlainArguments(arguments)
    guard let command = try? Command.plain(&rest), rest.isEmpty else { return nil }
    return "\(command)"
  }

  static let asks: [[String]] = [
    [], ["--provider", "ollama"], ["--provider=replay:a b", "--speed", "2.5"],
    ["--model", "m", "--temperature", "0.5"],
    ["--max-tokens", "7", "--json", "--lines", "--strict", "--jobs", "3"], ["--fallback", "openai,ollama", "-v"],
    ["--retry-wait", "0", "--resume-with", "continue", "--record", "file"],
    ["--strict-citations", "--strict-budget", "--count-tokens", "--usage", "--show-thinking"],
    ["--verbose", "--show-settings"], ["--session", "s", "--database", "d"], ["--check"], ["--models", "--json"],
  ]

  static let contexts: [[String]] = [
    [], ["--database", "s.db", "Who?"], ["Who?", "--database=s.db", "--character", "london-fox", "--page", "012"],
    ["--budget", "800", "--token-factor", "1.5", "--knowledge", "own", "--whole-book", "--strict", ""],
    ["--search", "3", "--mode", "vectors", "--exact", "--explain"], ["--why-not", "012", "--characters", "folder"],
    ["--evaluate", "--fail-under", "mrr@10=0.6"], ["--list-characters", "--json"], ["-v", "--show-settings"],
    ["--session", "s", "--at", "3", "Who?"], ["--session", "s", "--retry", "--scene"],
  ]

  @Test(arguments: asks) func aPlainAskMeansWhatArgumentParserReads(arguments: [String]) throws {
    let command = try #require(Self.plain(GibseyAsk.self, arguments))
    #expect(try command == "\(GibseyAsk.parse(arguments))")
  }

  @Test(arguments: contexts) func aPlainContextMeansWhatArgumentParserReads(arguments: [String]) throws {
    let command = try #require(Self.plain(GibseyContext.self, arguments))
    #expect(try command == "\(GibseyContext.parse(arguments))")
  }

  @Test(arguments: [
    ["--help"], ["--version"], ["--unknown"], ["--model"], ["--model", "-v"], ["--model="], ["--json", "--json"],
    ["--temperature", "warm"], ["--temperature", "3"], ["--max-tokens", "0"], ["--provider", "nobody"], ["word"],
    ["--model", "a", "--model", "b"], ["--", "x"], ["--speed", "1"], ["--jso"], ["--check", "--models"],
    ["--database", "d"],
  ])
  func whatIsNotPlainIsLeftToArgumentParser(arguments: [String]) {
    #expect(Self.plain(GibseyAsk.self, arguments) == nil)
  }

  @Test(arguments: [
    ["Who?", "What?"], ["-"], ["--json"], ["--search", "0"], ["--search", "1", "--why-not", "a"],
    ["--fail-under", "hit@1=1"], ["--session", "s", "--retry", "Who?"],
    ["--evaluate", "--fail-under", "hit@1=1", "--fail-under", "hit@5=1"], ["--databases", "x"],
  ])
  func anUnusualContextIsLeftToArgumentParser(arguments: [String]) {
    #expect(Self.plain(GibseyContext.self, arguments) == nil)
  }
}
