// Lines to records and back.

/// Decodes and encodes records, one a line.
public enum RecordCoder {
  /// A record's line is at most this long unless a tool is told otherwise.
  public static let lineLimitBytes = 1 << 20

  /// What a bare object, without `type` and `data`, is taken for.
  public enum BareObject: Sendable { case page, chatRequest }

  /// Decodes one line, without its line feed.
  /// - Parameter passedOver: members of an `ai_chat_request` that nobody looks at, whatever they are.
  /// - Throws: `RecordProblem` with the reason.
  public static func decode(
    _ line: [UInt8], bare: BareObject? = nil, passingOver passedOver: [String] = []
  ) throws -> Record {
    var object: JSONObject
    do {
      let value = try JSONScanner.scan(line) { try $0.value() }
      guard case .object(let members) = value else { throw RecordProblem("wanted a JSON object") }
      object = members
    } catch let error as JSONError {
      throw RecordProblem("not JSON: \(error.reason) at byte \(error.offset + 1)")
    }
    if let type = object["type"]?.stringValue, var data = object["data"]?.objectValue {
      if type == "ai_chat_request" { for name in passedOver { data[name] = nil } }
      let record = try Record(type: type, data: data, line: String(decoding: line, as: UTF8.self))
      guard case .frame(let frame, var fields) = record, frame == .ping || frame == .pong else { return record }
      // Any value, echoed as it came: what a number or an escape would lose as a value of ours is not ours to lose.
      fields.verbatim["timestamp"] = try? JSONScanner.scan(line) { try $0.verbatim("timestamp", of: "data") }
      return .frame(frame, fields)
    }
    switch bare {
    case .page: return .page(try Page(RecordFields(object)))
    case .chatRequest:
      for name in passedOver { object[name] = nil }
      return .chatRequest(try ChatRequest(RecordFields(object)))
    case nil: throw RecordProblem("wanted \"type\" (a string) and \"data\" (an object)")
    }
  }

  /// Decodes a line of `gibsey-context --evaluate`.
  /// - Throws: `RecordProblem` with the reason.
  public static func decodeCase(_ line: [UInt8]) throws -> EvaluationCase {
    do {
      guard case .object(let object) = try JSONScanner.scan(line, { try $0.value() }) else {
        throw RecordProblem("wanted a JSON object")
      }
      return try EvaluationCase(RecordFields(object))
    } catch let error as JSONError {
      throw RecordProblem("not JSON: \(error.reason) at byte \(error.offset + 1)")
    }
  }

  /// The `request_id` of a line that may be no record otherwise; nil for one that is too long to be carried back.
  public static func requestID(in line: [UInt8]) -> String? { ids(in: line).request }

  /// The same, with the `session_id` where it is the name of one; of a bare object, too. And the `type` of a line that has `data`.
  public static func ids(in line: [UInt8]) -> (request: String?, session: String?, type: String?) {
    guard let object = (try? JSONScanner.scan(line) { try $0.value() })?.objectValue else { return (nil, nil, nil) }
    let data = object["type"] == nil ? object : object["data"]?.objectValue
    guard let fields = data.map({ RecordFields($0) }) else { return (nil, nil, nil) }
    let session = (try? fields.optionalString("session_id")).flatMap { SessionID($0) }
    return (try? fields.requestID(), session?.text, object["type"]?.stringValue)
  }

  /// Encodes a record as one line with its line feed.
  public static func encode(_ record: Record) -> [UInt8] {
    var writer = JSONWriter()
    encode(record, to: &writer)
    return writer.bytes + [0x0A]
  }

  /// Encodes a record without a line feed, as a frame carries it.
  public static func frame(_ record: Record) -> [UInt8] {
    var writer = JSONWriter()
    encode(record, to: &writer)
    return writer.bytes
  }

  private static func encode(_ record: Record, to writer: inout JSONWriter) {
    guard let data = record.data else {
      if case .unknown(_, let line) = record { writer.verbatim(line) }
      return
    }
    writer.object { writer in
      writer.member("type", record.type)
      writer.key("data")
      writer.object { data.write(to: &$0) }
    }
  }
}

extension JSONScanner {
  /// The text of a member of an object that is a member itself, as it came but without white space between its parts, where a
  /// record has none; nil when there is none. Of equal keys the last one counts.
  fileprivate mutating func verbatim(_ name: String, of outer: String) throws -> String? {
    var text: String?
    try members { key, scanner in
      guard try key.decoded() == outer else { return try scanner.skipValue() }
      text = nil
      guard try scanner.isObjectOrSkip() else { return }
      try scanner.members { key, scanner in
        let raw = try scanner.rawValue()
        if try key.decoded() == name { text = Self.withoutSpace(raw) }
      }
    }
    return text
  }

  private static func withoutSpace(_ raw: UnsafeBufferPointer<UInt8>) -> String {
    var (isInString, isEscaped) = (false, false)
    let kept = raw.filter { byte in
      guard isInString else {
        isInString = byte == UInt8(ascii: "\"")
        return byte > 0x20
      }
      (isInString, isEscaped) =
        isEscaped ? (true, false) : (byte != UInt8(ascii: "\""), byte == UInt8(ascii: "\\"))
      return true
    }
    return String(decoding: kept, as: UTF8.self)
  }
}
