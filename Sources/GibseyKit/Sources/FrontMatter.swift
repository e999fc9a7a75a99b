// The front matter of a Markdown file: the part of YAML that front matter uses.

/// Names and values between two lines of `---`.
struct FrontMatter {
  /// What is not read, and where.
  struct Problem: Error, Equatable {
    let line: Int
    let reason: String
  }

  private(set) var fields = JSONObject()
  /// The line that gave each field.
  private var lineOfField: [String: Int] = [:]

  /// YAML reads `id: 012` as a number; a name is what was written.
  private static let names: Set<String> = [
    "id", "title", "section", "character_id", "symbol_id", "symbolId",
  ]

  /// The page that the front matter and a text make.
  /// - Throws: `Problem` when a field is of the wrong type.
  func page(text: String) throws -> Page {
    var fields = fields
    fields["text"] = .string(text)
    do { return try Page(RecordFields(fields)) } catch let problem as RecordProblem {
      let name = problem.reason.prefix { $0 != ":" }
      throw Problem(line: lineOfField[String(name)] ?? 1, reason: problem.reason)
    }
  }

  /// Parts a text into its front matter, if it has one, and its body.
  static func parse(_ text: String) throws -> (FrontMatter, body: String) {
    var front = FrontMatter()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // A blank line behind it, or no end: a thematic break, not front matter.
    guard lines.first.map(isFence) == true, lines.count > 1, !lines[1].allSatisfy(\.isWhitespace),
      let end = lines.indices.dropFirst().first(where: { isEnd(lines[$0]) })
    else { return (front, text) }
    var list: (name: String, elements: [JSONValue])?
    for index in 1..<end {
      let line = lines[index]
      let words = PageText.trimmed(line)
      if words.isEmpty || words.hasPrefix("#") { continue }
      if words == "-" || words.hasPrefix("- ") {
        guard let open = list else { throw Problem(line: index + 1, reason: "a list without a name") }
        list = (open.name, open.elements + [try element(PageText.trimmed(words.dropFirst()), index + 1)])
        continue
      }
      front.close(&list)
      let (name, value) = try member(line, index + 1)
      guard front.fields[name] == nil else {
        throw Problem(line: index + 1, reason: "\(name) is given twice")
      }
      if name == "text" { throw Problem(line: index + 1, reason: "text is what follows the front matter") }
      front.lineOfField[name] = index + 1
      front.fields[name] = .null
      if value.isEmpty || value.hasPrefix("#") {
        list = (name, [])
      } else {
        front.fields[name] = try Self.value(value, name, index + 1)
      }
    }
    front.close(&list)
    return (front, lines[(end + 1)...].joined(separator: "\n"))
  }

  private mutating func close(_ list: inout (name: String, elements: [JSONValue])?) {
    if let open = list, !open.elements.isEmpty { fields[open.name] = .array(open.elements) }
    list = nil
  }

  private static func isFence(_ line: Substring) -> Bool {
    line.hasPrefix("---") && PageText.trimmed(line) == "---"
  }

  private static func isEnd(_ line: Substring) -> Bool {
    isFence(line) || line.hasPrefix("...") && PageText.trimmed(line) == "..."
  }

  /// A colon parts a name from its value only before white space or the end of the line (YAML 1.2.2 §7.3.3).
  private static func member(_ line: Substring, _ number: Int) throws -> (String, Substring) {
    guard line.first?.isWhitespace != true, let colon = separator(of: line) else {
      throw Problem(line: number, reason: "wanted \"name: value\"; nested values are not read")
    }
    var name = PageText.trimmed(line[..<colon])
    if name.count > 2, let quote = name.first, quote == "\"" || quote == "'", name.last == quote {
      name = name.dropFirst().dropLast()
    }
    guard !name.isEmpty else { throw Problem(line: number, reason: "a name is missing") }
    return (String(name), PageText.trimmed(line[line.index(after: colon)...]))
  }

  private static func separator(of line: Substring) -> Substring.Index? {
    line.indices.first { index in
      guard line[index] == ":" else { return false }
      let next = line.index(after: index)
      return next == line.endIndex || line[next].isWhitespace
    }
  }

  private static func value(_ text: Substring, _ name: String, _ number: Int) throws -> JSONValue {
    if text.hasPrefix("[") { return .array(try FrontMatterScalar.flowList(text, number)) }
    let value = try FrontMatterScalar.value(text, number)
    let isQuoted = text.hasPrefix("\"") || text.hasPrefix("'")
    guard names.contains(name), !isQuoted, value != .null else { return value }
    return .string(String(FrontMatterScalar.uncommented(text)))
  }

  /// An element of a block list: a scalar, and no mapping.
  private static func element(_ text: Substring, _ number: Int) throws -> JSONValue {
    let isQuoted = text.hasPrefix("\"") || text.hasPrefix("'")
    if text.hasPrefix("[") || text.hasPrefix("- ") || !isQuoted && separator(of: text) != nil {
      throw Problem(line: number, reason: "nested values are not read")
    }
    return try FrontMatterScalar.value(text, number)
  }
}
