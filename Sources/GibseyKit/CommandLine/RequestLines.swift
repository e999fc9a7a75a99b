// Requests as lines: records, bare objects, plain questions.

/// Reads requests from a stream, one a line, as they come.
public struct RequestLines {
  /// What a line is.
  public enum Content: Sendable {
    case request(ChatRequest)
    /// A record of a type that is not known here, to be passed on as it came.
    case passing(Record)
  }

  private let input: FileDescriptor
  private static let blockBytes = 64 * 1024

  public init(input: FileDescriptor) { self.input = input }

  /// Visits each line that can be read; hands the others to `problem`.
  public func read(
    problem: (GibseyError) throws -> Void, visit: (Content, _ line: Int) throws -> Void
  ) throws {
    var splitter = LineSplitter(limitBytes: RecordCoder.lineLimitBytes)
    var number = 0
    func take(_ line: LineSplitter.Line) throws {
      number += 1
      do {
        if let content = try Self.content(of: line, number) { try visit(content, number) }
      } catch let reason as RecordProblem {
        try problem(.malformedInput(source: "standard input", line: number, reason: reason.reason))
      } catch let error as GibseyError where error.isOfOneLine {
        try problem(error.named(line: number))
      }
    }
    while true {
      let block = try input.read(limit: Self.blockBytes)
      if block.isEmpty { break }
      try splitter.consume(block, take)
    }
    try splitter.finish(take)
  }

  private static func content(of line: LineSplitter.Line, _ number: Int) throws -> Content? {
    guard case .whole(var bytes) = line else {
      throw GibseyError.lineTooLong(
        source: "standard input", line: number, limitBytes: RecordCoder.lineLimitBytes)
    }
    if number == 1 { bytes = Array(ByteOrderMark.dropped(from: bytes)) }
    guard let first = bytes.first(where: { $0 > 0x20 }) else { return nil }
    guard first == UInt8(ascii: "{") else {
      guard let question = String(validating: bytes, as: UTF8.self) else { throw RecordProblem("not UTF-8 text") }
      guard !bytes.contains(0) else { throw RecordProblem("a NUL: not a text") }
      return .request(ChatRequest(prompt: question))
    }
    switch try RecordCoder.decode(bytes, bare: .chatRequest) {
    case .chatRequest(let request): return .request(request)
    case .unknown(let type, let line): return .passing(.unknown(type: type, line: line))
    case let other: throw RecordProblem("a record of type \(other.type), wanted ai_chat_request")
    }
  }
}

extension GibseyError {
  /// The same with its line, unless its sentence names it already.
  func named(line: Int) -> GibseyError {
    if case .lineTooLong = self { self } else { .ofLine(source: "standard input", line: line, self) }
  }

  /// Whether it is about one request, so that the next line may still do well.
  var isOfOneLine: Bool {
    switch self {
    case .lineTooLong, .malformedInput, .emptyQuestion, .unknownCharacter, .knowledgeOfNobody, .unknownPage,
      .budgetTooSmall, .questionTooLong, .promptBeyondLine, .unknownTurn, .turnOfAnotherCharacter,
      .questionWithoutVector:
      true
    default: false
    }
  }
}
