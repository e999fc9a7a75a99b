// A JSON text as a value: members keep their order, numbers keep what a Double would lose.

/// Any JSON value.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// The value as text, compact, in the order of its members.
  public var text: String {
    var writer = JSONWriter()
    writer.value(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// The value that a JSON text is.
  /// - Throws: `RecordProblem` with the reason, as in "not JSON: wanted a value at byte 1".
  public init(parsing text: [UInt8]) throws {
    do { self = try JSONScanner.scan(text) { try $0.value() } } catch let error as JSONError {
      throw RecordProblem("not JSON: \(error.reason) at byte \(error.offset + 1)")
    }
  }

  /// The value when it is of that kind; else nil.
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var integerValue: Int? { if case .number(let value) = self { value.integer } else { nil } }
  public var doubleValue: Double? { if case .number(let value) = self { value.double } else { nil } }
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
}

extension JSONValue {
  /// The value with its numbers as they came.
  var asItCame: JSONValue {
    switch self {
    case .number(let number): .number(number.asItCame)
    case .array(let elements): .array(elements.map(\.asItCame))
    case .object(let object): .object(object.asItCame)
    case .null, .bool, .string: self
    }
  }
}

extension JSONObject {
  /// The object with its numbers as they came.
  var asItCame: JSONObject {
    var object = JSONObject()
    for member in members { object.append(member.key, member.value.asItCame) }
    return object
  }
}

/// A JSON object whose members stay in the order that they came in. Of equal keys the last one counts.
public struct JSONObject: Sendable, Equatable {
  /// One member.
  public struct Member: Sendable, Equatable {
    public var key: String
    public var value: JSONValue
  }

  public private(set) var members: [Member] = []

  public init() {}

  /// The member's value; linear in the number of members. Setting replaces in place or appends; nil removes. Keys are compared by
  /// their bytes.
  public subscript(key: String) -> JSONValue? {
    get { members.last { $0.key.spelling == key.spelling }?.value }
    set {
      guard let newValue else { return members.removeAll { $0.key.spelling == key.spelling } }
      if let place = members.lastIndex(where: { $0.key.spelling == key.spelling }) {
        members[place].value = newValue
      } else {
        members.append(Member(key: key, value: newValue))
      }
    }
  }

  public var isEmpty: Bool { members.isEmpty }

  /// Appends without looking for an equal key: the scanner's way, constant time.
  mutating func append(_ key: String, _ value: JSONValue) {
    members.append(Member(key: key, value: value))
  }
}

/// A JSON number: an integer, a double in its shortest form, or, when it fits neither, the text as it came.
public struct JSONNumber: Sendable, Equatable {
  private let literal: String
  /// Whether the literal is to be written as it is.
  private let isFinal: Bool

  public init(_ value: Int) { self.init(final: String(value)) }

  /// NaN and the infinities, which JSON lacks, become `null`.
  public init(_ value: Double) { self.init(final: Self.text(of: value)) }

  /// From a literal that the scanner has already found to be a JSON number.
  init(literal: String) { (self.literal, isFinal) = (literal, false) }

  private init(final: String) { (literal, isFinal) = (final, true) }

  /// The shortest text that reads back the same.
  public var text: String {
    if isFinal { return literal }
    if let whole = Int(literal) { return String(whole) }
    guard Self.isFractional(literal), let value = Double(literal), value.isFinite else { return literal }
    return Self.text(of: value)
  }

  /// The number as it came, which is then what `text` says: `1.10` stays `1.10`.
  var asItCame: JSONNumber { JSONNumber(final: literal) }

  public static func == (one: JSONNumber, other: JSONNumber) -> Bool { one.text == other.text }

  private static func text(of value: Double) -> String {
    if let whole = Int(exactly: value), abs(whole) <= 1 << 53 { return String(whole) }
    return value.isFinite ? value.description : "null"
  }

  private static func isFractional(_ literal: String) -> Bool {
    literal.utf8.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
  }

  /// The largest integer that every reader of JSON has exactly (RFC 8259 §6), and small enough to be counted with: sums of
  /// many, and a thousand times as much, still fit.
  public static let largestInteger = (1 << 53) - 1

  /// The sum of counts that a record can tell, or the largest that it can: a provider may say any number.
  static func sum(_ counts: Int...) -> Int {
    counts.reduce(0) { $0 + min($1, largestInteger - $0) }
  }

  /// The value as an integer, when it is one, from `-largestInteger` to `largestInteger`.
  public var integer: Int? { (Int(literal) ?? Int(text)).flatMap { $0.magnitude <= Self.largestInteger ? $0 : nil } }
  /// The nearest double.
  public var double: Double? { Double(literal) }
}
