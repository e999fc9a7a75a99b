// Labels like [page 012] and quotations, found in an answer while it comes.

/// Finds labels and quotations in a text that comes in pieces. A value: bytes in, marks out; where the text was cut makes no
/// difference. It keeps at most one quotation and one label that have not ended.
///
/// A label ends at the first bracket that closes; where ids of the prompt hold brackets, the longest of them that fits is the
/// label.
///
/// A quotation stands between straight or curly double quotes, in any pairing. A straight quote opens one only where a
/// word may begin (6" opens none), and a blank line ends one that nobody closed: a stray mark turns no more than its own
/// paragraph inside out.
struct CitationScanner: Sendable {
  /// What was found; places are counted in scalars from the start of the text.
  enum Mark: Equatable {
    /// What the label says after "page", as in "012".
    case label(String, Place)
    /// A label that says these ids of the prompt, and what it says behind them.
    case pages([String], remark: String, Place)
    /// The words between the quotes, white space joined, without the labels among them.
    case quotation(String, Place)
  }

  struct Place: Equatable, Sendable {
    var start: Int
    var end: Int
  }

  /// A longer bracket is no label.
  static let labelLimitBytes = 256
  /// Of a longer quotation only the beginning is kept.
  static let quotationLimitBytes = 2048

  private struct Opened {
    let start: Int
    var text: [UInt8] = []
  }

  private var labels: BracketedLabels
  private var position = 0
  private var previous: Unicode.Scalar = "\n"
  private var isLineBlank = true
  private var quotation: Opened?
  private var bracket: Opened?
  /// How long the quotation was where the bracket began; nil when it began inside the bracket.
  private var lengthBeforeBracket: Int?
  private var partial: UInt32 = 0
  private var missingBytes = 0

  /// - Parameter ids: of the pages in the prompt.
  init(ids: [String]) { labels = BracketedLabels(ids: ids) }

  /// The marks in what was held back, when nothing more comes.
  mutating func finish() -> [Mark] {
    var marks: [Mark] = []
    while let decision = labels.decision() { follow(decision, &marks) }
    return marks
  }

  /// The marks that end in these bytes, UTF-8.
  mutating func consume(_ bytes: some Sequence<UInt8>) -> [Mark] {
    var marks: [Mark] = []
    let isContiguous: Void? = bytes.withContiguousStorageIfAvailable { buffer in
      var place = 0
      while true {
        place = pass(buffer, from: place)
        guard place < buffer.count else { return }
        take(buffer[place], &marks)
        place += 1
      }
    }
    if isContiguous == nil { for byte in bytes { take(byte, &marks) } }
    return marks
  }

  /// Passes over text outside of quotations and brackets in which nothing can begin or end.
  /// - Returns: where it stops.
  private mutating func pass(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard quotation == nil, bracket == nil, labels.isEmpty, missingBytes == 0, let base = bytes.baseAddress else {
      return start
    }
    let end = PlainRun.end(in: base, from: start, to: bytes.count, or: UInt8(ascii: "["), UInt8(ascii: "\""))
    guard end > start else { return start }
    if isLineBlank { isLineBlank = !bytes[start..<end].contains { $0 != 0x20 } }
    previous = Unicode.Scalar(bytes[end - 1])
    position += end - start
    return end
  }

  private mutating func take(_ byte: UInt8, _ marks: inout [Mark]) {
    if byte < 0x80 {
      missingBytes = 0
      take(Unicode.Scalar(byte), &marks)
    } else if byte >= 0xC0 {
      missingBytes = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1
      partial = UInt32(byte) & (0x3F >> UInt32(missingBytes))
    } else if missingBytes > 0 {
      partial = partial << 6 | UInt32(byte & 0x3F)
      missingBytes -= 1
      if missingBytes == 0 { take(Unicode.Scalar(partial) ?? "\u{FFFD}", &marks) }
    }
  }

