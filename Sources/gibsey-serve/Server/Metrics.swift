// What the daemon counts. Cheap enough to be counted always; what a stranger says never becomes a label.
import GibseyKit
import Synchronization

/// How an answer ended.
enum AnswerOutcome: String, Sendable, CaseIterable {
  case stop, length, cancelled, failed
}

/// How often values fell into ranges. A value.
struct Histogram: Sendable, Equatable {
  /// The upper ends of the ranges, rising; what is above the last is in none.
  let bounds: [Double]
  /// counts (bounds + 1,): of each range alone, and of what is above.
  private(set) var counts: [Int]
  private(set) var sum = 0.0

  init(_ bounds: [Double]) {
    self.bounds = bounds
    counts = [Int](repeating: 0, count: bounds.count + 1)
  }

  mutating func add(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }
}

/// Counts of one run of the daemon. Its identity is the run.
final class Metrics: Sendable {
  struct RequestKey: Hashable, Sendable {
    /// The pattern of the route; empty for what found none.
    let route: String
    /// One that a server knows; empty for any other.
    let method: String
    let status: UInt
  }

  struct AnswerKey: Hashable, Sendable {
    let outcome: AnswerOutcome
    /// Who gave it, or failed to; empty when nobody was asked.
    let provider: String
  }

  /// Everything at one moment.
  struct Snapshot: Sendable {
    var requests: [RequestKey: Int] = [:]
    /// By code.
    var refused: [String: Int] = [:]
    var answers: [AnswerKey: Int] = [:]
    var running = 0
    var tokens = 0
    var switches = 0
    var retries = 0
    var lostWrites = 0
    /// Which index it is: 1 at the start, one more with each change that was seen.
    var indexGeneration = 1
    /// In seconds, all three.
    var firstToken = Histogram([0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120])
    var duration = Histogram([0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300])
    var context = Histogram([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5])

    func answers(_ outcome: AnswerOutcome) -> Int {
      answers.reduce(0) { $0 + ($1.key.outcome == outcome ? $1.value : 0) }
    }
  }

  private let state = Mutex(Snapshot())
  /// Apart from the rest: it is counted for every token of every answer.
  private let tokens = Atomic(0)

  func snapshot() -> Snapshot {
    var snapshot = state.withLock { $0 }
    snapshot.tokens = tokens.load(ordering: .relaxed)
    return snapshot
  }

  /// A response has begun.
  func countRequest(route: String, method: String, status: UInt) {
    state.withLock { $0.requests[RequestKey(route: route, method: method, status: status), default: 0] += 1 }
  }

  /// A turn, or where a reader is, could not be written.
  func countLostWrite() { state.withLock { $0.lostWrites += 1 } }

  /// Somebody was sent away.
  func countRefusal(code: String) { state.withLock { $0.refused[code, default: 0] += 1 } }

  /// A prompt was built.
  func countContext(seconds: Double) { state.withLock { $0.context.add(seconds) } }

  /// An indexer has changed the pages.
  func countIndexChange() { state.withLock { $0.indexGeneration += 1 } }

  /// A provider is being asked. `endAnswer` must follow.
  func beginAnswer() { state.withLock { $0.running += 1 } }
  func endAnswer() { state.withLock { $0.running -= 1 } }

  /// Follows an answer.
  func count(_ part: Asking.Part) {
    switch part {
    case .batch(let batch): tokens.add(batch.tokenEnds.count, ordering: .relaxed)
    case .retrying: state.withLock { $0.retries += 1 }
    case .switched: state.withLock { $0.switches += 1 }
    case .completed(let completion):
      let outcome: AnswerOutcome =
        switch completion.finishReason {
        case .stop: .stop
        case .length: .length
        case .cancelled: .cancelled
        }
      state.withLock { state in
        state.answers[AnswerKey(outcome: outcome, provider: completion.provider), default: 0] += 1
        state.duration.add(Double(completion.durationMilliseconds) / 1000)
        if let first = completion.timeToFirstTokenMilliseconds { state.firstToken.add(Double(first) / 1000) }
      }
    case .failed(let error, _):
      state.withLock { $0.answers[AnswerKey(outcome: .failed, provider: error.provider ?? ""), default: 0] += 1 }
    case .adapted, .counted, .misread: break
    }
  }
}
