// What a follower of an answer is sent: a record for each token, or for many where it lags.
import GibseyKit
import NIOCore

/// Turns pieces of one answer into the frames of one socket, numbered for it. A value.
struct AnswerFrames: Sendable {
  /// A record of merged tokens holds no more text than this.
  private static let mergedLimitBytes = 32 << 10

  /// About what a record is long beside its token.
  private static let recordBytes = 256

  private var records: AskingRecords
  /// The record that is being written; its memory is used again.
  private var record: [UInt8] = []
  /// Tokens that were sent.
  private(set) var tokens: Int
  private let onRecord: @Sendable (_ seq: Int, _ tokens: Int) -> Void

  /// - Parameters:
  ///   - place: where it begins.
  ///   - onRecord: told of each record of tokens, and how many there were with it.
  init(
    _ records: AskingRecords, from place: LiveAnswer.Place = LiveAnswer.Place(),
    onRecord: @escaping @Sendable (_ seq: Int, _ tokens: Int) -> Void = { _, _ in }
  ) {
    self.records = records
    tokens = place.token
    self.onRecord = onRecord
  }

  /// - Parameter isLate: whether the reader lags: then adjacent tokens share a record.
  mutating func frames(of piece: LiveAnswer.Piece, isLate: Bool) -> ByteBuffer {
    var buffer = ByteBuffer()
    switch piece {
    case .part(let part):
      for record in records.records(of: part) { FrameWriter.append(.text, RecordCoder.frame(record), to: &buffer) }
    case .tokens(let text, let ends):
      text.withUnsafeBufferPointer { append($0, ends, isLate: isLate, to: &buffer) }
    }
    return buffer
  }

  private mutating func append(
    _ text: UnsafeBufferPointer<UInt8>, _ ends: [Int], isLate: Bool, to buffer: inout ByteBuffer
  ) {
    let stamp = records.stamp
    buffer.reserveCapacity(isLate ? text.count + Self.recordBytes : text.count + ends.count * Self.recordBytes)
    var start = 0
    for (index, end) in ends.enumerated() {
      tokens += 1
      let isLast = index == ends.count - 1
      guard !isLate || isLast || ends[index + 1] - start > Self.mergedLimitBytes else { continue }
      let seq = records.seq
      record.removeAll(keepingCapacity: true)
      records.append(UnsafeBufferPointer(rebasing: text[start..<end]), at: stamp, to: &record)
      FrameWriter.append(.text, record, to: &buffer)
      onRecord(seq, tokens)
      start = end
    }
  }
}
