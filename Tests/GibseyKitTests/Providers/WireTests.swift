// Every recorded wire, read whole and cut anywhere.
import Testing

@testable import GibseyKit

/// A wire, and all that is to be read from it.
struct WireCase: Sendable, CustomTestStringConvertible {
  let path: String
  let expected: Reading
  var testDescription: String { path }

  init(_ path: String, _ expected: Reading) {
    self.path = path
    self.expected = expected
  }

  private static func usage(_ prompt: Int, _ completion: Int, _ cached: Int? = nil) -> Usage {
    Usage(promptTokens: prompt, completionTokens: completion, cachedTokens: cached)
  }
  private static func end(_ reason: FinishReason, _ usage: Usage? = nil) -> AnswerEnd {
    AnswerEnd(reason: reason, usage: usage)
  }
  private static func cut(_ provider: String) -> GibseyError {
    .streamCut(provider: provider, reason: "the stream stopped without its end")
  }

  static let ollama = [
    WireCase(
      "ollama/stream.txt",
      Reading(tokens: ["Hello", "!", " I", "'m", " here"], end: end(.stop, usage(2, 5)))),
    WireCase(
      "ollama/one-line.txt", Reading(tokens: ["Hello! I'm here"], end: end(.stop, usage(2, 3)))),
    WireCase(
      "ollama/error-inside.txt",
      Reading(
        tokens: ["A"],
        failure: .providerFailed(
          provider: "ollama", status: nil,
          reason: "an error was encountered while running the model: unexpected EOF"))),
    WireCase(
      "ollama/cut.txt",
      Reading(
        tokens: ["A", " fox"],
        failure: cut("ollama"))),
    WireCase(
      "ollama/thinking-only.txt",
      Reading(reasoning: "Hmmm", failure: .emptyAnswer(provider: "ollama", thought: true))),
    WireCase("ollama/blank.txt", Reading(failure: .emptyAnswer(provider: "ollama", thought: false))),
    WireCase(
      "ollama/length.txt",
      Reading(tokens: ["A", " fox"], reasoning: "Hm.", end: end(.length, usage(7, 2)))),
    WireCase(
      "ollama/unicode.txt",
      Reading(tokens: ["Füchse", " 🦊", " 🦊\n\"x\""], end: end(.stop, usage(7, 2)))),
    WireCase(
      "ollama/unreadable-line.txt",
      Reading(
        tokens: ["A", " fox"],
        notices: ["skipped an unreadable line of the answer: a string without its end"],
        end: end(.stop, usage(7, 2)))),
    WireCase(
      "ollama/loaded.txt", Reading(failure: .emptyAnswer(provider: "ollama", thought: false))),
    WireCase("ollama/error-null.txt", Reading(tokens: ["A", " fox"], end: end(.stop, usage(7, 2)))),
    WireCase(
      "ollama/error-pretty.txt",
      Reading(failure: .providerFailed(provider: "ollama", status: nil, reason: "model exploded"))),
    WireCase("ollama/marked.txt", Reading(tokens: ["A", " fox"], end: end(.stop, usage(7, 2)))),
    WireCase("ollama/whole-pretty.txt", Reading(tokens: ["A fox"], end: end(.stop, usage(7, 2)))),
    WireCase(
      "ollama/object-broken.txt",
      Reading(
        tokens: ["A"], notices: ["skipped an unreadable line of the answer: wanted a string"], end: end(.stop))),
  ]

  static let openAI = [
    WireCase(
      "openai/stream.txt",
      Reading(
        tokens: ["I", "'m", " glad", " to", " make", " your"], end: end(.length, usage(22, 6, 0)))),
    WireCase(
      "openai/usage-chunk.txt",
      Reading(tokens: ["A", " fox"], end: end(.stop, usage(9, 2, 4)))),
    WireCase("openai/no-done.txt", Reading(tokens: ["A", " fox"], end: end(.stop))),
    WireCase("openai/empty-finish-reason.txt", Reading(tokens: ["A", " fox"], end: end(.length))),
    WireCase(
      "openai/cut.txt",
      Reading(
        tokens: ["A", " fox"],
        failure: cut("openai"))),
    WireCase(
      "openai/error-inside.txt",
      Reading(
        tokens: ["A"],
        failure: .providerFailed(
          provider: "openai", status: nil, reason: "The server had an error"))),
    WireCase(
      "openai/error-event.txt",
      Reading(
        tokens: ["A"],
        failure: .providerFailed(provider: "openai", status: 500, reason: "out of memory"))),
    WireCase(
      "openai/error-plain.txt",
      Reading(
        failure: .rateLimited(
          provider: "openai", reason: "Rate limit reached", retryAfterMilliseconds: nil))),
    WireCase(
      "openai/refusal.txt",
      Reading(failure: .refusedToAnswer(provider: "openai", reason: "I'm sorry, no."))),
    WireCase(
      "openai/content-filter.txt",
      Reading(
        tokens: ["A"],
        failure: .refusedToAnswer(
          provider: "openai", reason: "its content filter held the answer back"))),
    WireCase(
      "openai/thinking-only.txt",
      Reading(reasoning: "Hm", failure: .emptyAnswer(provider: "openai", thought: true))),
    WireCase("openai/blank.txt", Reading(failure: .emptyAnswer(provider: "openai", thought: false))),
    WireCase("openai/blank-first.txt", Reading(tokens: ["\n", " ", "A", " "], end: end(.stop, nil))),
    WireCase("openai/comments-and-crlf.txt", Reading(tokens: ["A", " fox"], end: end(.stop))),
    WireCase(
      "openai/unreadable-event.txt",
      Reading(
        tokens: ["A", " fox"],
        notices: ["skipped an unreadable line of the answer: wanted a value"],
        end: end(.stop))),
    WireCase(
      "openai/finish-reason-error.txt",
      Reading(
        tokens: ["A"],
        failure: .providerFailed(provider: "openai", status: nil, reason: "it stopped for the reason: error"))),
    WireCase(
      "openai/finish-reason-unknown.txt",
      Reading(
        tokens: ["A", " fox"], remarks: ["openai stopped for a reason that is not known here: tired"],
        end: end(.stop))),
    WireCase("openai/finish-reason-model-length.txt", Reading(tokens: ["A", " fox"], end: end(.length))),
    WireCase(
      "openai/error-pretty.txt",
      Reading(failure: .providerFailed(provider: "openai", status: 500, reason: "model exploded"))),
    WireCase("openai/two-choices.txt", Reading(tokens: ["A", " fox"], end: end(.stop))),
    WireCase("openai/parts.txt", Reading(tokens: ["A", " fox", " ran"], end: end(.stop))),
    WireCase("openai/whole.txt", Reading(tokens: ["A \"fox\"\n"], end: end(.length, usage(9, 2)))),
    WireCase("openai/whole-pretty.txt", Reading(tokens: ["A \"fox\"\n"], end: end(.length, usage(9, 2)))),
    WireCase(
      "openai/object-broken.txt",
      Reading(
        tokens: ["A", " fox"], notices: ["skipped an unreadable line of the answer: wanted a value"],
        end: end(.stop))),
  ]

