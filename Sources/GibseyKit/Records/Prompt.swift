// What a model is to read, and the account of what went into it.

/// A page in a prompt, and why it is there.
public struct PromptPage: RecordData {
  public var id: String
  public var title: String?
  public var score: Double
  public var tokens: Int
  public var reasons: JSONObject
  /// True when only paragraphs of the page are there.
  public var isExcerpt: Bool

  public init(
    id: String, title: String?, score: Double, tokens: Int, reasons: JSONObject, isExcerpt: Bool
  ) {
    self.id = id
    self.title = title
    self.score = score
    self.tokens = tokens
    self.reasons = reasons
    self.isExcerpt = isExcerpt
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.string("id")
    title = try fields.optionalString("title")
    score = try fields.double("score")
    tokens = try fields.integer("tokens")
    reasons = try fields.optionalObject("reasons") ?? JSONObject()
    isExcerpt = try fields.optionalBool("excerpt") ?? false
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("title", title)
    writer.member("score", score)
    writer.member("tokens", tokens)
    writer.member("reasons", reasons)
    writer.member("excerpt", isExcerpt)
  }
}

/// A passage of a page in a prompt, which shows how its character speaks.
public struct PromptSample: RecordData {
  /// The page that it is of.
  public var id: String
  public var tokens: Int

  public init(id: String, tokens: Int) {
    self.id = id
    self.tokens = tokens
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.string("id")
    tokens = try fields.integer("tokens")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("tokens", tokens)
  }
}

/// An entry of a card's lore in a prompt.
public struct PromptLoreEntry: RecordData {
  /// Its place in the book, from 0.
  public var id: String
  public var tokens: Int
  /// The page from which on it is known; nil for one that always is.
  public var knownFrom: String?

  public init(id: String, tokens: Int, knownFrom: String?) {
    self.id = id
    self.tokens = tokens
    self.knownFrom = knownFrom
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.string("id")
    tokens = try fields.integer("tokens")
    knownFrom = try fields.optionalString("known_from")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("tokens", tokens)
    writer.member("known_from", knownFrom)
  }
}

/// The budget and how it was spent, in estimated tokens. `total` includes what the chat template adds.
public struct TokenShares: RecordData {
  public var budget: Int
  public var total: Int
  public var persona: Int
  public var pages: Int
  public var history: Int
  public var query: Int
  /// Nil when there was none.
  public var lore: Int?
  /// Nil when there were none.
  public var samples: Int?

  public init(
    budget: Int, total: Int, persona: Int, pages: Int, history: Int, query: Int, lore: Int? = nil,
    samples: Int? = nil
  ) {
    self.lore = lore
    self.samples = samples
    self.budget = budget
    self.total = total
    self.persona = persona
    self.pages = pages
    self.history = history
    self.query = query
  }

  public init(_ fields: RecordFields) throws {
    budget = try fields.integer("budget")
    total = try fields.integer("total")
    persona = try fields.integer("persona")
    pages = try fields.integer("pages")
    history = try fields.integer("history")
    query = try fields.integer("query")
    lore = try fields.optionalInteger("lore")
    samples = try fields.optionalInteger("samples")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("budget", budget)
    writer.member("total", total)
    writer.member("persona", persona)
    writer.member("pages", pages)
    writer.member("history", history)
    writer.member("query", query)
    writer.member("lore", lore)
    writer.member("samples", samples)
  }
}

/// A turn of the session that is in a prompt.
public struct PromptTurn: RecordData {
  /// Its number.
  public var id: Int
  public var tokens: Int
  /// True when it was found for the question and stands with the question, not among the messages.
  public var isRecalled: Bool

  public init(id: Int, tokens: Int, isRecalled: Bool) {
    self.id = id
    self.tokens = tokens
    self.isRecalled = isRecalled
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.integer("id")
    tokens = try fields.integer("tokens")
    isRecalled = try fields.optionalBool("recalled") ?? false
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("tokens", tokens)
    writer.member("recalled", isRecalled)
  }
}

/// An item that did not make it into the prompt. Only items that the reader may know of are named.
public struct LeftOut: RecordData {
  /// `page`, `sample`, `lore`, `turn` of the request's own history, `session_turn`, or several of those: `session_turns`.
  public var kind: String
  /// The page's id, or the turn's place in the given history or the entry's in its book, from 0; the number of a turn of the
  /// session, or the first and the last number of several, as in `3-96`.
  public var id: String
  public var reason: String
  public var tokens: Int?
  /// How many they are, where they are several.
  public var count: Int?

  public init(kind: String, id: String, reason: String, tokens: Int?, count: Int? = nil) {
    self.kind = kind
    self.id = id
    self.reason = reason
    self.tokens = tokens
    self.count = count
  }

  public init(_ fields: RecordFields) throws {
    kind = try fields.string("kind")
    id = try fields.string("id")
    reason = try fields.string("reason")
    tokens = try fields.optionalInteger("tokens")
    count = try fields.optionalInteger("count")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("kind", kind)
    writer.member("id", id)
    writer.member("reason", reason)
    writer.member("tokens", tokens)
    writer.member("count", count)
  }
}

