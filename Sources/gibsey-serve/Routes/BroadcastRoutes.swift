// Something said to everybody who is connected.
import GibseyKit
import NIOHTTP1

extension Route {
  /// To every socket a `cluster_event`; one whose reader is behind is passed over, and nobody waits for it.
  static let broadcast = Route(.POST, "/api/v1/broadcast") { request, service in
    try request.query.allow()
    guard request.identity.name != nil else { throw Refusal.tokensWanted }
    let (type, data) = try request.event()
    var fields = JSONObject()
    fields["event_type"] = .string(type)
    fields["event_data"] = .object(data)
    fields["timestamp"] = .string(service.now().text)
    let record = RecordCoder.frame(.frame(.clusterEvent, FrameData(fields)))
    guard record.count < RecordCoder.lineLimitBytes else { throw Refusal.recordTooLong }
    let frame = FrameWriter.frame(.text, record)
    let sockets = service.sessions.sockets
    let sent = sockets.count { $0.offerIfKeepingUp(frame) }
    return .story { writer in
      writer.member("sent", sent)
      writer.member("skipped", sockets.count - sent)
    }
  }
}

extension Request {
  /// What is to be said: `event_data`, and `event_type`, which is `broadcast` when it is not given; bare or as the record.
  fileprivate func event() throws -> (type: String, data: JSONObject) {
    let value: JSONValue
    do { value = try JSONValue(parsing: try json()) } catch let problem as RecordProblem {
      throw Refusal(status: .badRequest, code: "MALFORMED_RECORD", message: problem.reason)
    }
    let outer = value.objectValue
    let isRecord = outer?["type"]?.stringValue == FrameType.clusterEvent.rawValue
    let object = isRecord ? outer?["data"]?.objectValue : outer
    guard let data = object?["event_data"]?.objectValue else {
      throw Refusal.badRequest("event_data: wanted an object")
    }
    guard let given = object?["event_type"], given != .null else { return ("broadcast", data) }
    guard let type = given.stringValue, !type.isEmpty else { throw Refusal.badRequest("event_type: wanted a string") }
    return (type, data)
  }
}

extension Refusal {
  static let recordTooLong = Refusal(
    status: .payloadTooLarge, code: "BODY_TOO_LARGE",
    message: "the record would be longer than a line may be, which is \(RecordCoder.lineLimitBytes) bytes")

  static let tokensWanted = Refusal(
    status: .forbidden, code: "TOKENS_WANTED",
    message: "nobody can be known here who may do that: the server has no tokens; see --token-file")
}
