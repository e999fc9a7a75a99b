// What a tool says on stderr: errors, hints, warnings, notices and, when asked, debug lines.

/// Says things to the person at the terminal, each on one line that starts with the tool's name. Never on stdout.
public struct Diagnostics: Sendable {
  /// The tool's name, as in `gibsey-ask`.
  public let tool: String
  /// Whether `-v` or GIBSEY_LOG=debug asked for debug lines.
  public let isVerbose: Bool
  private let sink: @Sendable (String) -> Void

  /// - Parameter sink: takes each finished line, without its newline.
  public init(tool: String, isVerbose: Bool, sink: @escaping @Sendable (String) -> Void) {
    self.tool = tool
    self.isVerbose = isVerbose
    self.sink = sink
  }

  /// Says an error's sentence and, on a line of its own, its hint.
  public func error(_ error: GibseyError) {
    say("error: \(error.message)")
    if let hint = error.hint { say("hint: \(hint)") }
  }

  /// Says that something was skipped or is doubtful; the run goes on.
  public func warning(_ text: String) { say("warning: \(text)") }

  /// Says what a person would want to know unasked.
  public func notice(_ text: String) { say(text) }

  /// Says what helps to find a fault; only when asked for.
  public func debug(_ text: @autoclosure () -> String) {
    if isVerbose { say("debug: \(text())") }
  }

  private func say(_ text: String) { sink("\(tool): \(Self.oneLine(text))") }

  /// The text with control characters escaped, so that foreign text can neither forge a line nor drive a terminal.
  public static func oneLine(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0A: line += "\\n"
      case 0x09: line += "\\t"
      default:
        let isPlain = scalar.value >= 0x20 && !drivesTerminal(scalar)
        line += isPlain ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return line
  }

  /// Whether a terminal may obey it, turn a text around for it, or a reader of lines take it for the end of one: DEL, C1, the
  /// bidirectional controls, and the separators of lines and paragraphs.
  static func drivesTerminal(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
