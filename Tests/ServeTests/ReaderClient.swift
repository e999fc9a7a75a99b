// A reader at a socket: says records, hears records.

@testable import GibseyKit
@testable import gibsey_serve

/// One socket of a session, opened.
struct ReaderClient {
  let raw: RawClient
  /// What it was greeted with.
  let greeting: String

  init(_ server: TestServer, _ session: String = "s1", query: String = "", extra: String = "") throws {
    try self.init(port: server.port, session, query: query, extra: extra)
  }

  init(port: Int, _ session: String = "s1", query: String = "", extra: String = "") throws {
    raw = try RawClient(port: port)
    let response = try raw.upgrade("/ws/\(session)\(query)", port: port, extra: extra)
    guard response.status == 101 else { throw RawClient.Failure(what: "no WebSocket: \(response.status)") }
    greeting = try raw.hear().text
  }

  func say(_ type: String, _ data: String) throws { try raw.say("{\"type\":\"\(type)\",\"data\":\(data)}") }

  func ask(_ prompt: String, requestID: String? = nil, page: String? = nil) throws {
    var data = JSONObject()
    data["prompt"] = .string(prompt)
    if let page { data["current_page_id"] = .string(page) }
    if let requestID { data["request_id"] = .string(requestID) }
    try say("ai_chat_request", JSONValue.object(data).text)
  }

  func hear() throws -> Record {
    while true {
      let frame = try raw.hear()
      if frame.first == 0x89 { continue }
      guard frame.first == 0x81 else { throw RawClient.Failure(what: "heard \(frame)") }
      return try RecordCoder.decode(frame.payload)
    }
  }

  /// Whether the next that is heard is the answer to a ping: nothing was said before.
  func isQuiet() throws -> Bool {
    try say("ping", "{\"timestamp\":1}")
    return try hearText() == #"{"type":"pong","data":{"timestamp":1}}"#
  }

  /// The next that is said; where a machine is slow, the silence before it had its pings.
  func hearText() throws -> String {
    while true {
      let frame = try raw.hear()
      if frame.first != 0x89 { return frame.text }
    }
  }

  /// The next record, which must be of an answer.
  func hearStream() throws -> ResponseStream {
    let record = try hear()
    guard case .responseStream(let stream) = record else { throw RawClient.Failure(what: "heard \(record)") }
    return stream
  }

  func hearError() throws -> ErrorRecord {
    let record = try hear()
    guard case .error(let error) = record else { throw RawClient.Failure(what: "heard \(record)") }
    return error
  }

  /// A whole answer: its tokens, and its end. Its numbers must be without a gap.
  func hearAnswer() throws -> (tokens: [String], end: ResponseStream) { try hearRest(after: []) }

  /// The rest of an answer of which some records were heard.
  func hearRest(after heard: [String]) throws -> (tokens: [String], end: ResponseStream) {
    var tokens = heard
    while true {
      let stream = try hearStream()
      guard stream.seq == tokens.count else { throw RawClient.Failure(what: "seq \(stream.seq) after \(tokens.count)") }
      if stream.isComplete { return (tokens, stream) }
      tokens.append(stream.token)
    }
  }
}
