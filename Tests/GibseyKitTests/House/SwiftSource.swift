// Swift source as the house rules see it: code without comments and without the words inside of strings.

/// One file, with its comments and string texts blanked out and its lines kept.
struct SwiftSource {
  /// The path below the package, as in `Sources/GibseyKit/Records/Page.swift`.
  let path: String
  let text: String
  /// The code, line by line.
  let lines: [Substring]

  init(path: String, text: String) {
    self.path = path
    self.text = text
    var scanner = CodeScanner(text)
    lines = scanner.code().split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// A name where it is used.
  struct Word: Hashable {
    let text: Substring
    let line: Int
    /// Whether it stands after a dot: a member of something else.
    let isMember: Bool
  }

  /// The names in the code, in order. A loop over bytes: a regular expression takes seconds for it.
  var words: [Word] {
    lines.enumerated().flatMap { index, line -> [Word] in
      var found: [Word] = []
      let bytes = line.utf8
      var place = bytes.startIndex
      var previous: UInt8 = 0
      while place < bytes.endIndex {
        let end = bytes[place...].firstIndex { !Self.isOfAName($0) } ?? bytes.endIndex
        if end > place {
          found.append(
            Word(text: line[place..<end], line: index + 1, isMember: previous == UInt8(ascii: ".")))
          place = end
        } else {
          previous = bytes[place]
          place = bytes.index(after: place)
        }
      }
      return found
    }
  }

  private static func isOfAName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// The lines that hold all the characters of `hint`, in one piece, each with its number.
  func lines(with hint: String) -> [(line: Substring, number: Int)] {
    let wanted = Array(hint.utf8)
    return lines.enumerated().compactMap { index, line in
      let isThere =
        line.utf8.withContiguousStorageIfAvailable { bytes in
          bytes.indices.dropLast(wanted.count - 1).contains { start in
            bytes[start] == wanted[0] && bytes[start...].starts(with: wanted)
          }
        } ?? true
      return isThere ? (line, index + 1) : nil
    }
  }

  private static var declaration: Regex<(Substring, Substring, Substring)> {
    /^(\s*)(?:@?[a-z]+(?:\([a-z]+\))? )*(?:struct|class|enum|actor|protocol|typealias) ([A-Za-z_][A-Za-z0-9_]*)/
  }

  /// The types that the file declares; `topLevel` leaves out those inside of others.
  func declaredTypes(topLevel: Bool) -> [String] {
    ["struct", "class", "enum", "actor", "protocol", "typealias"].flatMap { lines(with: $0 + " ") }
      .compactMap { line, _ in
        guard let match = line.firstMatch(of: Self.declaration), !topLevel || match.output.1.isEmpty
        else { return nil }
        return String(match.output.2)
      }
  }

  /// The modules that the file imports, each with its line.
  var imports: [(module: String, line: Int)] {
    lines(with: "import ").compactMap { line, number in
      let pattern =
        /^\s*(?:@[a-z_A-Z]+(?:\([a-z]+\))? )*(?:[a-z]+ )?import (?:[a-z]+ )?([A-Za-z_][A-Za-z_0-9]*)/
      return line.firstMatch(of: pattern).map { (String($0.output.1), number) }
    }
  }

  /// The functions, each with its first line and how many lines it has.
  var functions: [(line: Int, length: Int)] {
    var found: [(line: Int, length: Int)] = []
    let starts = ["func ", "init"].flatMap { lines(with: $0) }
    for (line, number) in starts
    where line.contains(/\b(?:func [^ ]|init[?!]?[(<]|deinit\b)/) {
      var depth = 0
      var hasBody = false
      for (offset, bodyLine) in lines[(number - 1)...].enumerated() {
        for mark in bodyLine where mark == "{" || mark == "}" {
          hasBody = true
          depth += mark == "{" ? 1 : -1
        }
        if hasBody, depth <= 0 {
          found.append((number, offset + 1))
          break
        }
        // A requirement of a protocol, or a call: there is no body to measure.
        if !hasBody, offset > 8 { break }
      }
    }
    return found.sorted { $0.line < $1.line }
  }
}

/// Blanks out what is no code. Code inside of `\(…)` stays.
private struct CodeScanner {
  private let text: [UInt8]
  private var place = 0
  private var output: [UInt8] = []

  init(_ text: String) { self.text = Array(text.utf8) }

  mutating func code() -> String {
    scanCode(untilParenthesis: false)
    return String(decoding: output, as: UTF8.self)
  }

  private func sees(_ word: String) -> Bool { text[place...].starts(with: word.utf8) }

  private mutating func skip(_ count: Int) {
    for byte in text[place..<min(place + count, text.count)] {
      output.append(byte == 0x0A ? byte : 0x20)
    }
    place = min(place + count, text.count)
  }

  private mutating func scanCode(untilParenthesis: Bool) {
    var depth = 0
    while place < text.count {
      if sees("//") {
        skip((text[place...].firstIndex(of: 0x0A) ?? text.count) - place)
      } else if sees("/*") {
        skipComment()
      } else if text[place] == UInt8(ascii: "\"") || isRawStringAhead {
        scanString()
      } else {
        if text[place] == UInt8(ascii: "(") { depth += 1 }
        if text[place] == UInt8(ascii: ")") { depth -= 1 }
        if untilParenthesis, depth < 0 { return }
        output.append(text[place])
        place += 1
      }
    }
  }

  private var isRawStringAhead: Bool {
    guard text[place] == UInt8(ascii: "#") else { return false }
    return text[place...].first { $0 != UInt8(ascii: "#") } == UInt8(ascii: "\"")
  }

  private mutating func skipComment() {
    var depth = 0
    repeat {
      let isStart = sees("/*")
      let isEnd = sees("*/")
      depth += isStart ? 1 : isEnd ? -1 : 0
      skip(isStart || isEnd ? 2 : 1)
    } while depth > 0 && place < text.count
  }

  private mutating func scanString() {
    var pounds = ""
    while sees("#") {
      pounds += "#"
      skip(1)
    }
    let quote = sees("\"\"\"") ? "\"\"\"" : "\""
    skip(quote.utf8.count)
    while place < text.count {
      if sees("\\" + pounds + "(") {
        skip(2 + pounds.utf8.count)
        scanCode(untilParenthesis: true)
        skip(1)
      } else if sees("\\" + pounds) {
        skip(2 + pounds.utf8.count)
      } else if sees(quote + pounds) {
        return skip(quote.utf8.count + pounds.utf8.count)
      } else {
        skip(1)
      }
    }
  }
}
