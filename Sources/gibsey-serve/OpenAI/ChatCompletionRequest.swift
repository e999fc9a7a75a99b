// What a client of OpenAI's API asks, as far as it is its to say: a character, a question, what was said before.
import GibseyKit
import NIOHTTP1

/// The body of `POST /v1/chat/completions`, checked.
struct ChatCompletionRequest: Sendable, Equatable {
  /// The name of a character, and perhaps of the reader's page.
  let model: String
  let prompt: String
  /// Oldest first; the client's own account of it, good for this answer alone.
  let history: [Message]
  let isStream: Bool
  let wantsUsage: Bool

  /// - Throws: `Refusal` with status 400 and the parameter that is wrong.
  init(_ body: [UInt8]) throws {
    let object: JSONObject
    do {
      guard case .object(let members) = try JSONValue(parsing: body) else {
        throw RecordProblem("wanted a JSON object")
      }
      object = members
    } catch let problem as RecordProblem {
      throw Refusal.badRequest(problem.reason)
    }
    let fields = Fields(object)
    model = try fields.required("model", try fields.string("model"))
    try Self.refuseWhatNobodyCan(fields)
    isStream = try fields.bool("stream") ?? false
    let options = try fields.object("stream_options")
    guard options == nil || isStream else {
      throw Refusal.wrong("stream_options", "stream_options goes with stream: true")
    }
    wantsUsage = try options.map { try Fields($0).bool("include_usage") ?? false } ?? false
    let messages = try fields.required("messages", try fields.array("messages"))
    var told = try messages.enumerated().compactMap { try Self.message($1, at: "messages[\($0)]") }
    guard let last = told.popLast(), last.role == .user else {
      throw Refusal.wrong("messages", "messages: the last one must be the user's question")
    }
    prompt = last.content
    history = told
  }

  /// What would change what comes back, and cannot be had. What only would change how it is made is passed over.
  private static func refuseWhatNobodyCan(_ fields: Fields) throws {
    if let count = try fields.integer("n"), count != 1 {
      throw Refusal.unsupported("n", "one answer at a time: n must be 1")
    }
    for name in ["tool_choice", "function_call"] {
      guard let choice = fields[name] else { continue }
      guard ["none", "auto"].contains(choice.stringValue) else {
        throw Refusal.unsupported(name, "characters use no tools: \(name) must be none or auto")
      }
    }
    if let format = try fields.object("response_format"), format["type"]?.stringValue != "text" {
      throw Refusal.unsupported("response_format", "characters speak as they do: response_format must be text")
    }
    if let kinds = try fields.array("modalities"), !kinds.allSatisfy({ $0.stringValue == "text" }) {
      throw Refusal.unsupported("modalities", "characters speak in text alone")
    }
  }

  /// A message that counts; nil for a system message, the persona being the server's.
  private static func message(_ value: JSONValue, at place: String) throws -> Message? {
    guard let object = value.objectValue else { throw Refusal.wrong("messages", "\(place): wanted an object") }
    let fields = Fields(object)
    switch object["role"]?.stringValue {
    case "system", "developer": return nil
    case "user": return Message(role: .user, content: try text(fields["content"], at: place))
    case "assistant":
      guard fields["tool_calls"]?.arrayValue?.isEmpty ?? (fields["tool_calls"] == nil), fields["function_call"] == nil
      else {
        throw Refusal.unsupported("messages", "\(place): characters use no tools")
      }
      guard let content = fields["content"] else { return nil }  // an answer that never came
      return Message(role: .assistant, content: try text(content, at: place))
    case "tool", "function": throw Refusal.unsupported("messages", "\(place): characters use no tools")
    default: throw Refusal.wrong("messages", "\(place).role: wanted system, developer, user or assistant")
    }
  }

  /// A string, or the texts of an array of parts, one after the other.
  private static func text(_ content: JSONValue?, at place: String) throws -> String {
    if let text = content?.stringValue { return text }
    guard let parts = content?.arrayValue else {
      throw Refusal.wrong("messages", "\(place).content: wanted a string or an array of text parts")
    }
    return try parts.enumerated().map { index, part in
      let part = part.objectValue
      guard part?["type"]?.stringValue == "text", let text = part?["text"]?.stringValue else {
        throw Refusal.unsupported("messages", "\(place).content[\(index)]: characters read text alone")
      }
      return text
    }.joined()
  }
}

/// The members of a JSON object by name; null counts as absent.
private struct Fields {
  private let object: JSONObject
  init(_ object: JSONObject) { self.object = object }

  subscript(name: String) -> JSONValue? { object[name].flatMap { $0 == .null ? nil : $0 } }

  private func read<Value>(_ name: String, _ wanted: String, _ convert: (JSONValue) -> Value?) throws -> Value? {
    guard let value = self[name] else { return nil }
    guard let converted = convert(value) else { throw Refusal.wrong(name, "\(name): wanted \(wanted)") }
    return converted
  }

  func string(_ name: String) throws -> String? { try read(name, "a string") { $0.stringValue } }
  func bool(_ name: String) throws -> Bool? { try read(name, "true or false") { $0.boolValue } }
  func integer(_ name: String) throws -> Int? { try read(name, "an integer") { $0.integerValue } }
  func object(_ name: String) throws -> JSONObject? { try read(name, "an object") { $0.objectValue } }
  func array(_ name: String) throws -> [JSONValue]? { try read(name, "an array") { $0.arrayValue } }

  func required<Value>(_ name: String, _ value: Value?) throws -> Value {
    guard let value else { throw Refusal.wrong(name, "\(name): missing") }
    return value
  }
}

extension Refusal {
  /// A field that is not what it should be.
  fileprivate static func wrong(_ parameter: String, _ message: String) -> Refusal {
    Refusal(status: .badRequest, code: "INVALID_VALUE", message: message, parameter: parameter)
  }

  /// A wish that no character can fulfil.
  fileprivate static func unsupported(_ parameter: String, _ message: String) -> Refusal {
    Refusal(status: .badRequest, code: "UNSUPPORTED_VALUE", message: message, parameter: parameter)
  }
}
