// What a question follows in a conversation.

/// The turn that a new one stands behind.
public enum TurnParent: Sendable, Equatable {
  /// The newest of the session with this character, if there is one.
  case newest
  /// That one; nil for none: the turn is the first of a branch.
  case turn(Int?)
}
