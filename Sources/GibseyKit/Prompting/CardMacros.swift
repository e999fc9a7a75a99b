// The macros of character cards.

/// Puts names in the place of `{{char}}` and `{{user}}`, in whatever case, and of their old forms `<BOT>`, `<CHAR>` and
/// `<USER>`. `{{original}}` becomes nothing: what it stands for is said anyway. Others stay as they are. What was put in is
/// not looked at again, so a name that is a macro ends nothing and expands nothing.
struct CardMacros: Sendable {
  let character: String
  let user: String

  /// Whom a character speaks with: a name, as the authors of cards expect it.
  static let reader = "Reader"
  /// No macro that we know is longer.
  private static let lengthLimit = 16

  func expanded(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "<") }) else { return text }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var place = 0
    while place < bytes.count {
      if let (end, value) = macro(bytes, at: place) {
        result.append(contentsOf: value.utf8)
        place = end
      } else {
        result.append(bytes[place])
        place += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Where the macro that begins there ends, and what it stands for.
  private func macro(_ bytes: [UInt8], at place: Int) -> (end: Int, value: String)? {
    if bytes[place...].starts(with: "{{".utf8) {
      let rest = bytes[(place + 2)...].prefix(Self.lengthLimit)
      guard let length = rest.indices.first(where: { rest[$0...].starts(with: "}}".utf8) }) else { return nil }
      let name = String(decoding: bytes[(place + 2)..<length], as: UTF8.self)
      switch PageText.trimmed(Substring(name)).lowercased() {
      case "char": return (length + 2, character)
      case "user": return (length + 2, user)
      case "original": return (length + 2, "")
      default: return nil
      }
    }
    guard bytes[place] == UInt8(ascii: "<") else { return nil }
    let rest = bytes[place...].prefix(6)
    for (tag, value) in [("<user>", user), ("<char>", character), ("<bot>", character)]
    where rest.count >= tag.utf8.count && zip(rest, tag.utf8).allSatisfy({ $0 == $1 || $0 | 0x20 == $1 }) {
      return (place + tag.utf8.count, value)
    }
    return nil
  }
}
