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
  /// What of a piece is still to be written, and from where on.
  private var rest: (text: [UInt8], ends: [Int], place: (token: Int, byte: Int))?
  /// Tokens that were sent.
  private(set) var tokens: Int
  private let bounds: @Sendable (_ seq: Int, _ tokens: Int) -> Int

  /// - Parameters:
  ///   - place: where it begins.
  ///   - bounds: how many tokens there are up to the end of the record of a number, when this one would have so many: see
  ///     `LiveAnswer.tokens(withRecord:wanted:)`.
  init(
    _ records: AskingRecords, from place: LiveAnswer.Place = LiveAnswer.Place(),
    bounds: @escaping @Sendable (_ seq: Int, _ tokens: Int) -> Int = { $1 }
  ) {
    self.records = records
    tokens = place.token
    self.bounds = bounds
  }

  /// Waits until there is room for another piece.
  /// - Throws: `CancellationError` when the connection is gone or the task is cancelled.
  mutating func room(on socket: Socket) async throws {
    if socket.isBehind { isLate = try await socket.room() }
  }

  /// So many tokens make about as much as is written at once; of one who lags more, as far as they share records.
  var tokensAtOnce: Int { isLate ? LiveAnswer.pieceTokens : Self.writeBytes / Self.recordBytes }

  /// Writes of a piece as much as is written at once; `room` is to be awaited before it. `tokens` says where it stands: what is left,
  /// also at the end of a piece the tokens that share a record with some that are not in it, is to be taken again.
  /// - Throws: `CancellationError` when the connection is gone.
  mutating func write(_ piece: LiveAnswer.Piece, to socket: Socket) throws {
    switch piece {
    case .part(let part): _ = try write(frames(of: part), to: socket)
    case .tokens(let text, let ends):
      var place = (token: 0, byte: 0)
      if let buffer = frames(of: text, ends, from: &place) { _ = try write(buffer, to: socket) }
    }
  }

  /// Writes of a piece what its reader takes.
  /// - Returns: whether that is all; else `finish` is to be awaited before anything else is written.
  /// - Throws: `CancellationError` when the connection is gone.
  mutating func begin(_ piece: LiveAnswer.Piece, to socket: Socket) throws -> Bool {
    switch piece {
    case .part(let part): return try write(frames(of: part), to: socket)
    case .tokens(let text, let ends):
      var place = (token: 0, byte: 0)
      while let buffer = frames(of: text, ends, from: &place) {
        guard try write(buffer, to: socket) else {
          rest = (text, ends, place)
          return false
        }
      }
      return true
    }
  }

  /// Writes the rest of the piece that was begun, as its reader takes it.
  /// - Parameter owner: see `Socket.room`.
  /// - Throws: `CancellationError` when the connection is gone, the task is cancelled or the owner hurried; a connection that is
  ///   there was then given all of the piece nevertheless.
  mutating func finish(to socket: Socket, for owner: ObjectIdentifier? = nil) async throws {
    do {
      isLate = try await socket.room(for: owner)
      while let buffer = nextOfRest() {
        if try !write(buffer, to: socket) { isLate = try await socket.room(for: owner) }
      }
    } catch {
      isLate = true
      while !socket.isClosed, let buffer = nextOfRest() { socket.offer(buffer) }
      rest = nil
      throw error
    }
  }

  private mutating func frames(of part: Asking.Part) -> ByteBuffer {
    var buffer = ByteBuffer()
    for record in records.records(of: part) { FrameWriter.append(.text, RecordCoder.frame(record), to: &buffer) }
    return buffer
  }

  private mutating func write(_ buffer: ByteBuffer, to socket: Socket) throws -> Bool {
    let hasRoom = try socket.stream(buffer)
    if hasRoom { isLate = false }
    return hasRoom
  }

  private mutating func nextOfRest() -> ByteBuffer? {
    guard let (text, ends, place) = rest else { return nil }
    var next = place
    let buffer = frames(of: text, ends, from: &next)
    rest = buffer == nil ? nil : (text, ends, next)
    return buffer
  }

  /// As many tokens as are written at once, from a place on that moves behind them; nil when there are no more.
  private mutating func frames(
    of text: [UInt8], _ ends: [Int], from place: inout (token: Int, byte: Int)
  ) -> ByteBuffer? {
    var buffer = ByteBuffer()
    text.withUnsafeBufferPointer { append($0, ends, from: &place, to: &buffer) }
    return buffer.readableBytes > 0 ? buffer : nil
  }

  private mutating func append(
    _ text: UnsafeBufferPointer<UInt8>, _ ends: [Int], from place: inout (token: Int, byte: Int),
    to buffer: inout ByteBuffer
  ) {
    let stamp = records.stamp()
    let rest = text.count - place.byte
    buffer.reserveCapacity(
      min(Self.writeBytes, isLate ? rest : rest + (ends.count - place.token) * Self.recordBytes) + Self.recordBytes)
    while place.token < ends.count, buffer.readableBytes < Self.writeBytes {
      let last = isLate ? Self.last(ends, from: place) : place.token
      let count = bounds(records.seq, tokens + last + 1 - place.token) - tokens
      guard place.token + count <= ends.count else { return }
      let end = ends[place.token + count - 1]
      record.removeAll(keepingCapacity: true)
      records.append(UnsafeBufferPointer(rebasing: text[place.byte..<end]), at: stamp, to: &record)
      FrameWriter.append(.text, record, to: &buffer)
      tokens += count
      place = (place.token + count, end)
    }
  }

  /// The last token that shares a record with the one at a place.
  private static func last(_ ends: [Int], from place: (token: Int, byte: Int)) -> Int {
    var last = place.token
    // No more than a piece may hold, or another who reads along would never have the whole record.
    let end = min(ends.count, place.token + LiveAnswer.pieceTokens)
    while last + 1 < end, ends[last + 1] - place.byte <= mergedLimitBytes { last += 1 }
    return last
  }
}
