// An answer on its way from the network's memory into batches.
internal import Synchronization

/// Reads one answer on whatever thread its bytes are. Its identity is the answer.
final class AnswerReading: Sendable {
  /// How far it has been read.
  struct Progress: Sendable {
    var hasEnded = false
    /// The provider has said why it stopped.
    var isWhole = false
    var usage: Usage?
    var lineCount = 0
    /// What the stream told in place of more answer: nothing is read after it.
    var failure: (any Error)?
  }

  private struct State {
    var parser: any AnswerParser
    var batch = AnswerBatch()
    var failure: (any Error)?
  }

  /// What a body begins with that is compressed (RFC 1952 §2.3.1); no answer does.
  private static let gzipMark: [UInt8] = [0x1F, 0x8B]

  private let providerName: String
  private let state: Mutex<State>

  init(by provider: any ChatProvider) {
    providerName = provider.name
    state = Mutex(State(parser: provider.makeParser()))
  }

  /// Reads the next bytes.
  func digest(_ bytes: UnsafeBufferPointer<UInt8>) {
    state.withLock { state in
      guard state.failure == nil, !state.parser.hasEnded else { return }
      do {
        if state.parser.lineCount == 0, bytes.starts(with: Self.gzipMark) {
          throw GibseyError.streamCut(
            provider: providerName, reason: "what came is compressed with gzip, unasked and untold")
        }
        try state.parser.consume(bytes, into: &state.batch)
      } catch {
        state.failure = error
      }
    }
  }

  /// Takes what was read since the last call, and leaves an empty batch whose memory the next bytes are to use: a stream lives in two.
  func collect(_ batch: inout AnswerBatch) -> Progress {
    state.withLock { state in
      swap(&state.batch, &batch)
      return Progress(
        hasEnded: state.parser.hasEnded, isWhole: state.parser.isWhole, usage: state.parser.usage,
        lineCount: state.parser.lineCount, failure: state.failure)
    }
  }

  /// Reads the end of the bytes. What was kept of a line that had no end may be in the batch.
  func finish(_ batch: inout AnswerBatch) -> Result<AnswerEnd, any Error> {
    state.withLock { state in
      defer { swap(&state.batch, &batch) }
      return Result { try state.parser.finish(into: &state.batch) }
    }
  }

  /// What the stream has told of the usage so far.
  var usage: Usage? { state.withLock { $0.parser.usage } }
}
