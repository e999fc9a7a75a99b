// A character as a file: fields between two lines of ---, the persona, and its short form.

/// Reads the files of characters, those that are compiled in and a user's own.
///
///     ---
///     id: keeper
///     name: The Keeper
///     names: Keeper, Old Tom
///     colour: "#aabbcc"
///     ---
///
///     You are the keeper of the light. …
///
///     ## Short
///
///     You are the keeper. …
///
/// A value is what follows the colon, without the quotes around it; lines that begin with # and fields of other names are
/// passed over. The colour may be left out, and so may the names, which are short ones that the story uses, parted by commas. Without a short form the persona is also used where the budget is small.
enum CharacterFile {
  /// More than any model would be told of one person; a larger file is a mistake.
  static let limitBytes = 64 * 1024

  /// What is wrong, and where.
  struct Problem: Error, Equatable {
    let line: Int?
    let reason: String
  }

  private struct Field {
    let value: String
    let line: Int
  }

  /// The character that a file tells of.
  /// - Throws: `Problem`.
  static func character(in bytes: [UInt8]) throws -> StoryCharacter {
    let lines = try lines(of: bytes)
    guard PageText.trimmed(lines[0]) == "---" else {
      throw Problem(line: 1, reason: "wanted a line of --- and the fields")
    }
    guard let end = lines.dropFirst().firstIndex(where: { PageText.trimmed($0) == "---" }) else {
      throw Problem(line: 1, reason: "the fields have no end: wanted a second line of ---")
    }
    let fields = try fields(lines[1..<end])
    let body = lines[(end + 1)...]
    let heading = body.firstIndex { PageText.trimmed($0) == "## Short" }
    let persona = text(body[..<(heading ?? body.endIndex)])
    guard !persona.isEmpty else { throw Problem(line: end + 1, reason: "wanted the persona after the fields") }
    let short = heading.map { text(body[($0 + 1)...]) } ?? persona
    guard !short.isEmpty else { throw Problem(line: heading.map { $0 + 1 }, reason: "the short form is empty") }
    return StoryCharacter(
      id: try id(fields), name: try required("name", fields).value, colour: try colour(fields),
      persona: persona, shortPersona: short, shortNames: try names(fields))
  }

  private static func lines(of bytes: [UInt8]) throws -> [Substring] {
    guard bytes.count <= limitBytes else { throw Problem(line: nil, reason: "longer than \(limitBytes) bytes") }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let bytes = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw Problem(line: nil, reason: "not UTF-8 text")
    }
    return text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }

  private static func fields(_ lines: ArraySlice<Substring>) throws -> [String: Field] {
    var fields: [String: Field] = [:]
    for (index, line) in zip(lines.indices, lines.map { PageText.trimmed($0) }) {
      if line.isEmpty || line.hasPrefix("#") { continue }
      guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else {
        throw Problem(line: index + 1, reason: "wanted \"name: value\"")
      }
      let name = String(PageText.trimmed(line[..<colon]))
      guard fields[name] == nil else { throw Problem(line: index + 1, reason: "\(name) is given twice") }
      let value = unquoted(PageText.trimmed(line[line.index(after: colon)...]))
      fields[name] = Field(value: String(value), line: index + 1)
    }
    return fields
  }

  private static func unquoted(_ value: Substring) -> Substring {
    guard value.count > 1, let quote = value.first, quote == "\"" || quote == "'", value.last == quote else {
      return value
    }
    return value.dropFirst().dropLast()
  }

  private static func required(_ name: String, _ fields: [String: Field]) throws -> Field {
    guard let field = fields[name] else { throw Problem(line: 1, reason: "\(name): missing") }
    guard !field.value.isEmpty else { throw Problem(line: field.line, reason: "\(name): empty") }
    return field
  }

  /// Ids are typed into shells and stand on pages: one word.
  private static func id(_ fields: [String: Field]) throws -> String {
    let field = try required("id", fields)
    guard !field.value.contains(where: \.isWhitespace) else {
      throw Problem(line: field.line, reason: "id: wanted one word")
    }
    return field.value
  }

  private static func colour(_ fields: [String: Field]) throws -> String? {
    guard let field = fields["colour"] ?? fields["color"], !field.value.isEmpty else { return nil }
    let digits = field.value.utf8.dropFirst()
    let isHexadecimal = digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
    guard field.value.utf8.first == UInt8(ascii: "#"), digits.count == 6, isHexadecimal else {
      throw Problem(line: field.line, reason: "colour: wanted one like #e5b3b3")
    }
    return field.value.lowercased()
  }

  private static func names(_ fields: [String: Field]) throws -> [String] {
    guard let field = fields["names"], !field.value.isEmpty else { return [] }
    let names = field.value.split(separator: ",").map { String(PageText.trimmed($0)) }
    guard names.allSatisfy({ !KeywordQuery.words(of: $0).isEmpty }) else {
      throw Problem(line: field.line, reason: "names: wanted words, parted by commas")
    }
    return names
  }

  private static func text(_ lines: ArraySlice<Substring>) -> String {
    let isBlank: (Substring) -> Bool = { $0.allSatisfy(\.isWhitespace) }
    var lines = lines.drop(while: isBlank)
    while let last = lines.last, isBlank(last) { lines.removeLast() }
    return lines.joined(separator: "\n")
  }
}
