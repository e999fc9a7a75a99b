// What happens, told as it happens: one line an event, to whoever was named with --events, and to the log.
import GibseyKit
import Synchronization

/// Something that happened. Ids, counts and durations; never what was asked or answered.
struct Event: Sendable, Equatable {
  /// The names of gibsey-json(5).
  enum Name: String, Sendable, CaseIterable {
    case connected, disconnected, request
    case firstToken = "first_token"
    case completed, cancelled, failed
    case pageRead = "page_read"
    case indexChanged = "index_changed"

    /// Whether the log tells of it without being asked to tell more.
    var isNews: Bool {
      switch self {
      case .completed, .cancelled, .failed, .indexChanged: true
      case .connected, .disconnected, .request, .firstToken, .pageRead: false
      }
    }
  }

  let name: Name
  private(set) var facts = JSONObject()

  init(_ name: Name) { self.name = name }

  /// The same event with one more fact; nil adds none.
  func with(_ key: String, _ value: String?) -> Event { adding(key, value.map { .string($0) }) }
  func with(_ key: String, _ value: Int?) -> Event { adding(key, value.map { .number(JSONNumber($0)) }) }

  private func adding(_ key: String, _ value: JSONValue?) -> Event {
    guard let value else { return self }
    var event = self
    event.facts[key] = value
    return event
  }

  /// As an `event` record of gibsey-json(5).
  func record(at time: Timestamp, dropped: Int) -> Record? {
    var data = JSONObject()
    data["name"] = .string(name.rawValue)
    data["timestamp"] = .string(time.text)
    for fact in facts.members { data[fact.key] = fact.value }
    if dropped > 0 { data["dropped"] = .number(JSONNumber(dropped)) }
    return .frame(.event, FrameData(data))
  }
}

/// Takes events from everywhere and never makes anybody wait. Its identity is the places where they go.
final class EventLog: Sendable {
  private let lines: LineWriter?
  private let isTerminal: Bool
  private let log: ServerLog?
  private let now: @Sendable () -> Timestamp

  /// - Parameters:
  ///   - lines: where the records go; nil is nowhere.
  ///   - isTerminal: whether that is a terminal.
  ///   - log: the log; nil is none.
  init(
    lines: LineWriter? = nil, isTerminal: Bool = false, log: ServerLog? = nil,
    now: @escaping @Sendable () -> Timestamp = { Timestamp.now() }
  ) {
    self.lines = lines
    self.isTerminal = isTerminal
    self.log = log
    self.now = now
  }

  /// Events that found no room because their reader stalls, since the start.
  var droppedCount: Int { lines?.droppedCount ?? 0 }

  /// Tells of something that happened; never waits.
  /// - Parameter facts: adds ids, counts and durations; called only when somebody listens.
  func note(_ name: Event.Name, _ facts: (Event) -> Event = { $0 }) {
    guard lines != nil || log?.tells(name) == true else { return }
    let event = facts(Event(name))
    let time = now()
    log?.write(event, at: time)
    lines?.write { dropped in
      let line = event.record(at: time, dropped: dropped).map { RecordCoder.encode($0) } ?? []
      return isTerminal ? TerminalJSON.shown(line) : line
    }
  }

  /// What the rest of the program says, in the same log; nil without one.
  var diagnostics: Diagnostics? { log?.diagnostics }

  /// Waits until what was noted is written, but not for a reader that stalls.
  func close() {
    lines?.close()
    log?.close()
  }
}
