// What a follower of an answer is sent: a record for each token, or for many where it lags.
import GibseyKit
import NIOCore

/// Turns pieces of one answer into the frames of one socket, numbered for it. A value.
struct AnswerFrames: Sendable {
  /// A record of merged tokens holds no more text than this.
  private static let mergedLimitBytes = 32 << 10

  /// So many bytes are written at once, and at most a record more.
  private static let writeBytes = 64 << 10

  /// About what a record is long beside its token.
  private static let recordBytes = 256

  private var records: AskingRecords
  /// The record that is being written; its memory is used again.
  private var record: [UInt8] = []
  /// Whether the reader lags: then adjacent tokens share a record.
  private var isLate = false
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

  /// Writes a piece to its reader, and waits while as much waits as may. No more is made of it before than `writeBytes` and a
  /// record, however many tokens there are.
  /// - Throws: `CancellationError` when the connection is gone or the task is cancelled; a connection that is there was then
  ///   given all of the piece nevertheless.
  mutating func send(_ piece: LiveAnswer.Piece, to socket: Socket) async throws {
    switch piece {
    case .part(let part):
      var buffer = ByteBuffer()
      for record in records.records(of: part) { FrameWriter.append(.text, RecordCoder.frame(record), to: &buffer) }
      isLate = try await socket.send(buffer)
    case .tokens(let text, let ends):
      var place = (token: 0, byte: 0)
      while place.token < ends.count {
        do {
          isLate = try await socket.send(frames(of: text, ends, from: &place))
        } catch {
          isLate = true
          while place.token < ends.count, !socket.isClosed { socket.offer(frames(of: text, ends, from: &place)) }
          throw error
        }
      }
    }
  }

  /// As many tokens as are written at once, from a place on that moves behind them.
  private mutating func frames(
    of text: [UInt8], _ ends: [Int], from place: inout (token: Int, byte: Int)
  ) -> ByteBuffer {
    var buffer = ByteBuffer()
    text.withUnsafeBufferPointer { append($0, ends, from: &place, to: &buffer) }
    return buffer
  }

  private mutating func append(
    _ text: UnsafeBufferPointer<UInt8>, _ ends: [Int], from place: inout (token: Int, byte: Int),
    to buffer: inout ByteBuffer
  ) {
    let stamp = records.stamp
    let rest = text.count - place.byte
    buffer.reserveCapacity(
      min(Self.writeBytes, isLate ? rest : rest + (ends.count - place.token) * Self.recordBytes) + Self.recordBytes)
    while place.token < ends.count, buffer.readableBytes < Self.writeBytes {
      let end = ends[place.token]
      place.token += 1
      tokens += 1
      let isLast = place.token == ends.count
      guard !isLate || isLast || ends[place.token] - place.byte > Self.mergedLimitBytes else { continue }
      let seq = records.seq
      record.removeAll(keepingCapacity: true)
      records.append(UnsafeBufferPointer(rebasing: text[place.byte..<end]), at: stamp, to: &record)
      FrameWriter.append(.text, record, to: &buffer)
      onRecord(seq, tokens)
      place.byte = end
    }
  }
}
