// What routes read of a request: fields of the query that are known, the reader's place, a body that is JSON.
import GibseyKit
import NIOHTTP1

extension Query {
  /// Makes sure that nothing else is there: what is misspelt must not be taken for what was not said.
  /// - Throws: `Refusal.badRequest` for a field that is not among the names, and for one that is there twice.
  func allow(_ names: String...) throws {
    var seen: Set<String> = []
    for (name, _) in fields {
      guard names.contains(name) else {
        let wanted = names.isEmpty ? "no parameters" : names.joined(separator: ", ")
        throw Refusal.badRequest("unknown parameter \(name.prefix(64)): wanted \(wanted)")
      }
      guard seen.insert(name).inserted else { throw Refusal.badRequest("\(name): given twice") }
    }
  }

  /// A field that is not empty; nil when there is none.
  /// - Throws: `Refusal.badRequest` for an empty one.
  func text(_ name: String) throws -> String? {
    guard let value = self[name] else { return nil }
    guard !value.isEmpty else { throw Refusal.badRequest("\(name): empty") }
    return value
  }

  /// A field that is `true` or `false`.
  /// - Throws: `Refusal.badRequest` for anything else.
  func flag(_ name: String) throws -> Bool? {
    guard let value = self[name] else { return nil }
    guard ["true", "false", "1", "0"].contains(value) else {
      throw Refusal.badRequest("\(name): wanted 1 or 0, true or false")
    }
    return isSet(name)
  }

  /// A field that names a session.
  /// - Throws: `Refusal.badRequest` for what can be no name.
  func session(_ name: String) throws -> SessionID? { try self[name].map { try SessionID(of: $0, named: name) } }
}

extension SessionID {
  /// - Throws: `Refusal.badRequest` for what can be no name of a session.
  init(of text: String, named name: String) throws {
    guard let id = SessionID(text) else {
      throw Refusal.badRequest("\(name): wanted \(SessionID.wanted)")
    }
    self = id
  }
}

extension Request {
  /// The names of the fields that say where a reader is.
  static let readerFields = ["page", "page_index", "session"]

  /// Who reads, and how far: `page`, `page_index` or `session` of the query.
  /// - Throws: `Refusal.badRequest`.
  func reader() throws -> Browsing.Reader {
    let (page, index) = (try query.text("page"), try query.integer("page_index", in: 1...Int(Int32.max)))
    guard page == nil || index == nil else { throw Refusal.badRequest("page and page_index exclude each other") }
    return Browsing.Reader(
      pageID: page, pageIndex: index, sessionID: try query.session("session"), owner: identity.name)
  }

  /// The body, which must be called JSON: a page of somebody else cannot send that unasked.
  /// - Throws: `Refusal` with 415 or 400.
  func json() throws -> [UInt8] {
    let type = header("content-type")?.split(separator: ";").first?.lowercased().filter { $0 != " " }
    guard let type, ["application/json", "application/x-ndjson"].contains(type) || type.hasSuffix("+json") else {
      throw Refusal.notJSON
    }
    let encodings = headers[canonicalForm: "content-encoding"].filter { $0.lowercased() != "identity" }
    guard encodings.isEmpty else { throw Refusal.encoded }
    guard body.contains(where: { $0 > 0x20 }) else { throw Refusal.badRequest("the body is empty: wanted JSON") }
    return body
  }

  /// The question in the body: an `ai_chat_request`, whole or bare. What is the server's business is not the client's to say:
  /// its `history` and `options` count for nothing.
  /// - Parameter prompt: what is asked when the body is an object without anything to ask.
  /// - Throws: `Refusal`.
  func question(prompt: String? = nil) throws -> ChatRequest {
    let record: Record
    do {
      var body = try json()
      if let prompt, case .object(var object) = try JSONValue(parsing: body), object["type"] == nil {
        object["prompt"] = object["prompt"] ?? .string(prompt)
        body = Array(JSONValue.object(object).text.utf8)
      }
      record = try RecordCoder.decode(body, bare: .chatRequest, passingOver: ["history", "options"])
    } catch let problem as RecordProblem {
      throw Refusal(status: .badRequest, code: "MALFORMED_RECORD", message: problem.reason)
    }
    guard case .chatRequest(let request) = record else {
      throw Refusal.badRequest("wanted an ai_chat_request, got a record of type \(record.type.prefix(64))")
    }
    return request
  }
}

extension Refusal {
  static let notJSON = Refusal(
    status: .unsupportedMediaType, code: "NOT_JSON", message: "wanted a body with Content-Type: application/json",
    headers: ["accept": "application/json"])
  static let encoded = Refusal(
    status: .unsupportedMediaType, code: "ENCODED", message: "wanted a body without Content-Encoding")
}
