// The front matter of a Markdown file: the part of YAML that front matter uses.

/// Names and values between two lines of `---`.
struct FrontMatter {
  /// What is not read, and where.
  struct Problem: Error, Equatable {
    let line: Int
    let reason: String
  }

  private(set) var fields = JSONObject()

  /// The page that the front matter and a text make.
  /// - Throws: `Problem` when a field is of the wrong type.
  func page(text: String) throws -> Page {
    var fields = fields
    // YAML reads `id: 012` as a number; an id is what was written.
    for name in ["id", "title", "section", "character_id"] {
      if case .number(let number)? = fields[name] { fields[name] = .string(number.text) }
    }
    fields["text"] = .string(text)
    do { return try Page(RecordFields(fields)) } catch let problem as RecordProblem {
      throw Problem(line: 1, reason: problem.reason)
    }
  }

  /// Parts a text into its front matter, if it has one, and its body.
  static func parse(_ text: String) throws -> (FrontMatter, body: String) {
    var front = FrontMatter()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.first.map({ PageText.trimmed($0) }) == "---" else { return (front, text) }
    guard let end = lines.indices.dropFirst().first(where: { isEnd(lines[$0]) }) else {
      return (front, text)  // a thematic break, not front matter
    }
    var list: (name: String, elements: [JSONValue])?
    for index in 1..<end {
      let line = lines[index]
      let words = PageText.trimmed(line)
      if words.isEmpty || words.hasPrefix("#") { continue }
      if words == "-" || words.hasPrefix("- "), let open = list {
        list = (open.name, open.elements + [try scalar(PageText.trimmed(words.dropFirst()), index + 1)])
        continue
      }
      if let open = list { front.fields[open.name] = .array(open.elements) }
      list = nil
      let (name, value) = try member(line, index + 1)
      if value.isEmpty { list = (name, []) } else { front.fields[name] = try self.value(value, name, index + 1) }
    }
    if let open = list { front.fields[open.name] = open.elements.isEmpty ? .null : .array(open.elements) }
    return (front, lines[(end + 1)...].joined(separator: "\n"))
  }

  private static func isEnd(_ line: Substring) -> Bool {
    let words = PageText.trimmed(line)
    return words == "---" || words == "..."
  }

  private static func member(_ line: Substring, _ number: Int) throws -> (String, Substring) {
    guard line.first?.isWhitespace != true, let colon = line.firstIndex(of: ":") else {
      throw Problem(line: number, reason: "wanted \"name: value\"; nested values are not read")
    }
    let name = PageText.trimmed(line[..<colon])
    guard !name.isEmpty else { throw Problem(line: number, reason: "a name is missing") }
    return (String(name), PageText.trimmed(line[line.index(after: colon)...]))
  }

  private static func value(_ text: Substring, _ name: String, _ number: Int) throws -> JSONValue {
    guard text.hasPrefix("[") else {
      // An id keeps its leading zeros.
      let isName = ["id", "title", "section", "character_id"].contains(name)
      if isName, !text.hasPrefix("\""), !text.hasPrefix("'") { return .string(String(uncommented(text))) }
      return try scalar(text, number)
    }
    let plain = uncommented(text)
    guard plain.hasSuffix("]") else { throw Problem(line: number, reason: "a list without its end") }
    let elements = plain.dropFirst().dropLast().split(separator: ",")
    return .array(try elements.map { try scalar(PageText.trimmed($0), number) })
  }

  private static func scalar(_ text: Substring, _ number: Int) throws -> JSONValue {
    switch text.first {
    case "\"", "'": return .string(try quoted(text, number))
    case "{", "&", "*", "|", ">", "!":
      throw Problem(line: number, reason: "values that begin with \(text.prefix(1)) are not read")
    default: return plainScalar(uncommented(text))
    }
  }

  /// A quoted string; behind it there may be a comment and nothing else.
  private static func quoted(_ text: Substring, _ number: Int) throws -> String {
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
        let rest = PageText.trimmed(text[next...])
        guard rest.isEmpty || rest.hasPrefix("#") else {
          throw Problem(line: number, reason: "text behind a quoted string")
        }
        return try unescaped(value, isDouble: quote == "\"", number)
      }
      value.append(character)
      index = next
    }
    throw Problem(line: number, reason: "a quote without its end")
  }

  /// A double-quoted string has JSON's escapes.
  private static func unescaped(_ value: String, isDouble: Bool, _ number: Int) throws -> String {
    guard isDouble, value.contains("\\") else { return value }
    guard let plain = try? JSONScanner.scan("\"\(value)\"".utf8, { try $0.string() }) else {
      throw Problem(line: number, reason: "a broken quoted string")
    }
    return plain
  }

  private static func plainScalar(_ text: Substring) -> JSONValue {
    switch text {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null", "~", "": return .null
    default:
      let number = try? JSONScanner.scan(text.utf8) { try $0.value() }
      if case .number? = number, let number { return number }
      return .string(String(text))
    }
  }

  /// A comment begins at a # after white space.
  private static func uncommented(_ text: Substring) -> Substring {
    var previous: Character = "x"
    for index in text.indices {
      if text[index] == "#", previous.isWhitespace { return PageText.trimmed(text[..<index]) }
      previous = text[index]
    }
    return text
  }
}
