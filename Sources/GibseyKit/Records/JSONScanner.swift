// Scans JSON in place (RFC 8259): what is not asked for is skipped without being built.

/// What is wrong with a JSON text, and at which byte.
struct JSONError: Error, Equatable {
  let reason: String
  /// Bytes from the start of the text.
  let offset: Int
}

/// A cursor over one JSON text. It borrows the bytes of the call that made it and must not outlive it.
struct JSONScanner {
  /// Values nested deeper than this are refused: no text can exhaust the stack.
  static let depthLimit = 128

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depth = 0

  /// Runs `read` over the bytes and makes sure that nothing but white space follows what it read.
  static func scan<Result>(
    _ bytes: some Sequence<UInt8>, _ read: (inout JSONScanner) throws -> Result
  ) throws -> Result {
    let result = try bytes.withContiguousStorageIfAvailable { try scan(buffer: $0, read) }
    if let result { return result }
    return try Array(bytes).withUnsafeBufferPointer { try scan(buffer: $0, read) }
  }

  static func scan<Result>(
    buffer: UnsafeBufferPointer<UInt8>, _ read: (inout JSONScanner) throws -> Result
  ) throws -> Result {
    var scanner = JSONScanner(bytes: buffer)
    let result = try read(&scanner)
    scanner.skipSpace()
    guard scanner.position == buffer.count else { throw scanner.error("text after the end of the value") }
    return result
  }

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// A member's name, compared without being built.
  struct Key {
    fileprivate let raw: UnsafeBufferPointer<UInt8>
    fileprivate let isEscaped: Bool

    static func ~= (name: StaticString, key: Key) -> Bool {
      guard !key.isEscaped else { return (try? key.decoded()) == "\(name)" }
      guard key.raw.count == name.utf8CodeUnitCount else { return false }
      for index in 0..<key.raw.count where key.raw[index] != name.utf8Start[index] { return false }
      return true
    }

    func decoded() throws -> String { try JSONScanner.decode(raw, isEscaped: isEscaped, at: 0) }
  }

