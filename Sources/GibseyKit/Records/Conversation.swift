// Conversations as records: what gibsey-index lists, finds and exports.

/// A record of type `session`.
public struct SessionListing: RecordData {
  /// Its name.
  public var id: String
  public var turns: Int
  /// The character spoken with last; nil for the narrator.
  public var characterID: String?
  public var pageID: String?
  public var furthestPageIndex: Int?
  public var owner: String?
  public var madeAt: String
  public var seenAt: String

  public init(
    id: String, turns: Int, characterID: String?, pageID: String?, furthestPageIndex: Int?, owner: String?,
    madeAt: String, seenAt: String
  ) {
    self.id = id
    self.turns = turns
    self.characterID = characterID
    self.pageID = pageID
    self.furthestPageIndex = furthestPageIndex
    self.owner = owner
    self.madeAt = madeAt
    self.seenAt = seenAt
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.string("id")
    turns = try fields.integer("turns")
    characterID = try fields.optionalString("character_id")
    pageID = try fields.optionalString("page_id")
    furthestPageIndex = try fields.optionalInteger("furthest_page_index")
    owner = try fields.optionalString("owner")
    madeAt = try fields.string("made_at")
    seenAt = try fields.string("seen_at")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("turns", turns)
    writer.member("character_id", characterID)
    writer.member("page_id", pageID)
    writer.member("furthest_page_index", furthestPageIndex)
    writer.member("owner", owner)
    writer.member("made_at", madeAt)
    writer.member("seen_at", seenAt)
  }
}

/// A record of type `turn`.
public struct TurnRecord: RecordData {
  public var sessionID: String
  /// Its number.
  public var id: Int
  /// The number of the turn that it follows; nil for the first of a branch.
  public var parent: Int?
  public var characterID: String?
  public var question: String
  public var answer: String
  /// `complete`, `interrupted` or `failed`.
  public var outcome: String
  public var furthestPageIndex: Int?
  public var promptID: String
  public var madeAt: String

  public init(
    sessionID: String, id: Int, parent: Int?, characterID: String?, question: String, answer: String, outcome: String,
    furthestPageIndex: Int?, promptID: String, madeAt: String
  ) {
    self.sessionID = sessionID
    self.id = id
    self.parent = parent
    self.characterID = characterID
    self.question = question
    self.answer = answer
    self.outcome = outcome
    self.furthestPageIndex = furthestPageIndex
    self.promptID = promptID
    self.madeAt = madeAt
  }

  public init(_ fields: RecordFields) throws {
    sessionID = try fields.string("session_id")
    id = try fields.integer("turn")
    parent = try fields.optionalInteger("parent_turn")
    characterID = try fields.optionalString("character_id")
    question = try fields.string("question")
    answer = try fields.string("answer")
    outcome = try fields.string("outcome")
    furthestPageIndex = try fields.optionalInteger("furthest_page_index")
    promptID = try fields.string("prompt_id")
    madeAt = try fields.string("made_at")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("session_id", sessionID)
    writer.member("turn", id)
    writer.key("parent_turn")
    if let parent { writer.integer(parent) } else { writer.null() }
    writer.member("character_id", characterID)
    writer.member("question", question)
    writer.member("answer", answer)
    writer.member("outcome", outcome)
    writer.member("furthest_page_index", furthestPageIndex)
    writer.member("prompt_id", promptID)
    writer.member("made_at", madeAt)
  }
}
