// Streams of alike frames: tokens and time stamps of every length, blocks of every size.
import Testing

@testable import GibseyKit

@Suite struct FrameShapeTests {
  private static func line(_ token: String, stamp: String) -> String {
    #"{"model":"m","created_at":"\#(stamp)","message":{"role":"assistant","content":"\#(token)"},"done":false}"# + "\n"
  }

  private static func event(_ token: String) -> String {
    #"data: {"id":"c","choices":[{"index":0,"delta":{"content":"\#(token)"},"finish_reason":null}]}"# + "\n\n"
  }

  /// Tokens as they stand in JSON, with what they mean.
  private static func tokens(_ generator: inout SeededGenerator) -> [(raw: String, text: String)] {
    (0..<700).map { number in
      switch Int.random(in: 0..<40, using: &generator) {
      case 0: (#"a \"b\" \\"#, #"a "b" \"#)
      case 1: (#"\n"#, "\n")
      case 2: ("größer 🦊", "größer 🦊")
      case 3:
        { ($0, $0) }(String(repeating: "long ", count: Int.random(in: 700...1100, using: &generator)))
      default: { ($0, $0) }(" " + String(repeating: "x", count: number % 37))
      }
    }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func framesGiveTheTokensThatAreInThem(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let tokens = Self.tokens(&generator)
    let ollama = tokens.map { token in
      let digits = Int.random(in: 0...40, using: &generator)
      return Self.line(token.raw, stamp: "2026-01-01T00:00:00.\(String(repeating: "7", count: digits))Z")
    }
    let openAI = tokens.map { Self.event($0.raw) }
    let account = ProviderAccount(baseURL: try WebAddress("http://127.0.0.1:1"), model: "m")
    for (parser, text) in [
      (Ollama(account: account).makeParser(), ollama.joined()),
      (OpenAI(account: account).makeParser(), openAI.joined()),
    ] {
      #expect(try Self.read(Array(text.utf8), by: parser, &generator) == tokens.map(\.text), "seed \(seed)")
    }
  }

  @Test func eventsCutBetweenTheirLinesAreTakenQuicklyAllTheSame() throws {
    let event = Array(
      """
      event: content_block_delta
      data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}}\n\n
      """.utf8)
    let cut = try #require(event.firstIndex(of: 0x0A)) + 1
    let account = ProviderAccount(baseURL: try WebAddress("http://127.0.0.1:1"), model: "m")
    var parser = AnthropicParser(AnswerTally(Anthropic(account: account)))
    var batch = AnswerBatch()
    for _ in 0..<100 {
      let block = event[cut...] + (0..<20).flatMap { _ in event } + event[..<cut]
      try block.withUnsafeBufferPointer { try parser.consume($0, into: &batch) }
    }
    // What came first has no start; each block's first event lies in two pieces, and one more teaches the shape.
    #expect(batch.tokenEnds.count == 2100)
    #expect(parser.shape.count >= 1998)
  }

  private static func read(
    _ bytes: [UInt8], by parser: any AnswerParser, _ generator: inout SeededGenerator
  ) throws -> [String] {
    var parser = parser
    var read: [String] = []
    var start = 0
    while start < bytes.count {
      let end = min(start + Int.random(in: 1...60_000, using: &generator), bytes.count)
      var batch = AnswerBatch()
      try bytes[start..<end].withUnsafeBufferPointer { try parser.consume($0, into: &batch) }
      read += batch.tokens
      start = end
    }
    return read
  }
}