  /// Visits the members of the object at the cursor; `visit` must read or skip each value.
  mutating func members(_ visit: (Key, inout JSONScanner) throws -> Void) throws {
    try enter(UInt8(ascii: "{"), "an object")
    skipSpace()
    if take(UInt8(ascii: "}")) { return depth -= 1 }
    repeat {
      skipSpace()
      let (raw, isEscaped) = try rawString()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("wanted a colon") }
      try visit(Key(raw: raw, isEscaped: isEscaped), &self)
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw error("wanted a comma or a closing brace") }
    depth -= 1
  }

  /// Visits the elements of the array at the cursor; `visit` must read or skip each.
  mutating func elements(_ visit: (inout JSONScanner) throws -> Void) throws {
    try enter(UInt8(ascii: "["), "an array")
    skipSpace()
    if take(UInt8(ascii: "]")) { return depth -= 1 }
    repeat {
      try visit(&self)
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw error("wanted a comma or a closing bracket") }
    depth -= 1
  }

  /// The first byte of the next value, not taken; nil at the end.
  mutating func peek() -> UInt8? {
    skipSpace()
    return position < bytes.count ? bytes[position] : nil
  }

  mutating func string() throws -> String {
    skipSpace()
    let start = position
    let (raw, isEscaped) = try rawString()
    return try Self.decode(raw, isEscaped: isEscaped, at: start)
  }

  /// The string at the cursor; nil, skipping it, when the value is anything else.
  mutating func stringOrSkip() throws -> String? {
    if peek() == UInt8(ascii: "\"") { return try string() }
    try skipValue()
    return nil
  }

  /// The count at the cursor; nil, skipping it, when the value is anything else: no provider counts below zero, or further
  /// than can be counted with.
  mutating func countOrSkip() throws -> Int? {
    guard let next = peek(), next == UInt8(ascii: "-") || Self.isDigit(next) else {
      try skipValue()
      return nil
    }
    return JSONNumber(literal: try numberLiteral()).integer.flatMap { $0 < 0 ? nil : $0 }
  }

  mutating func boolOrSkip() throws -> Bool? {
    let next = peek()
    try skipValue()
    return next == UInt8(ascii: "t") ? true : next == UInt8(ascii: "f") ? false : nil
  }

  /// Whether an object comes next; anything else is skipped.
  mutating func isObjectOrSkip() throws -> Bool { try isNextOrSkip(UInt8(ascii: "{")) }
  mutating func isArrayOrSkip() throws -> Bool { try isNextOrSkip(UInt8(ascii: "[")) }

  private mutating func isNextOrSkip(_ bracket: UInt8) throws -> Bool {
    if peek() == bracket { return true }
    try skipValue()
    return false
  }

  /// Builds whatever value comes next.
  mutating func value() throws -> JSONValue {
    switch peek() {
    case UInt8(ascii: "{"):
      var object = JSONObject()
      try members { key, scanner in object.append(try key.decoded(), try scanner.value()) }
      return .object(object)
    case UInt8(ascii: "["):
      var array: [JSONValue] = []
      try elements { array.append(try $0.value()) }
      return .array(array)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"):
      try word("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null")
      return .null
    default: return .number(JSONNumber(literal: try numberLiteral()))
    }
  }

  mutating func skipValue() throws {
    switch peek() {
    case UInt8(ascii: "{"): try members { try $1.skipValue() }
    case UInt8(ascii: "["): try elements { try $0.skipValue() }
    case UInt8(ascii: "\""): _ = try rawString()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: try skipNumber()
    }
  }

  /// The bytes of the value at the cursor, skipped; for what passes through unchanged.
  mutating func rawValue() throws -> UnsafeBufferPointer<UInt8> {
    skipSpace()
    let start = position
    try skipValue()
    return UnsafeBufferPointer(rebasing: bytes[start..<position])
  }

  private mutating func enter(_ bracket: UInt8, _ wanted: String) throws {
    skipSpace()
    guard take(bracket) else { throw error("wanted \(wanted)") }
    depth += 1
    guard depth <= Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit) levels") }
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func word(_ text: StaticString) throws {
    let start = position
    for index in 0..<text.utf8CodeUnitCount where !take(text.utf8Start[index]) {
      position = start
      throw error("wanted a value")
    }
  }

  /// The first byte from `start` on that is a quote, a backslash or a control character, eight at a time.
  private static func plainEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    let raw = UnsafeRawBufferPointer(bytes)
    var place = start
    while place + 8 <= raw.count {
      let word = raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      let special =
        hasZero(word ^ repeated(UInt8(ascii: "\""))) | hasZero(word ^ repeated(UInt8(ascii: "\\")))
        | (word &- repeated(0x20)) & ~word & repeated(0x80)
      if special != 0 { return place + UInt64(littleEndian: special).trailingZeroBitCount / 8 }
      place += 8
    }
    while place < raw.count, raw[place] >= 0x20, raw[place] != UInt8(ascii: "\""), raw[place] != UInt8(ascii: "\\") {
      place += 1
    }
    return place
  }

  private static func repeated(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 &* UInt64(byte) }

  /// The high bit of the first byte that is zero, and of none before it (graphics.stanford.edu/~seander/bithacks.html).
  private static func hasZero(_ word: UInt64) -> UInt64 {
    (word &- repeated(1)) & ~word & repeated(0x80)
  }

  /// The bytes between the quotes, and whether a backslash is among them.
  private mutating func rawString() throws -> (UnsafeBufferPointer<UInt8>, Bool) {
    guard take(UInt8(ascii: "\"")) else { throw error("wanted a string") }
    let start = position
    var isEscaped = false
    while position < bytes.count {
      position = Self.plainEnd(bytes, from: position)
      guard position < bytes.count else { break }
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        return (UnsafeBufferPointer(rebasing: bytes[start..<position - 1]), isEscaped)
      }
      guard byte >= 0x20 else { throw error("a control character inside a string") }
      if byte == UInt8(ascii: "\\") {
        isEscaped = true
        position += 1
      }
      position += 1
    }
    position = bytes.count
    throw error("a string without its end")
  }

  private mutating func numberLiteral() throws -> String {
    let start = position
    try skipNumber()
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func skipNumber() throws {
    _ = take(UInt8(ascii: "-"))
    let first = position
    guard skipDigits() else { throw error("wanted a value") }
    if bytes[first] == UInt8(ascii: "0"), position > first + 1 { throw error("a number starts with 0") }
    if take(UInt8(ascii: ".")), !skipDigits() { throw error("wanted a digit") }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard skipDigits() else { throw error("wanted a digit") }
    }
  }

  private mutating func skipDigits() -> Bool {
    let start = position
    while position < bytes.count, Self.isDigit(bytes[position]) { position += 1 }
    return position > start
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  private func error(_ reason: String) -> JSONError { JSONError(reason: reason, offset: position) }

  private static func decode(
    _ raw: UnsafeBufferPointer<UInt8>, isEscaped: Bool, at offset: Int
  ) throws -> String {
    let bytes = isEscaped ? try unescape(raw, at: offset) : nil
    let text = bytes.map { String(validating: $0, as: UTF8.self) } ?? String(validating: raw, as: UTF8.self)
    guard let text else { throw JSONError(reason: "invalid UTF-8", offset: offset) }
    return text
  }

  private static func unescape(_ raw: UnsafeBufferPointer<UInt8>, at offset: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count)
    var index = 0
    while index < raw.count {
      let end = plainEnd(raw, from: index)
      if end > index {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: raw[index..<end]))
        index = end
        continue
      }
      index += 2
      switch raw[index - 1] {
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(raw[index - 1])
      case UInt8(ascii: "u"):
        bytes.append(contentsOf: String(try codePoint(raw, &index, at: offset)).utf8)
      default: throw JSONError(reason: "an unknown escape", offset: offset + index)
      }
    }
    return bytes
  }

  /// The scalar whose four digits start at `index`; half of a surrogate pair becomes U+FFFD.
  private static func codePoint(
    _ raw: UnsafeBufferPointer<UInt8>, _ index: inout Int, at offset: Int
  ) throws -> Unicode.Scalar {
    let replacement: Unicode.Scalar = "\u{FFFD}"
    guard let high = hex(raw, index) else {
      throw JSONError(reason: "wanted four hexadecimal digits", offset: offset + index)
    }
    index += 4
    guard (0xD800..<0xDC00).contains(high) else { return Unicode.Scalar(high) ?? replacement }
    guard index + 1 < raw.count, raw[index] == UInt8(ascii: "\\"), raw[index + 1] == UInt8(ascii: "u"),
      let low = hex(raw, index + 2), (0xDC00..<0xE000).contains(low)
    else { return replacement }
    index += 6
    return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)) ?? replacement
  }

  private static func hex(_ raw: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt32? {
    guard start + 4 <= raw.count else { return nil }
    var value: UInt32 = 0
    for byte in raw[start..<start + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
