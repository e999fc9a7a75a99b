// What a web page says, for a sentence: proxies and portals answer with pages where JSON was wanted.

/// The words of a page: without tags, comments, styles and scripts.
enum PageWords {
  /// What stands for a character that would be markup; `&amp;` last, for it may begin another.
  private static let entities = [
    ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&"),
  ]

  /// Whether a body is a page, whatever it is called.
  static func isPage(_ body: [UInt8]) -> Bool {
    let start = body.drop { $0 <= 0x20 }.prefix(2)
    guard start.first == UInt8(ascii: "<"), let second = start.last else { return false }
    return isTagStart(Character(UnicodeScalar(second)))
  }

  /// The text of a page; where a tag was is white space.
  static func words(_ page: String) -> String {
    var words = ""
    var rest = page[...]
    while let open = rest.firstIndex(of: "<") {
      words += rest[..<open]
      let tag = rest[rest.index(after: open)...]
      guard let first = tag.first, isTagStart(first) else {
        words += "<"
        rest = tag
        continue
      }
      words += " "
      rest = afterTag(tag)
    }
    words += rest
    for (entity, text) in entities { words = words.replacing(entity, with: text) }
    return words
  }

  private static func isTagStart(_ character: Character) -> Bool {
    character.isASCII && character.isLetter || "/!?".contains(character)
  }

  /// What follows a tag, and the whole element where that is no text.
  private static func afterTag(_ tag: Substring) -> Substring {
    let end = tag.hasPrefix("!--") ? "-->" : ">"
    guard let close = tag.firstRange(of: end) else { return "" }
    let rest = tag[close.upperBound...]
    let name = tag.prefix { $0.isLetter }.lowercased()
    guard name == "style" || name == "script", let last = rest.firstRange(of: "</\(name)") else { return rest }
    return rest[last.lowerBound...]
  }
}
