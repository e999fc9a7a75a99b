// What there is to ask: records, lines of text, or one text.

/// Finds the prompts in the bytes of an input, however they are cut. A value; it does no I/O.
public struct AskingInput: Sendable {
  /// What the input holds.
  public enum Item: Sendable, Equatable {
    /// - Parameter line: where it stood; nil when all of the input is one prompt.
    case prompt(Prompt, line: Int?)
    /// A record that is no prompt, its line as it came, and where that stood.
    case other(Record, line: [UInt8], number: Int)
    /// A line that could not be read; the next one may be.
    case broken(GibseyError)
  }

  private enum Mode {
    /// The first line has not come to its end.
    case undecided, records, lines
    /// All of the input is one prompt.
    case text
  }

  /// A text that is one prompt may be this long.
  public static let textLimitBytes = 8 << 20

  private let source: String
  private let hasPromptLines: Bool
  private var mode = Mode.undecided
  private var held: [UInt8] = []
  private var splitter = LineSplitter(limitBytes: RecordCoder.lineLimitBytes)
  private var lineNumber = 0
  private var isEmpty = true
  /// Whether enough came to tell a byte-order mark.
  private var hasBegun = false

  /// - Parameters:
  ///   - source: the input's name, for what is said about it.
  ///   - hasPromptLines: whether each line of a text is a prompt of its own.
  public init(source: String, hasPromptLines: Bool) {
    self.source = source
    self.hasPromptLines = hasPromptLines
  }

  /// - Throws: `GibseyError.malformedInput` when a text is too long.
  public mutating func consume(_ block: [UInt8]) throws -> [Item] {
    switch mode {
    case .records, .lines: return split(block)
    case .undecided, .text:
      held += block
      if mode == .undecided { decide(isEnd: false) }
      guard mode == .records || mode == .lines else {
        guard held.count <= Self.textLimitBytes else {
          throw GibseyError.malformedInput(
            source: source, line: nil, reason: "a prompt longer than \(Self.textLimitBytes) bytes")
        }
        return []
      }
      let block = held
      held = []
      return split(block)
    }
  }

  /// The end of the input.
  /// - Throws: `GibseyError.usage` when there was nothing in it.
  public mutating func finish() throws -> [Item] {
    var items: [Item] = []
    if mode == .undecided { decide(isEnd: true) }
    if mode == .text {
      if let item = text(held, line: nil) { items.append(item) }
    } else {
      items = split(held)
      var last: LineSplitter.Line?
      splitter.finish { last = $0 }
      if let item = last.flatMap({ item($0) }) { items.append(item) }
    }
    guard !isEmpty else {
      throw GibseyError.usage(
        "nothing to ask: \(source) is empty",
        hint:
          "as in `gibsey-context \"Who are you?\" | gibsey-ask`, or `echo \"Who are you?\" | gibsey-ask`"
      )
    }
    return items
  }

  private mutating func decide(isEnd: Bool) {
    if !hasBegun {
      guard isEnd || held.count >= ByteOrderMark.utf8.count || !ByteOrderMark.utf8.starts(with: held) else { return }
      held = Array(ByteOrderMark.dropped(from: held))
      hasBegun = true
    }
    guard let start = held.firstIndex(where: { !Self.isSpace($0) }) else { return }
    guard held[start] == UInt8(ascii: "{") else {
      mode = hasPromptLines ? .lines : .text
      return
    }
    let end = held[start...].firstIndex(of: 0x0A)
    // A first line longer than any record may be is decided by its start.
    guard isEnd || end != nil || held.count > RecordCoder.lineLimitBytes else { return }
    let line = held[start..<(end ?? held.endIndex)]
    mode = Self.isRecord(Array(line)) ? .records : hasPromptLines ? .lines : .text
  }

  private static func isRecord(_ line: [UInt8]) -> Bool {
    if line.starts(with: "{\"type\"".utf8) { return true }
    guard let value = try? JSONScanner.scan(line, { try $0.value() }) else { return false }
    return value.objectValue?["type"]?.stringValue != nil
      && value.objectValue?["data"]?.objectValue != nil
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  private mutating func split(_ block: [UInt8]) -> [Item] {
    var items: [Item] = []
    var lines: [LineSplitter.Line] = []
    splitter.consume(block) { lines.append($0) }
    for line in lines {
      if let item = item(line) { items.append(item) }
    }
    return items
  }

  private mutating func item(_ line: LineSplitter.Line) -> Item? {
    lineNumber += 1
    guard case .whole(let bytes) = line else {
      isEmpty = false
      return .broken(
        .lineTooLong(source: source, line: lineNumber, limitBytes: RecordCoder.lineLimitBytes))
    }
    guard !bytes.allSatisfy(Self.isSpace) else { return nil }
    if mode == .lines { return text(bytes, line: lineNumber) }
    isEmpty = false
    do {
      let record = try RecordCoder.decode(bytes)
      if case .prompt(let prompt) = record { return .prompt(prompt, line: lineNumber) }
      return .other(record, line: bytes, number: lineNumber)
    } catch {
      let reason = (error as? RecordProblem)?.reason ?? "\(error)"
      return .broken(.malformedInput(source: source, line: lineNumber, reason: reason))
    }
  }

  private mutating func text(_ bytes: [UInt8], line: Int?) -> Item? {
    var bytes = bytes[...]
    while let last = bytes.last, Self.isSpace(last) { bytes.removeLast() }
    guard !bytes.isEmpty else { return nil }
    isEmpty = false
    guard !bytes.contains(0) else {
      return .broken(
        .malformedInput(source: source, line: line, reason: "a NUL byte: this is no text"))
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      return .broken(
        .malformedInput(source: source, line: line, reason: "not UTF-8: this is no text"))
    }
    return .prompt(Prompt(prompt: text, messages: [Message(role: .user, content: text)]), line: line)
  }
}
