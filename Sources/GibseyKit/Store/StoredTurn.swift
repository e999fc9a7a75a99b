// What a database keeps of conversations: sessions, and their turns.

/// A conversation of one reader, with whatever characters.
public struct StoredSession: Sendable, Equatable {
  public let id: SessionID
  /// The name of the token that first used it; nil where there are no tokens.
  public let owner: String?
  /// UTC, as in `2026-11-25T09:32:20.776166Z`.
  public let madeAt: String
  public let seenAt: String
  /// The character that was spoken with last; nil for the narrator, and before the first turn.
  public let characterID: String?
  /// The page that the reader was on last; nil when none was ever named.
  public let pageID: String?
  /// The furthest place in the reading order that the reader was at; of reading alone it only grows. Where their page is gone and
  /// nothing before it is left, it is before all that is, down to 0.
  public let furthestPageIndex: Int?
  /// Turns that were ever begun.
  public let turns: Int
  /// The page that stands at the furthest place; it may be another than the reader was on, where that is gone. One that is not
  /// there any more has nothing before it.
  public let furthestPageID: String?
}

/// A question and its answer.
public struct StoredTurn: Sendable, Equatable {
  /// How the answer ended.
  public enum Outcome: String, Sendable, CaseIterable {
    case complete
    /// Cancelled, killed, or still being made.
    case interrupted
    case failed
  }

  /// A number of this file, given once: the turns of a forgotten session leave theirs to nobody.
  public let id: Int
  /// The turn that it follows; nil for the first of a conversation.
  public let parent: Int?
  public let sessionID: SessionID
  /// Nil for the narrator.
  public let characterID: String?
  public let question: String
  /// What there was of it; empty when nothing came.
  public let answer: String
  public let outcome: Outcome
  /// The furthest place in the reading order of its reader and of whatever was in its prompt; nil when nothing of the book was,
  /// and `TurnSources.unknownPlace` when it cannot be known how far something was.
  public let furthestPageIndex: Int?
  public let promptID: String
  /// UTC, when the question was asked.
  public let madeAt: String
}

/// A turn as it is before its answer is there.
public struct TurnToKeep: Sendable {
  public var sessionID: SessionID
  /// The token name of who asks; nil is not asked for any.
  public var owner: String?
  /// What it follows.
  public var parent: TurnParent
  /// Nil for the narrator.
  public var characterID: String?
  public var question: String
  public var promptID: String
  /// What was in its prompt, of which it remembers the furthest place.
  public var sources: TurnSources
  /// The page that the reader was on when they asked: the session moves there, unless they have gone elsewhere since.
  public var pageID: String?
  /// Whether the reader is still there, asked when the turn is written: a question may have waited for others.
  public var isReaderThere: @Sendable () -> Bool = { true }

  public init(
    sessionID: SessionID, owner: String? = nil, parent: TurnParent, characterID: String?, question: String,
    promptID: String, sources: TurnSources = TurnSources(), pageID: String? = nil
  ) {
    self.sessionID = sessionID
    self.owner = owner
    self.parent = parent
    self.characterID = characterID
    self.question = question
    self.promptID = promptID
    self.sources = sources
    self.pageID = pageID
  }
}

/// A turn that was begun: whoever holds it writes its answer.
public struct OpenTurn: Sendable, Equatable {
  public let id: Int
  public let sessionID: SessionID
  /// The turn that it follows.
  public let parent: Int?
  /// The file that it is in; nil while whoever keeps it has not said.
  var file: FileIdentity? = nil
}
