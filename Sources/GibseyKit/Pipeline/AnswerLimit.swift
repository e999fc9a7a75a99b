// An answer that is kept does not grow without end, whatever a provider sends.

/// Cuts an answer between two tokens before it is longer than it may be. A value that counts.
struct AnswerLimit {
  /// Thrown where the answer was cut: it ends there with the reason `length`.
  struct Reached: Error {}

  private let limitBytes: Int
  private var bytes = 0

  init(bytes limit: Int) { limitBytes = limit }

  /// What of a batch may still be told, and whether that is the end.
  mutating func cut(_ batch: AnswerBatch) -> (batch: AnswerBatch, isFull: Bool) {
    let room = limitBytes - bytes
    guard batch.text.count > room else {
      bytes += batch.text.count
      return (batch, false)
    }
    var cut = batch
    cut.keep(bytes: room)
    bytes += cut.text.count
    return (cut, true)
  }
}