  private mutating func take(_ scalar: Unicode.Scalar, _ marks: inout [Mark]) {
    switch labels.take(scalar) {
    case .passed: read(scalar, &marks)
    case let decision: follow(decision, &marks)
    }
  }

  /// Reads what was held back, each scalar once as a part of a label or as text.
  private mutating func follow(_ decision: BracketedLabels.Decision, _ marks: inout [Mark]) {
    switch decision {
    case .passed, .held: return
    case .label(let label, let rest):
      bracket = nil
      isLineBlank = false
      previous = "]"
      marks.append(
        .pages(label.ids, remark: label.remark, Place(start: position, end: position + label.scalarCount)))
      position += label.scalarCount
      for scalar in rest { take(scalar, &marks) }
    case .bracket(let rest):
      read("[", &marks)
      for scalar in rest { take(scalar, &marks) }
    }
  }

  private mutating func read(_ scalar: Unicode.Scalar, _ marks: inout [Mark]) {
    if scalar == "\n" {
      if isLineBlank { quotation = nil }
      isLineBlank = true
    } else if isLineBlank, scalar != " ", scalar != "\t", scalar != "\r" {
      isLineBlank = false
    }
    if !takeLabel(scalar, &marks) { takeQuotation(scalar, &marks) }
    previous = scalar
    position += 1
  }

  /// True when the scalar ended a label.
  private mutating func takeLabel(_ scalar: Unicode.Scalar, _ marks: inout [Mark]) -> Bool {
    if scalar == "[" {
      bracket = Opened(start: position)
      lengthBeforeBracket = quotation?.text.count
      return false
    }
    guard let start = bracket?.start, let count = bracket?.text.count else { return false }
    guard scalar == "]" else {
      bracket?.text.append(contentsOf: UTF8.encode(scalar)!)
      if count >= Self.labelLimitBytes { bracket = nil }
      return false
    }
    defer { bracket = nil }
    guard let content = Self.afterPage(bracket?.text ?? []) else { return false }
    if let lengthBeforeBracket, let count = quotation?.text.count, count >= lengthBeforeBracket {
      quotation?.text.removeLast(count - lengthBeforeBracket)
    }
    marks.append(.label(content, Place(start: start, end: position + 1)))
    return true
  }

  /// "012" of "page 012", " Page: 012" or "pages 012"; nil when it is no label.
  private static func afterPage(_ bytes: [UInt8]) -> String? {
    let text = PageText.trimmed(Substring(String(decoding: bytes, as: UTF8.self)))
    guard text.prefix(4).lowercased() == "page" else { return nil }
    let rest = text.dropFirst(4).drop { $0 == "s" || $0 == "S" }
    guard let first = rest.first, first.isWhitespace || first == ":" else { return nil }
    let content = PageText.trimmed(rest.drop { $0.isWhitespace || $0 == ":" })
    return content.isEmpty ? nil : String(content)
  }

  private mutating func takeQuotation(_ scalar: Unicode.Scalar, _ marks: inout [Mark]) {
    let isStraight = scalar == "\""
    if scalar == "“" || isStraight && quotation == nil {
      guard !isStraight || !previous.properties.isAlphabetic && !("0"..."9").contains(previous) else { return }
      quotation = Opened(start: position)
      lengthBeforeBracket = nil
    } else if isStraight || scalar == "”" {
      guard let ended = quotation else { return }
      quotation = nil
      let text = Self.words(ended.text)
      if !text.isEmpty { marks.append(.quotation(text, Place(start: ended.start, end: position + 1))) }
    } else if let count = quotation?.text.count {
      // What begins with a space is the text between two quotations.
      if count == 0, scalar.properties.isWhitespace { return quotation = nil }
      if count < Self.quotationLimitBytes { quotation?.text.append(contentsOf: UTF8.encode(scalar)!) }
    }
  }

  /// One line: white space and control characters become single spaces.
  private static func words(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
      .split { $0.isWhitespace || $0.unicodeScalars.allSatisfy { $0.value < 0x20 } }.joined(separator: " ")
  }
}
