// The name of a conversation, checked once at the edge.

/// What a session is called: 1 to 128 of the letters A to Z and a to z, digits, dots, underscores and hyphens, but not `.` or `..`: no
/// address can name these (RFC 3986 §6.2.2.3). It is never a path.
public struct SessionID: Sendable, Hashable, CustomStringConvertible {
  /// As it was given.
  public let text: String

  static let limitCharacters = 128
  /// What is wanted, for messages.
  public static let wanted = "1 to \(limitCharacters) of A-Z a-z 0-9 . _ -, but not . or .."

  /// Nil for a name that is none.
  public init?(_ text: String) {
    guard text != ".", text != ".." else { return nil }
    self.init(stored: text)
  }

  /// A name as it stands in a database: older ones may hold the two that are none any more.
  init?(stored text: String) {
    guard (1...Self.limitCharacters).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
    self.text = text
  }

  public var description: String { text }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
