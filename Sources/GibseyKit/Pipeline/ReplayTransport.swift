// Plays a recording in place of a network.
internal import Synchronization

/// A recording, read: its exchanges in the order of their requests.
public struct Recording: Sendable {
  struct Exchange: Sendable {
    let url: String
    var events: [RecordingLine] = []
  }

  private(set) var exchanges: [Exchange] = []

  /// - Parameter source: the recording's name, for what is said about it.
  /// - Throws: `GibseyError.malformedInput`, `.nothingToRead`.
  public init(_ bytes: [UInt8], source: String) throws {
    var places: [Int: Int] = [:]
    let lines = ByteOrderMark.dropped(from: bytes).split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      guard line.contains(where: { $0 > 0x20 }) else { continue }
      let wrong = { GibseyError.malformedInput(source: source, line: index + 1, reason: $0) }
      do {
        let line = try RecordingLine(Array(line))
        if case .request(_, let url, _) = line.event {
          places[line.exchange] = exchanges.count
          exchanges.append(Exchange(url: url))
        } else if let place = places[line.exchange] {
          exchanges[place].events.append(line)
        } else {
          throw wrong("an exchange without its request")
        }
      } catch let problem as RecordProblem {
        throw wrong(problem.reason)
      }
    }
    guard !exchanges.isEmpty else { throw GibseyError.nothingToRead(path: source) }
  }

  /// The addresses that were asked, each once, in order.
  var urls: [String] {
    var urls: [String] = []
    for exchange in exchanges where !urls.contains(exchange.url) { urls.append(exchange.url) }
    return urls
  }
}

/// Answers every request with the next recorded exchange of its address; after the last comes the first again.
public final class ReplayTransport: Transport {
  private let recording: Recording
  private let speed: Double
  private let sleep: @Sendable (Duration) async throws -> Void
  /// How many requests each address has had.
  private let played = Mutex<[String: Int]>([:])

  /// - Parameters:
  ///   - speed: 1 is as it was, 2 twice as fast, 0 without any wait.
  ///   - sleep: ends early with `CancellationError` when the task is cancelled.
  public init(_ recording: Recording, speed: Double, sleep: @escaping @Sendable (Duration) async throws -> Void) {
    self.recording = recording
    self.speed = speed
    self.sleep = sleep
  }

  public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    try Task.checkCancellation()
    let all = recording.exchanges.filter { $0.url == request.url }
    guard !all.isEmpty else { throw TransportFailure.refused(reason: "not in the recording") }
    let turn = played.withLock { played in
      defer { played[request.url, default: 0] += 1 }
      return played[request.url, default: 0]
    }
    let tape = Tape(all[turn % all.count].events, speed: speed, sleep: sleep)
    switch try await tape.next() {
    case .response(let head): return HTTPResponse(head: head, body: HTTPBody { try await tape.nextBlock() })
    case .failure(let failure): throw failure
    case .block, .end, .request, nil: throw TransportFailure.cut(reason: "the recording stops before the answer")
    }
  }
}

/// The events of one exchange as they pass. Its identity is the place that has been reached.
private final class Tape: Sendable {
  /// A day: nobody waits for the end of a longer one, however slowly it is played.
  private static let longestPauseSeconds = 86_400.0

  private let events: [RecordingLine]
  private let speed: Double
  private let sleep: @Sendable (Duration) async throws -> Void
  private let place = Mutex((next: 0, milliseconds: 0.0))

  init(_ events: [RecordingLine], speed: Double, sleep: @escaping @Sendable (Duration) async throws -> Void) {
    self.events = events
    self.speed = speed
    self.sleep = sleep
  }

  /// The next event, when its time has come; nil after the last.
  func next() async throws -> RecordingLine.Event? {
    let (event, wait) = place.withLock { place -> (RecordingLine.Event?, Double) in
      guard place.next < events.count else { return (nil, 0) }
      let line = events[place.next]
      defer { place = (place.next + 1, line.milliseconds) }
      return (line.event, line.milliseconds - place.milliseconds)
    }
    // The pauses of the recording are what `--speed` is asked for; at 0 there are none.
    if speed > 0, wait > 0 { try await sleep(.seconds(min(wait / 1000 / speed, Self.longestPauseSeconds))) }
    try Task.checkCancellation()
    return event
  }

  func nextBlock() async throws -> [UInt8]? {
    while true {
      switch try await next() {
      case .block(let bytes) where !bytes.isEmpty: return bytes
      case .failure(let failure): throw failure
      case .end, nil: return nil
      case .block, .request, .response: continue
      }
    }
  }
}
