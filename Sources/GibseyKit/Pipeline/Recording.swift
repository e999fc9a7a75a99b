// What went over the wire, as lines: who was asked, and each block of the answer with the time at which it came.

/// One line of a recording (gibsey-ask(1)).
///
///     {"exchange":1,"ms":0,"request":{"method":"POST","url":"http://…/api/chat","headers":["content-type: …"]}}
///     {"exchange":1,"ms":182,"response":{"status":200,"headers":["content-type: application/x-ndjson"]}}
///     {"exchange":1,"ms":183,"text":"{\"model\":…"}       bytes that are not UTF-8 by themselves are "base64"
///     {"exchange":1,"ms":190,"end":true}                  or "failure":{"kind":"cut","reason":"…"}
public struct RecordingLine: Sendable, Equatable {
  /// What happened.
  public enum Event: Sendable, Equatable {
    case request(method: String, url: String, headers: [HTTPHeader])
    case response(HTTPHead)
    case block([UInt8])
    case end
    case failure(TransportFailure)
  }

  /// Counts the requests of a recording from 1; the lines of several may mix.
  public let exchange: Int
  /// Since the request was sent.
  public let milliseconds: Double
  public let event: Event

  public init(exchange: Int, milliseconds: Double, event: Event) {
    self.exchange = exchange
    self.milliseconds = milliseconds
    self.event = event
  }

  /// The line with its line feed.
  func encoded() -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("exchange", exchange)
      writer.member("ms", (milliseconds * 10).rounded() / 10)
      switch event {
      case .request(let method, let url, let headers):
        writer.key("request")
        writer.object { writer in
          writer.member("method", method)
          writer.member("url", url)
          writer.member("headers", headers.map { "\($0.name): \($0.value)" })
        }
      case .response(let head):
        writer.key("response")
        writer.object { writer in
          writer.member("status", head.status)
          writer.member("headers", head.headers.map { "\($0.name): \($0.value)" })
        }
      case .block(let bytes):
        if let text = String(validating: bytes, as: UTF8.self) {
          writer.member("text", text)
        } else {
          writer.member("base64", Base64.encoded(bytes))
        }
      case .end: writer.member("end", true)
      case .failure(let failure):
        writer.key("failure")
        writer.object { failure.write(to: &$0) }
      }
    }
    return writer.bytes + [0x0A]
  }

  /// - Throws: `RecordProblem`.
  init(_ line: [UInt8]) throws {
    guard let object = try? JSONScanner.scan(line, { try $0.value() }).objectValue else {
      throw RecordProblem("not a line of a recording: no JSON object")
    }
    guard let exchange = object["exchange"]?.integerValue, let milliseconds = object["ms"]?.doubleValue,
      (0...86_400_000).contains(milliseconds), let event = Self.event(of: object)
    else {
      throw RecordProblem("not a line of a recording: wanted exchange, ms, and what happened")
    }
    self.init(exchange: exchange, milliseconds: milliseconds, event: event)
  }

  private static func event(of object: JSONObject) -> Event? {
    if let text = object["text"]?.stringValue { return .block(Array(text.utf8)) }
    if let text = object["base64"]?.stringValue { return Base64.decoded(Array(text.utf8)).map { .block($0) } }
    if object["end"] == .bool(true) { return .end }
    if let request = object["request"]?.objectValue, let url = request["url"]?.stringValue {
      return .request(method: request["method"]?.stringValue ?? "POST", url: url, headers: headers(of: request))
    }
    if let response = object["response"]?.objectValue, let status = response["status"]?.integerValue {
      return .response(HTTPHead(status: status, headers: headers(of: response)))
    }
    return (object["failure"]?.objectValue).flatMap { TransportFailure($0) }.map { .failure($0) }
  }

  private static func headers(of object: JSONObject) -> [HTTPHeader] {
    (object["headers"]?.arrayValue ?? []).compactMap(\.stringValue).map { line in
      let name = line.prefix { $0 != ":" }
      return HTTPHeader(String(name), String(line[name.endIndex...].dropFirst().drop { $0 == " " }))
    }
  }
}

extension TransportFailure {
  fileprivate func write(to writer: inout JSONWriter) {
    func member(_ kind: String, _ reason: String) {
      writer.member("kind", kind)
      writer.member("reason", reason)
    }
    switch self {
    case .badRequest(let reason): member("bad_request", reason)
    case .unknownHost(let reason): member("unknown_host", reason)
    case .refused(let reason): member("refused", reason)
    case .unreachable(let reason): member("unreachable", reason)
    case .untrusted(let reason): member("untrusted", reason)
    case .cut(let reason): member("cut", reason)
    case .obstructed(let reason, let hint, let mayPass):
      member("obstructed", reason)
      writer.member("hint", hint)
      writer.member("may_pass", mayPass)
    case .timedOut(let wait, let duration):
      writer.member("kind", "timed_out")
      writer.member("waited_for", wait.word)
      writer.member("seconds", duration / .seconds(1))
    case .headersTooLong(let limit):
      writer.member("kind", "headers_too_long")
      writer.member("limit_bytes", limit)
    }
  }

  fileprivate init?(_ object: JSONObject) {
    let reason = object["reason"]?.stringValue ?? ""
    switch object["kind"]?.stringValue {
    case "bad_request": self = .badRequest(reason: reason)
    case "unknown_host": self = .unknownHost(reason: reason)
    case "refused": self = .refused(reason: reason)
    case "unreachable": self = .unreachable(reason: reason)
    case "untrusted": self = .untrusted(reason: reason)
    case "cut": self = .cut(reason: reason)
    case "obstructed":
      self = .obstructed(
        reason: reason, hint: object["hint"]?.stringValue ?? "", mayPass: object["may_pass"] == .bool(true))
    case "timed_out":
      guard let wait = Wait.allCases.first(where: { $0.word == object["waited_for"]?.stringValue }),
        let seconds = object["seconds"]?.doubleValue, (0...86_400).contains(seconds)
      else { return nil }
      self = .timedOut(wait, .seconds(seconds))
    case "headers_too_long": self = .headersTooLong(limitBytes: object["limit_bytes"]?.integerValue ?? 0)
    default: return nil
    }
  }
}

extension TransportFailure.Wait {
  fileprivate static var allCases: [Self] { [.connection, .firstByte, .nextByte, .end] }

  fileprivate var word: String {
    switch self {
    case .connection: "connection"
    case .firstByte: "first_byte"
    case .nextByte: "next_byte"
    case .end: "end"
    }
  }
}
