// What a reader asks.

/// One message of a conversation.
public struct Message: RecordData {
  public enum Role: String, Sendable { case system, user, assistant }

  public var role: Role
  public var content: String

  public init(role: Role, content: String) {
    self.role = role
    self.content = content
  }

  public init(_ fields: RecordFields) throws {
    let name = try fields.string("role")
    guard let role = Role(rawValue: name) else { throw RecordProblem("role: unknown \(name)") }
    self.role = role
    content = try fields.string("content")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("role", role.rawValue)
    writer.member("content", content)
  }
}

/// What a request may choose for itself; nil leaves it to the settings.
public struct RequestOptions: RecordData {
  public var provider: String?
  public var model: String?
  public var temperature: Double?
  public var maxTokens: Int?
  public var budgetTokens: Int?
  public var knowledge: Knowledge?

  /// No provider takes a higher one.
  static let highestTemperature = 2.0

  public init(
    provider: String? = nil, model: String? = nil, temperature: Double? = nil, maxTokens: Int? = nil,
    budgetTokens: Int? = nil, knowledge: Knowledge? = nil
  ) {
    self.knowledge = knowledge
    self.provider = provider
    self.model = model
    self.temperature = temperature
    self.maxTokens = maxTokens
    self.budgetTokens = budgetTokens
  }

  public init(_ fields: RecordFields) throws {
    provider = try fields.optionalString("provider")
    model = try fields.optionalString("model")
    temperature = try fields.optionalDouble("temperature")
    maxTokens = try fields.optionalInteger("max_tokens")
    budgetTokens = try fields.optionalInteger("budget")
    knowledge = try fields.optionalString("knowledge").map { name in
      guard let knowledge = Knowledge(rawValue: name) else {
        throw RecordProblem("knowledge: wanted reader, own or mentioned")
      }
      return knowledge
    }
    if let maxTokens, maxTokens < 1 { throw RecordProblem("max_tokens: wanted 1 or more") }
    if let budgetTokens, budgetTokens < 1 { throw RecordProblem("budget: wanted 1 or more") }
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("provider", provider)
    writer.member("model", model)
    writer.member("temperature", temperature)
    writer.member("max_tokens", maxTokens)
    writer.member("budget", budgetTokens)
    writer.member("knowledge", knowledge?.rawValue)
  }
}

/// A record of type `ai_chat_request`: a question, to whom, and from which page.
public struct ChatRequest: RecordData {
  public var prompt: String
  public var characterID: String?
  public var currentPageID: String?
  /// The name of a conversation; see `SessionID`.
  public var sessionID: String?
  /// What it follows in that conversation. In the record `parent_turn`, where 0 follows nothing.
  public var parent: TurnParent
  /// The turn that is to be answered again, which a scene ends before; no part of the record.
  public var retriedTurn: Int?
  public var requestID: String?
  /// Oldest first; roles user and assistant.
  public var history: [Message]
  public var options: RequestOptions?
  /// The question's vector, where somebody made it already with the model that made the pages'.
  public var vector: [Float]?

  public init(
    prompt: String, characterID: String? = nil, currentPageID: String? = nil, sessionID: String? = nil,
    parent: TurnParent = .newest, requestID: String? = nil, history: [Message] = [], options: RequestOptions? = nil,
    vector: [Float]? = nil
  ) {
    self.prompt = prompt
    self.characterID = characterID
    self.currentPageID = currentPageID
    self.sessionID = sessionID
    self.parent = parent
    self.requestID = requestID
    self.history = history
    self.options = options
    self.vector = vector
  }

  public init(_ fields: RecordFields) throws {
    prompt = try fields.string("prompt")
    characterID = try fields.optionalString("character_id")
    currentPageID = try fields.optionalString("current_page_id")
    sessionID = try fields.optionalString("session_id")
    switch try fields.optionalInteger("parent_turn") {
    case nil: parent = .newest
    case 0: parent = .turn(nil)
    case let turn: parent = .turn(turn)
    }
    requestID = try fields.requestID()
    history = try fields.list("history") { try Message($0) }
    options = try fields.optionalObject("options").map { try RequestOptions(RecordFields($0)) }
    vector = try fields.optionalVector("vector")
    if let sessionID, SessionID(sessionID) == nil { throw RecordProblem("session_id: wanted \(SessionID.wanted)") }
    if history.contains(where: { $0.role == .system }) {
      throw RecordProblem("history: wanted the roles user and assistant")
    }
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("prompt", prompt)
    writer.member("character_id", characterID)
    writer.member("current_page_id", currentPageID)
    writer.member("session_id", sessionID)
    if case .turn(let turn) = parent { writer.member("parent_turn", turn ?? 0) }
    writer.member("request_id", requestID)
    if !history.isEmpty {
      writer.key("history")
      writer.array(history) { writer, message in writer.object { message.write(to: &$0) } }
    }
    if let options {
      writer.key("options")
      writer.object { options.write(to: &$0) }
    }
    writer.member("vector", vector: vector)
  }
}
