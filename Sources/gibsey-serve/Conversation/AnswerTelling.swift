// What becomes of an answer, for whoever reads the events: ids, counts and durations.
import GibseyKit
import NIOCore

/// Follows one answer and tells of its first token and its end. A value.
struct AnswerTelling {
  private let events: EventLog
  private let live: LiveAnswer
  private let start = NIODeadline.now()
  private var hasToken = false

  init(_ events: EventLog, of live: LiveAnswer) {
    self.events = events
    self.live = live
  }

  mutating func note(_ part: Asking.Part) {
    switch part {
    case .batch(let batch):
      guard !hasToken, !batch.tokenEnds.isEmpty else { return }
      hasToken = true
      tell(.firstToken) { $0 }
    case .completed(let completion):
      tell(completion.finishReason == .cancelled ? .cancelled : .completed) {
        $0.with("provider", completion.provider).with("model", completion.model)
          .with("tokens", completion.usage?.completionTokens)
      }
    case .failed(let error, _): tell(.failed) { $0.with("code", error.code) }
    case .retrying, .adapted, .counted, .misread, .switched: return
    }
  }

  private func tell(_ name: Event.Name, _ facts: (Event) -> Event) {
    let duration = Int((NIODeadline.now() - start).nanoseconds / 1_000_000)
    events.note(name) { event in
      facts(
        event.with("session_id", live.sessionID).with("response_id", live.responseID)
          .with("request_id", live.requestID)
      ).with("duration_ms", duration)
    }
  }
}
