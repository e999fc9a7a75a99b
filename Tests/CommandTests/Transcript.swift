// A transcript: what a person types, and what comes back. One file, one story.
//
//     # a comment
//     @ serve ollama/hello.txt at OLLAMA    a loopback server that answers all with these recorded bytes
//     @ script at BAD                       a loopback server that does what follows on every connection
//     | HTTP/1.1 200 OK                     a line to send
//     % text half a line                    something to do: text, hex (bytes), repeat COUNT TEXT, stall, drip, reset,
//                                           when WORDS (what follows is for requests with them), await COUNT (answers)
//     $ gibsey-index --database story.db -  a command for /bin/sh; OLLAMA is http://127.0.0.1:PORT there
//     < a line of standard input
//     > a line that is wanted on standard output
//     ! a line that is wanted on standard error
//     ? 64                                  the exit status wanted, 128 and more for a signal; else 0
//
// All of both outputs is compared. `…` in a wanted line stands for anything within that line. A last line without a
// line feed is wanted as one that ends in ␄.

/// A parsed transcript.
struct Transcript {
  /// A command with what goes in and what is wanted out.
  struct Command: Equatable {
    let line: Int
    let shell: String
    var input: [String] = []
    var output: [String] = []
    var errors: [String] = []
    var status: Int32 = 0
  }

  /// What is done, in order.
  enum Step: Equatable {
    case command(Command)
    case serve(wire: String, name: String)
    case script(name: String, [LoopbackServer.Step])
  }

  /// A line that means nothing.
  struct Problem: Error, Equatable {
    let line: Int
    let reason: String
  }

  private(set) var steps: [Step] = []

  /// - Throws: `Problem`.
  init(_ text: String) throws {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let number = index + 1
      guard let mark = line.first else { continue }
      let rest = line.dropFirst()
      guard rest.isEmpty || rest.first == " " else {
        throw Problem(line: number, reason: "wanted a mark and a space: \(line)")
      }
      let words = String(rest.dropFirst())
      switch mark {
      case "#": continue
      case "@": steps.append(try Self.directive(words, number))
      case "|": try append(.send(Array("\(words)\n".utf8)), number)
      case "%": try append(try Self.action(words, number), number)
      case "$": steps.append(.command(Command(line: number, shell: words)))
      default: try add(words, mark, number)
      }
    }
  }

  private static func directive(_ words: String, _ line: Int) throws -> Step {
    let parts = words.split(separator: " ").map(String.init)
    if parts.count == 3, parts[0] == "script", parts[1] == "at" { return .script(name: parts[2], []) }
    guard parts.count == 4, parts[0] == "serve", parts[2] == "at" else {
      throw Problem(line: line, reason: "wanted `@ serve WIRE at NAME` or `@ script at NAME`: \(words)")
    }
    return .serve(wire: parts[1], name: parts[3])
  }

  private mutating func append(_ step: LoopbackServer.Step, _ line: Int) throws {
    guard case .script(let name, let script) = steps.last else {
      throw Problem(line: line, reason: "no script before it")
    }
    steps[steps.count - 1] = .script(name: name, script + [step])
  }

  private static func action(_ words: String, _ line: Int) throws -> LoopbackServer.Step {
    let parts = words.split(separator: " ", maxSplits: 1).map(String.init)
    let rest = parts.count > 1 ? parts[1] : ""
    switch parts.first {
    case "text": return .send(Array(rest.utf8))
    case "hex":
      let digits = Array(rest.filter { $0 != " " })
      let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(digits[$0...($0 + 1)]), radix: 16)
      }
      guard bytes.count * 2 == digits.count else { break }
      return .send(bytes)
    case "repeat":
      let words = rest.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let count = Int(words[0]) else { break }
      return .send(Array(String(repeating: String(words[1].replacing("␊", with: "\n")), count: count).utf8))
    case "stall": return .stall
    case "drip": return .drip(UInt8(ascii: "."))
    case "reset": return .reset
    case "when": return .when(rest)
    case "await":
      guard let count = Int(rest) else { break }
      return .await(count)
    default: break
    }
    throw Problem(line: line, reason: "no such action: \(words)")
  }

  private mutating func add(_ words: String, _ mark: Character, _ line: Int) throws {
    guard case .command(var command) = steps.last else {
      throw Problem(line: line, reason: "no command before it")
    }
    switch mark {
    case "<": command.input.append(words)
    case ">": command.output.append(words)
    case "!": command.errors.append(words)
    case "?":
      guard let status = Int32(words) else {
        throw Problem(line: line, reason: "wanted a status: \(words)")
      }
      command.status = status
    default: throw Problem(line: line, reason: "no such mark: \(mark)")
    }
    steps[steps.count - 1] = .command(command)
  }

  /// The lines of an output, as they are wanted.
  static func lines(of output: String) -> [String] {
    guard !output.isEmpty else { return [] }
    var lines = output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() } else { lines[lines.count - 1] += "␄" }
    return lines
  }

  /// What came and what was wanted, line by line; nil when they are the same.
  static func difference(_ name: String, came: [String], wanted: [String]) -> String? {
    let isSame =
      came.count == wanted.count
      && zip(came, wanted).allSatisfy { TranscriptRunner.matches($0, $1) }
    guard !isSame else { return nil }
    var report = ["  \(name):"]
    for index in 0..<max(came.count, wanted.count) {
      let line = index < came.count ? came[index] : nil
      let want = index < wanted.count ? wanted[index] : nil
      if let line, let want, TranscriptRunner.matches(line, want) {
        report.append("      \(line)")
        continue
      }
      if let want { report.append("    - \(want)") }
      if let line { report.append("    + \(line)") }
    }
    return report.joined(separator: "\n")
  }
}