  static let anthropic = [
    WireCase(
      "anthropic/stream.txt",
      Reading(
        tokens: ["What", " can", " I", " do", " for", " you"], end: end(.length, usage(22, 6, 21)))),
    WireCase(
      "anthropic/thinking.txt",
      Reading(tokens: ["A", " fox"], reasoning: "Hm", end: end(.stop, usage(35, 3, 20)))),
    WireCase(
      "anthropic/error-inside.txt",
      Reading(
        tokens: ["A"],
        failure: .providerFailed(provider: "anthropic", status: 529, reason: "Overloaded"))),
    WireCase(
      "anthropic/refusal.txt",
      Reading(failure: .refusedToAnswer(provider: "anthropic", reason: "cyber"))),
    WireCase(
      "anthropic/thinking-only.txt",
      Reading(reasoning: "Hm", failure: .emptyAnswer(provider: "anthropic", thought: true))),
    WireCase("anthropic/unknown-delta.txt", Reading(tokens: ["A", " fox"], end: end(.stop, usage(7, 2)))),
    WireCase("anthropic/blank.txt", Reading(failure: .emptyAnswer(provider: "anthropic", thought: false))),
    WireCase(
      "anthropic/no-message-stop.txt",
      Reading(tokens: ["A", " fox"], end: end(.stop, usage(35, 3, 20)))),
    WireCase(
      "anthropic/cut.txt",
      Reading(
        tokens: ["A"],
        failure: cut("anthropic"))),
    WireCase(
      "anthropic/context-full.txt", Reading(tokens: ["A"], end: end(.length, usage(35, 3, 20)))),
    WireCase(
      "anthropic/whole.txt",
      Reading(tokens: ["A fox", " ran"], reasoning: "Hm", end: end(.length, usage(35, 3, 20)))),
    WireCase(
      "anthropic/whole-pretty.txt",
      Reading(tokens: ["A fox", " ran"], reasoning: "Hm", end: end(.length, usage(35, 3, 20)))),
    WireCase(
      "anthropic/error-pretty.txt",
      Reading(failure: .providerFailed(provider: "anthropic", status: 529, reason: "Overloaded"))),
  ]
}

@Suite struct WireTests {
  @Test(arguments: WireCase.ollama + WireCase.openAI + WireCase.anthropic)
  func `a wire reads the same whole, cut at any point, and byte by byte`(wire: WireCase) throws {
    let body = try Wire(wire.path).body
    let provider = try Providers.named(String(wire.path.prefix { $0 != "/" }))
    #expect(Reading([body[0..<body.count]], by: provider) == wire.expected)
    for point in 1..<body.count {
      let reading = Reading([body[0..<point], body[point..<body.count]], by: provider)
      guard reading == wire.expected else {
        Issue.record("cut at byte \(point): \(reading)")
        return
      }
    }
    #expect(Reading(body.indices.map { body[$0..<$0 + 1] }, by: provider) == wire.expected)
  }

  @Test(arguments: WireCase.ollama + WireCase.openAI + WireCase.anthropic)
  func `a wire reads the same at a thousand random splits`(wire: WireCase) throws {
    let body = try Wire(wire.path).body
    let provider = try Providers.named(String(wire.path.prefix { $0 != "/" }))
    var generator = SeededGenerator(seed: 4)
    for round in 0..<1000 {
      var points = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
        Int.random(in: 0...body.count, using: &generator)
      }
      points = [0] + points.sorted() + [body.count]
      let blocks = zip(points, points.dropFirst()).map { body[$0..<$1] }
      guard Reading(blocks, by: provider) == wire.expected else {
        Issue.record("seed 4, round \(round), cut at \(points)")
        return
      }
    }
  }

  @Test func `an answer that does not fit the model's window is a prompt too long`() throws {
    for name in ["openai", "anthropic"] {
      let wire = try Wire("\(name)/status-400-context-overflow.txt")
      #expect(
        try Providers.named(name).failure(head: wire.head, body: wire.body)
          == .promptTooLong(
            provider: name,
            reason: "request (9031 tokens) exceeds the available context size (8192 tokens), "
              + "try increasing it"))
    }
  }
}
