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
    // What came first has no start, and the event after it teaches the shape.
    #expect(batch.tokenEnds.count == 2100)
    #expect(parser.shape.count == 2098)
  }

  /// One frame that lies in one piece teaches the shape of all after it, wherever they are cut; in blocks of some bytes none does,
  /// nor does an event at the start of a stream, which may have a byte-order mark.
  @Test(arguments: [(1, 0), (7, 0), (16, 0), (700, 399), (1500, 399)])
  func framesThatTheNetworkCutsAreTakenQuicklyAllTheSame(blockBytes: Int, quickly: Int) throws {
    let account = ProviderAccount(baseURL: try WebAddress("http://127.0.0.1:1"), model: "m")
    let lines = Array((0..<400).map { Self.line(" \($0)", stamp: "2026-01-01T00:00:00.\($0)Z") }.joined().utf8)
    let events = Array((0..<400).map { Self.event(" \($0)") }.joined().utf8)
    var ollama = OllamaParser(AnswerTally(Ollama(account: account)))
    var openAI = OpenAIParser(AnswerTally(OpenAI(account: account)))
    let (said, heard) = (try Self.read(lines, by: &ollama, blockBytes), try Self.read(events, by: &openAI, blockBytes))
    #expect(said == (0..<400).map { " \($0)" })
    #expect(heard == said)
    #expect(ollama.shape.count == quickly)
    #expect(openAI.shape.count == max(0, quickly - 1))
  }

  /// Frames whose start is like those before them and whose end is not.
  @Test(arguments: 1..<110)
  func aFrameThatIsBegunLikeTheOthersMayEndOtherwise(cut: Int) throws {
    let account = ProviderAccount(baseURL: try WebAddress("http://127.0.0.1:1"), model: "m")
    let start = [" one", " two", " three"].map { Self.line($0, stamp: "2026") }.joined()
    for (line, token) in [
      (Self.line(#" \"four\""#, stamp: "2026"), [#" "four""#]), (Self.line("", stamp: "2026"), []),
      (Self.line(" four", stamp: "2027-01-01").dropLast(2) + ",\"thinking\":\"so\"}\n", [" four"]),
    ] {
      var parser = OllamaParser(AnswerTally(Ollama(account: account)))
      let bytes = Array((start + line + Self.line(" five", stamp: "2026")).utf8)
      let end = min(start.utf8.count + cut, bytes.count)
      var read: [String] = []
      for block in [bytes[..<end], bytes[end...]] { read += try Self.read(Array(block), by: &parser, bytes.count) }
      #expect(read == [" one", " two", " three"] + token + [" five"])
    }
  }

  @Test func aTokenWhoseLineLacksOnlyItsEndIsReadAtTheEndOfTheBytes() throws {
    let account = ProviderAccount(baseURL: try WebAddress("http://127.0.0.1:1"), model: "m")
    var parser = OllamaParser(AnswerTally(Ollama(account: account)))
    let bytes = Array([" one", " two", " three"].map { Self.line($0, stamp: "2026") }.joined().utf8.dropLast())
    #expect(try Self.read(bytes, by: &parser, bytes.count) == [" one", " two"])
    var batch = AnswerBatch()
    #expect(throws: GibseyError.self) { try parser.finish(into: &batch) }
    #expect(batch.tokens == [" three"])
  }

  /// The tokens, read in blocks of one size.
  private static func read(
    _ bytes: [UInt8], by parser: inout some AnswerParser, _ blockBytes: Int
  ) throws -> [String] {
    var batch = AnswerBatch()
    for start in stride(from: 0, to: bytes.count, by: blockBytes) {
      try bytes[start..<min(start + blockBytes, bytes.count)].withUnsafeBufferPointer {
        try parser.consume($0, into: &batch)
      }
    }
    return batch.tokens
  }

  private static func read(
    _ bytes: [UInt8], by parser: any AnswerParser, _ generator: inout SeededGenerator
  ) throws -> [String] {
    var parser = parser
    var read: [String] = []
    var start = 0
    let largest = [300, 60_000].randomElement(using: &generator) ?? 0
    while start < bytes.count {
      let end = min(start + Int.random(in: 1...largest, using: &generator), bytes.count)
      var batch = AnswerBatch()
      try bytes[start..<end].withUnsafeBufferPointer { try parser.consume($0, into: &batch) }
      read += batch.tokens
      start = end
    }
    return read
  }
}
