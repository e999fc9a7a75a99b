// Reads the fields of a record's data into types that cannot be wrong; unknown fields are ignored.

/// Why a line is not the record that it claims to be.
public struct RecordProblem: Error, Equatable, Sendable {
  /// A sentence part, as in "prompt: wanted a string".
  public let reason: String
  public init(_ reason: String) { self.reason = reason }
}

/// The members of a record's `data`, read by name. A null counts as absent.
public struct RecordFields: Sendable {
  let object: JSONObject
  init(_ object: JSONObject) { self.object = object }

  private func read<Value>(
    _ name: String, _ wanted: String, _ convert: (JSONValue) -> Value?
  ) throws -> Value? {
    guard let value = object[name], value != .null else { return nil }
    guard let converted = convert(value) else { throw RecordProblem("\(name): wanted \(wanted)") }
    return converted
  }

  func optionalString(_ name: String) throws -> String? { try read(name, "a string") { $0.stringValue } }
  func optionalInteger(_ name: String) throws -> Int? { try read(name, "an integer") { $0.integerValue } }
  func optionalDouble(_ name: String) throws -> Double? { try read(name, "a number") { $0.doubleValue } }
  func optionalObject(_ name: String) throws -> JSONObject? { try read(name, "an object") { $0.objectValue } }
  func optionalBool(_ name: String) throws -> Bool? {
    try read(name, "true or false") { if case .bool(let value) = $0 { value } else { nil } }
  }

  /// A `request_id` has at most so many bytes: the record of every token of an answer carries it.
  public static let requestIDLimitBytes = 256

  func requestID() throws -> String? { try carriedBack("request_id") }

  /// An id that every record of an answer, or an error, carries back: none may be long.
  func carriedBack(_ name: String) throws -> String? {
    let id = try optionalString(name)
    if let id, id.utf8.count > Self.requestIDLimitBytes {
      throw RecordProblem("\(name): wanted at most \(Self.requestIDLimitBytes) bytes")
    }
    return id
  }

  func string(_ name: String) throws -> String { try required(name, try optionalString(name)) }
  func integer(_ name: String) throws -> Int { try required(name, try optionalInteger(name)) }
  func double(_ name: String) throws -> Double { try required(name, try optionalDouble(name)) }
  func bool(_ name: String) throws -> Bool { try required(name, try optionalBool(name)) }
  func object(_ name: String) throws -> JSONObject { try required(name, try optionalObject(name)) }

  func strings(_ name: String) throws -> [String] {
    try read(name, "an array of strings") { value in
      guard let elements = value.arrayValue else { return nil }
      let strings = elements.compactMap(\.stringValue)
      return strings.count == elements.count ? strings : nil
    } ?? []
  }

  /// The objects of an array, each as fields; absent is empty.
  func list<Element>(_ name: String, _ convert: (RecordFields) throws -> Element) throws -> [Element] {
    let elements = try read(name, "an array of objects") { value -> [JSONObject]? in
      guard let array = value.arrayValue else { return nil }
      let objects = array.compactMap(\.objectValue)
      return objects.count == array.count ? objects : nil
    }
    return try (elements ?? []).map { try convert(RecordFields($0)) }
  }

  private func required<Value>(_ name: String, _ value: Value?) throws -> Value {
    guard let value else { throw RecordProblem("\(name): missing") }
    return value
  }
}

/// What stands in the `data` of one type of record.
public protocol RecordData: Sendable, Equatable {
  init(_ fields: RecordFields) throws
  /// Writes the members in their fixed order.
  func write(to writer: inout JSONWriter)
}
