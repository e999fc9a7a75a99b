// The log on standard error: one line an event, as text or as JSON.
import ArgumentParser
import GibseyKit

/// How the log is written.
enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  /// For a person, and for journald, which adds the time.
  case text
  /// An object a line: `time`, `level`, `message`, and an event's facts.
  case json
}

/// The log. Nobody waits for whoever reads it; its identity is where it goes.
final class ServerLog: Sendable {
  /// A fact that a client chose is cut here.
  private static let limitCharacters = 256

  private let lines: LineWriter
  private let format: LogFormat
  private let tool: String
  /// Whether every event is told, and not only the news.
  private let isVerbose: Bool
  private let now: @Sendable () -> Timestamp

  init(
    lines: LineWriter, format: LogFormat, tool: String, isVerbose: Bool,
    now: @escaping @Sendable () -> Timestamp
  ) {
    (self.lines, self.format, self.tool, self.isVerbose, self.now) = (lines, format, tool, isVerbose, now)
  }

  /// What the rest of the program says, in the same log.
  var diagnostics: Diagnostics {
    Diagnostics(tool: tool, isVerbose: isVerbose) { [self] line in
      let (level, message) = Self.parts(of: line, tool)
      say(level, message, JSONObject(), at: now())
    }
  }

  /// What the program says before there is a log, and when there will be none: written at once, in the log's JSON.
  static func beforeTheLog(_ usual: Diagnostics) -> Diagnostics {
    Diagnostics(tool: usual.tool, isVerbose: usual.isVerbose) { line in
      let (level, message) = parts(of: line, usual.tool)
      // Where standard error cannot be written to nobody hears it.
      try? FileDescriptor.standardError.write(json(level, message, JSONObject(), at: Timestamp.now()))
    }
  }

  /// A line of `Diagnostics`: its level, and what it says.
  private static func parts(of line: String, _ tool: String) -> (level: String, message: String) {
    let text = line.hasPrefix("\(tool): ") ? String(line.dropFirst(tool.count + 2)) : line
    let level = ["error", "hint", "warning", "debug"].first { text.hasPrefix("\($0): ") }
    return (level ?? "notice", level.map { String(text.dropFirst($0.count + 2)) } ?? text)
  }

  func tells(_ event: Event.Name) -> Bool { isVerbose || event.isNews }

  func write(_ event: Event, at time: Timestamp) {
    guard tells(event.name) else { return }
    say(
      event.name == .failed ? "warning" : event.name.isNews ? "notice" : "debug", event.name.rawValue, event.facts,
      at: time)
  }

  /// Waits until the log is written, for a moment.
  func close() { lines.close() }

  private func say(_ level: String, _ message: String, _ facts: JSONObject, at time: Timestamp) {
    lines.write { dropped in
      switch format {
      case .text:
        var line = "\(tool): " + (level == "notice" ? "" : "\(level): ") + message
        for fact in facts.members { line += " \(fact.key)=\(Self.word(fact.value))" }
        if dropped > 0 { line += " (\(dropped) lines before this one were lost)" }
        return Array((Diagnostics.oneLine(line) + "\n").utf8)
      case .json: return Self.json(level, message, facts, at: time, dropped: dropped)
      }
    }
  }

  private static func json(
    _ level: String, _ message: String, _ facts: JSONObject, at time: Timestamp, dropped: Int = 0
  ) -> [UInt8] {
    var object = JSONObject()
    object["time"] = .string(time.text)
    object["level"] = .string(level)
    object["message"] = .string(message)
    for fact in facts.members where object[fact.key] == nil { object[fact.key] = cut(fact.value) }
    if dropped > 0 { object["dropped"] = .number(JSONNumber(dropped)) }
    // Wherever it goes: what a client chose neither drives a terminal nor ends a line.
    return TerminalJSON.shown(Array(JSONValue.object(object).text.utf8)) + [0x0A]
  }

  private static func cut(_ value: JSONValue) -> JSONValue {
    guard case .string(let text) = value, text.count > limitCharacters else { return value }
    return .string(text.prefix(limitCharacters) + "…")
  }

  /// A value as it stands after `key=`: quoted when it could be taken for more than one.
  private static func word(_ value: JSONValue) -> String {
    guard case .string(let text) = cut(value) else { return value.text }
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#""=\"#.utf8.contains($0) }
    return isPlain ? text : JSONValue.string(text).text
  }
}