/// A record of type `ai_prompt`. It has no clock and no random id: same input, same bytes.
public struct Prompt: RecordData {
  private let identity: PromptIdentity
  /// The question as it was asked.
  public var prompt: String
  public var characterID: String?
  public var messages: [Message]
  /// In reading order, as in the messages.
  public var pages: [PromptPage]
  /// How the character has spoken: passages of pages that are not in the prompt otherwise.
  public var samples: [PromptSample] = []
  /// What of the character's lore is in it, in the order in which it is told.
  public var lore: [PromptLoreEntry] = []
  /// Turns of the session that are in it, oldest first.
  public var turns: [PromptTurn] = []
  public var tokens: TokenShares?
  public var leftOut: [LeftOut]
  /// The page up to which the reader has read; nil when there is no gate.
  public var gatePageID: String?
  /// The page that the reader is on, where the gate does not tell it: the whole book may be searched.
  public var currentPageID: String?
  public var parentTurn: Int?
  public var requestID: String?
  public var sessionID: String?
  public var options: RequestOptions?

  public init(
    prompt: String, characterID: String? = nil, messages: [Message], pages: [PromptPage] = [],
    tokens: TokenShares? = nil, leftOut: [LeftOut] = [], gatePageID: String? = nil, parentTurn: Int? = nil,
    requestID: String? = nil, sessionID: String? = nil, options: RequestOptions? = nil
  ) {
    identity = PromptIdentity(of: messages)
    self.prompt = prompt
    self.characterID = characterID
    self.messages = messages
    self.pages = pages
    self.tokens = tokens
    self.leftOut = leftOut
    self.gatePageID = gatePageID
    self.parentTurn = parentTurn
    self.requestID = requestID
    self.sessionID = sessionID
    self.options = options
  }

  /// SHA-256 of the canonical messages that it was made with, in hexadecimal.
  public var promptID: String { identity.text }

  /// SHA-256 of the messages written canonically: compact JSON, `role` before `content`.
  public static func identifier(of messages: [Message]) -> String {
    var writer = JSONWriter()
    Self.write(messages, to: &writer)
    return SHA256.hexadecimal(of: writer.bytes)
  }

  public init(_ fields: RecordFields) throws {
    messages = try fields.list("messages") { try Message($0) }
    guard !messages.isEmpty else { throw RecordProblem("messages: missing") }
    // Not read: messages that were changed on their way here are another prompt.
    identity = PromptIdentity(of: messages)
    prompt = try fields.optionalString("prompt") ?? messages.last { $0.role == .user }?.content ?? ""
    characterID = try fields.optionalString("character_id")
    pages = try fields.list("pages") { try PromptPage($0) }
    samples = try fields.list("samples") { try PromptSample($0) }
    lore = try fields.list("lore") { try PromptLoreEntry($0) }
    turns = try fields.list("turns") { try PromptTurn($0) }
    tokens = try fields.optionalObject("tokens").map { try TokenShares(RecordFields($0)) }
    leftOut = try fields.list("left_out") { try LeftOut($0) }
    gatePageID = try fields.optionalObject("gate").flatMap { try RecordFields($0).optionalString("page_id") }
    currentPageID = try fields.optionalString("current_page_id")
    parentTurn = try fields.optionalInteger("parent_turn")
    requestID = try fields.requestID()
    sessionID = try fields.optionalString("session_id")
    options = try fields.optionalObject("options").map { try RequestOptions(RecordFields($0)) }
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("prompt_id", promptID)
    writer.member("prompt", prompt)
    writer.member("character_id", characterID)
    writer.key("messages")
    Self.write(messages, to: &writer)
    writer.key("pages")
    writer.array(pages) { writer, page in writer.object { page.write(to: &$0) } }
    if !samples.isEmpty {
      writer.key("samples")
      writer.array(samples) { writer, sample in writer.object { sample.write(to: &$0) } }
    }
    if !lore.isEmpty {
      writer.key("lore")
      writer.array(lore) { writer, entry in writer.object { entry.write(to: &$0) } }
    }
    if !turns.isEmpty {
      writer.key("turns")
      writer.array(turns) { writer, turn in writer.object { turn.write(to: &$0) } }
    }
    if let tokens {
      writer.key("tokens")
      writer.object { tokens.write(to: &$0) }
    }
    writer.key("left_out")
    writer.array(leftOut) { writer, item in writer.object { item.write(to: &$0) } }
    writer.key("gate")
    if let gatePageID { writer.object { $0.member("page_id", gatePageID) } } else { writer.null() }
    writer.member("current_page_id", currentPageID)
    writer.key("parent_turn")
    if let parentTurn { writer.integer(parentTurn) } else { writer.null() }
    writer.member("request_id", requestID)
    writer.member("session_id", sessionID)
    if let options {
      writer.key("options")
      writer.object { options.write(to: &$0) }
    }
  }

  private static func write(_ messages: [Message], to writer: inout JSONWriter) {
    writer.array(messages) { writer, message in writer.object { message.write(to: &$0) } }
  }
}

/// A record of type `hit`: a page found, with its score.
public struct Hit: RecordData {
  public var id: String
  public var title: String?
  public var characterID: String?
  public var pageIndex: Int
  public var score: Double
  public var reasons: JSONObject
  public var requestID: String?

  public init(
    id: String, title: String?, characterID: String?, pageIndex: Int, score: Double, reasons: JSONObject,
    requestID: String? = nil
  ) {
    self.id = id
    self.title = title
    self.characterID = characterID
    self.pageIndex = pageIndex
    self.score = score
    self.reasons = reasons
    self.requestID = requestID
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.string("id")
    title = try fields.optionalString("title")
    characterID = try fields.optionalString("character_id")
    pageIndex = try fields.integer("page_index")
    score = try fields.double("score")
    reasons = try fields.optionalObject("reasons") ?? JSONObject()
    requestID = try fields.requestID()
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("title", title)
    writer.member("character_id", characterID)
    writer.member("page_index", pageIndex)
    writer.member("score", score)
    writer.member("reasons", reasons)
    writer.member("request_id", requestID)
  }
}
