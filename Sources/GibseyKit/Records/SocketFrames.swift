// The frames that only the socket and the event log carry. They are kept as fields in the order of gibsey-json(5).

/// The data of a record whose fields are simple enough to be kept as they are: known names first, in their fixed order.
public struct FrameData: RecordData {
  /// The members, known ones in their fixed order.
  public var fields: JSONObject
  /// What of them is written as it came, letter for letter, by name.
  var verbatim: [String: String] = [:]

  public init(_ fields: RecordFields) throws { self.fields = fields.object }
  public init(_ fields: JSONObject) { self.fields = fields }
  public func write(to writer: inout JSONWriter) {
    for member in fields.members {
      writer.key(member.key)
      if let text = verbatim[member.key] { writer.verbatim(text) } else { writer.value(member.value) }
    }
  }
}

/// The frames' types, each with the fields that it must have and their order.
public enum FrameType: String, Sendable, CaseIterable {
  case connectionEstablished = "connection_established"
  case ping, pong
  case chatCancel = "ai_chat_cancel"
  case responseResume = "ai_response_resume"
  case pageNavigation = "page_navigation"
  case vaultUpdate = "vault_update"
  case promptSelection = "prompt_selection"
  case promptSelected = "prompt_selected"
  case pageUpdate = "page_update"
  case clusterEvent = "cluster_event"
  case event, evaluation

  /// The field names in writing order; `required` ones come with true.
  var fields: [(name: String, isRequired: Bool)] {
    switch self {
    case .connectionEstablished:
      [("session_id", true), ("timestamp", true), ("protocol", true), ("resumable", true)]
    case .ping, .pong: [("timestamp", false), ("request_id", false)]
    case .chatCancel: [("response_id", false), ("request_id", false)]
    case .responseResume: [("response_id", true), ("after_seq", true), ("request_id", false)]
    case .pageNavigation: [("page_index", false), ("page_id", false), ("request_id", false)]
    case .vaultUpdate: [("vault_data", true), ("timestamp", true), ("request_id", false)]
    case .promptSelection: [("prompt_id", true), ("request_id", false)]
    case .promptSelected: [("prompt_id", true), ("request_id", false)]
    case .pageUpdate: [("page_id", true), ("page_data", true), ("timestamp", true)]
    case .clusterEvent: [("event_type", true), ("event_data", true), ("timestamp", true)]
    case .event: [("name", true), ("timestamp", true)]
    case .evaluation: [("cases", true)]
    }
  }

  /// Puts the known fields in their order and the others, as they came, behind them.
  func arranged(_ object: JSONObject) throws -> FrameData {
    for name in ["request_id", "response_id"] where object[name]?.stringValue != nil {
      _ = try RecordFields(object).carriedBack(name)
    }
    var arranged = JSONObject()
    for field in fields {
      if let value = object[field.name] {
        arranged[field.name] = value
      } else if field.isRequired {
        throw RecordProblem("\(field.name): missing")
      }
    }
    if self == .event || self == .evaluation {
      for member in object.members { arranged[member.key] = member.value }
    }
    if self == .chatCancel || self == .pageNavigation, arranged.isEmpty {
      throw RecordProblem("wanted \(fields[0].name) or \(fields[1].name)")
    }
    return FrameData(arranged)
  }
}
