// An answer that is kept does not grow without end, whatever a provider sends.

/// Cuts an answer between two tokens before it is longer than it may be. A value that counts.
struct AnswerLimit {
  /// Thrown where the answer was cut: it ends there with the reason `length`.
  struct Reached: Error {}

  private let limitBytes: Int
  private var bytes = 0

  init(bytes limit: Int) { limitBytes = limit }

  /// What of a batch may still be told, which is then the end; nil while all of it may.
  mutating func cut(_ batch: AnswerBatch) -> AnswerBatch? {
    let room = limitBytes - bytes
    guard batch.text.count > room else {
      bytes += batch.text.count
      return nil
    }
    var cut = batch
    cut.keep(bytes: room)
    bytes += cut.text.count
    return cut
  }
}
