// What the answers of OpenAI and Anthropic have in common: server-sent events, each with one object of JSON.

/// Reads an answer that comes as events. A provider says what its objects mean.
protocol EventStreamParser: FramedParser {
  var tally: AnswerTally { get set }
  var events: SSEParser { get set }
  /// Reads one event that is no error.
  /// - Parameter frame: its bytes up to where the next one starts; nil when they do not lie in one piece.
  /// - Throws: `JSONError` for what is no JSON; `GibseyError` for a failure that it tells.
  mutating func parse(
    _ data: UnsafeBufferPointer<UInt8>, _ frame: UnsafeBufferPointer<UInt8>?, into batch: inout AnswerBatch) throws
}

extension EventStreamParser {
  var hasEnded: Bool { tally.hasEnded }
  var isWhole: Bool { tally.isWhole }
  var usage: Usage? { tally.usage }
  var lineCount: Int { events.lineCount + shape.count }

  mutating func read(_ block: UnsafeBufferPointer<UInt8>, isStrange: Bool, into batch: inout AnswerBatch) throws {
    guard !block.isEmpty else { return }
    var events = self.events
    defer { self.events = events }
    try events.consume(block) { bytes, start in
      isStrange || tally.hasEnded ? start : shape.take(bytes, from: start, into: &batch)
    } _: { event in
      try read(event, into: &batch)
    }
  }

  mutating func finish(into batch: inout AnswerBatch) throws -> AnswerEnd {
    try readStrange(shape.release(), into: &batch)
    var events = self.events
    let notices = batch.notices
    try events.finish { try read($0, into: &batch) }
    batch.notices = notices
    return try tally.verdict()
  }

  private mutating func read(_ event: SSEParser.Event, into batch: inout AnswerBatch) throws {
    guard !tally.hasEnded else { return }
    do {
      switch event {
      case .data(let data, isError: true, _): throw tally.failure(data)
      case .data(let data, isError: false, let frame): try parse(data, frame, into: &batch)
      case .stray(let object):
        try parse(object, nil, into: &batch)
        // Nobody asked for it, and it is the answer all the same.
        tally.hasEnded = tally.isUnstreamed
      case .tooLong: throw LineTooLong()
      }
    } catch let error as GibseyError {
      throw error
    } catch {
      try tally.skipped(error, into: &batch)
    }
  }
}
