// One record: {"type":…,"data":{…}}. The grammar's list of types is here and nowhere else.

/// Any record of the grammar; gibsey-json(5).
public enum Record: Sendable, Equatable {
  case page(Page)
  case pageIndexed(PageIndexed)
  case indexSummary(IndexSummary)
  case chatRequest(ChatRequest)
  case prompt(Prompt)
  case hit(Hit)
  case candidate(CandidateRecord)
  case evaluation(Evaluation)
  case character(CharacterListing)
  case session(SessionListing)
  case turn(TurnRecord)
  case responseStream(ResponseStream)
  case providerSwitched(ProviderSwitched)
  case askSummary(AskSummary)
  case providerStatus(ProviderStatus)
  case providerModel(ProviderModel)
  case error(ErrorRecord)
  case frame(FrameType, FrameData)
  /// A type that this version does not know: the line as it came, to be passed through unchanged.
  case unknown(type: String, line: String)

  /// The value of the record's `type`.
  public var type: String {
    switch self {
    case .page: "page"
    case .pageIndexed: "page_indexed"
    case .indexSummary: "index_summary"
    case .chatRequest: "ai_chat_request"
    case .prompt: "ai_prompt"
    case .hit: "hit"
    case .candidate: "candidate"
    case .evaluation: "evaluation"
    case .character: "character"
    case .session: "session"
    case .turn: "turn"
    case .responseStream: "ai_response_stream"
    case .providerSwitched: "provider_switched"
    case .askSummary: "ask_summary"
    case .providerStatus: "provider_status"
    case .providerModel: "provider_model"
    case .error: "error"
    case .frame(let type, _): type.rawValue
    case .unknown(let type, _): type
    }
  }

  /// A record of a known type from its data.
  init(type: String, data: JSONObject, line: @autoclosure () -> String) throws {
    let fields = RecordFields(data)
    switch type {
    case "page": self = .page(try Page(fields))
    case "page_indexed": self = .pageIndexed(try PageIndexed(fields))
    case "index_summary": self = .indexSummary(try IndexSummary(fields))
    case "ai_chat_request": self = .chatRequest(try ChatRequest(fields))
    case "ai_prompt": self = .prompt(try Prompt(fields))
    case "hit": self = .hit(try Hit(fields))
    case "candidate": self = .candidate(try CandidateRecord(fields))
    case "evaluation": self = .evaluation(try Evaluation(fields))
    case "character": self = .character(try CharacterListing(fields))
    case "session": self = .session(try SessionListing(fields))
    case "turn": self = .turn(try TurnRecord(fields))
    case "ai_response_stream": self = .responseStream(try ResponseStream(fields))
    case "provider_switched": self = .providerSwitched(try ProviderSwitched(fields))
    case "ask_summary": self = .askSummary(try AskSummary(fields))
    case "provider_status": self = .providerStatus(try ProviderStatus(fields))
    case "provider_model": self = .providerModel(try ProviderModel(fields))
    case "error": self = .error(try ErrorRecord(fields))
    default:
      if let frame = FrameType(rawValue: type) {
        self = .frame(frame, try frame.arranged(data))
      } else {
        self = .unknown(type: type, line: line())
      }
    }
  }

  /// The record's data, for writing; nil for what passes through as its line.
  var data: (any RecordData)? {
    switch self {
    case .page(let data): data
    case .pageIndexed(let data): data
    case .indexSummary(let data): data
    case .chatRequest(let data): data
    case .prompt(let data): data
    case .hit(let data): data
    case .candidate(let data): data
    case .evaluation(let data): data
    case .character(let data): data
    case .session(let data): data
    case .turn(let data): data
    case .responseStream(let data): data
    case .providerSwitched(let data): data
    case .askSummary(let data): data
    case .providerStatus(let data): data
    case .providerModel(let data): data
    case .error(let data): data
    case .frame(_, let data): data
    case .unknown: nil
    }
  }
}
