// The values of front matter: YAML's plain and quoted scalars, and flow lists of them.

/// Reads values that stand on one line.
enum FrontMatterScalar {
  static func value(_ text: Substring, _ number: Int) throws -> JSONValue {
    switch text.first {
    case "\"", "'":
      let (value, rest) = try quoted(text, number)
      guard rest.isEmpty || rest.hasPrefix("#") else {
        throw FrontMatter.Problem(line: number, reason: "text behind a quoted string")
      }
      return .string(value)
    case "{", "&", "*", "|", ">", "!", "@", "%", "`":
      throw FrontMatter.Problem(
        line: number, reason: "values that begin with \(text.prefix(1)) are not read")
    default: return plain(uncommented(text))
    }
  }

  /// "[a, 'b, c', 3]"
  static func flowList(_ text: Substring, _ number: Int) throws -> [JSONValue] {
    var elements: [JSONValue] = []
    var rest = PageText.trimmed(text.dropFirst())
    while !rest.hasPrefix("]") {
      if rest.first == "\"" || rest.first == "'" {
        let (value, behind) = try quoted(rest, number)
        elements.append(.string(value))
        rest = behind
      } else {
        let word = rest.prefix { $0 != "," && $0 != "]" }
        let words = PageText.trimmed(word)
        guard !words.isEmpty else {
          throw FrontMatter.Problem(line: number, reason: "wanted a value in a list")
        }
        guard words.first != "[" else {
          throw FrontMatter.Problem(line: number, reason: "nested values are not read")
        }
        elements.append(try value(words, number))
        rest = rest[word.endIndex...]
      }
      if rest.hasPrefix(",") {
        rest = PageText.trimmed(rest.dropFirst())
      } else if !rest.hasPrefix("]") {
        let reason = rest.isEmpty ? "a list without its end" : "wanted a comma in a list"
        throw FrontMatter.Problem(line: number, reason: reason)
      }
      if rest.isEmpty { throw FrontMatter.Problem(line: number, reason: "a list without its end") }
    }
    let behind = PageText.trimmed(rest.dropFirst())
    guard behind.isEmpty || behind.hasPrefix("#") else {
      throw FrontMatter.Problem(line: number, reason: "text behind a list")
    }
    return elements
  }

  /// The quoted string that the text begins with, and what follows it.
  private static func quoted(_ text: Substring, _ number: Int) throws -> (String, rest: Substring) {
    let quote = text.first
    var value = ""
    var index = text.index(after: text.startIndex)
    while index < text.endIndex {
      let character = text[index]
      let next = text.index(after: index)
      let isDoubled = quote == "'" && character == "'" && next < text.endIndex && text[next] == "'"
      let isEscape = quote == "\"" && character == "\\" && next < text.endIndex
      if isDoubled || isEscape {
        value.append(contentsOf: isDoubled ? "'" : text[index...next])
        index = text.index(after: next)
        continue
      }
      if character == quote {
        let plain = quote == "\"" ? try unescaped(value, number) : value
        return (plain, PageText.trimmed(text[next...]))
      }
      value.append(character)
      index = next
    }
    throw FrontMatter.Problem(line: number, reason: "a quote without its end")
  }

  /// A double-quoted string has JSON's escapes.
  private static func unescaped(_ value: String, _ number: Int) throws -> String {
    guard value.contains("\\") else { return value }
    let escaped = value.split(separator: "\t", omittingEmptySubsequences: false).joined(separator: "\\t")
    guard let plain = try? JSONScanner.scan("\"\(escaped)\"".utf8, { try $0.string() }) else {
      throw FrontMatter.Problem(line: number, reason: "a broken quoted string")
    }
    return plain
  }

  private static func plain(_ text: Substring) -> JSONValue {
    switch text {
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    case "null", "Null", "NULL", "~", "": return .null
    default:
      let number = try? JSONScanner.scan(text.utf8) { try $0.value() }
      if case .number? = number, let number { return number }
      return .string(String(text))
    }
  }

  /// Without its comment, which begins at a # after white space.
  static func uncommented(_ text: Substring) -> Substring {
    var previous: Character = "x"
    for index in text.indices {
      if text[index] == "#", previous.isWhitespace { return PageText.trimmed(text[..<index]) }
      previous = text[index]
    }
    return text
  }
}
