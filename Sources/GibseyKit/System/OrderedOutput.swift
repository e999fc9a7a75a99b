// What several speakers say at the same time, written one after the other.
internal import Synchronization

/// Two streams that speakers share in the order of their places. The first in line writes through; what the others say is
/// held until it is their turn. Its identity is the line.
final class OrderedOutput: Sendable {
  enum Stream: Sendable, Equatable { case output, errors }

  /// A speaker's place in the line. One task speaks from it.
  struct Place: Sendable {
    let number: Int
    fileprivate let line: OrderedOutput

    /// Writes, or holds the bytes until it is this place's turn.
    /// - Throws: what the stream does.
    func write(_ bytes: [UInt8], to stream: Stream = .output) throws { try line.write(bytes, stream, number) }

    /// Waits while too much is held, unless it is this place's turn or the task is cancelled.
    /// - Throws: `CancellationError` when the line was cut before this place.
    func awaitRoom() async throws { try await line.awaitRoom(number) }

    /// The end of what is said here: the next in line has its turn.
    /// - Throws: what the stream does.
    func close() throws { try line.close(number) }

    /// Nothing that is said after this place is written any more.
    func cutLine() { line.cut(after: number) }
  }

  /// What each place costs in memory while it waits, in bytes; it keeps the line of the silent from growing.
  private static let placeBytes = 512

  private struct Held {
    var pieces: [(stream: Stream, bytes: [UInt8])] = []
    var byteCount = OrderedOutput.placeBytes
    var hasEnded = false
  }

  private struct State {
    /// Whose turn it is.
    var first = 0
    /// Whether the first writes through; else somebody is writing what was held of it.
    var isLive = true
    var next = 0
    /// The last place that counts; nil is no end.
    var last: Int?
    var held: [Int: Held] = [:]
    var heldBytes = 0
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
  }

  private let limitBytes: Int
  private let sink: @Sendable (Stream, [UInt8]) throws -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - limitBytes: what may be held of all places together before `awaitRoom` waits.
  ///   - sink: writes to a stream; never called twice at the same time.
  init(limitBytes: Int, sink: @escaping @Sendable (Stream, [UInt8]) throws -> Void) {
    self.limitBytes = limitBytes
    self.sink = sink
  }

  /// The next place in line.
  func open() -> Place {
    state.withLock { state in
      defer { state.next += 1 }
      state.held[state.next] = Held()
      state.heldBytes += Self.placeBytes
      return Place(number: state.next, line: self)
    }
  }

  /// Whether another place may be opened.
  var hasRoom: Bool { state.withLock { $0.heldBytes < limitBytes } }

  /// Whether the line was cut, and everything before the cut was said.
  var isOver: Bool { state.withLock { state in state.last.map { state.first > $0 } ?? false } }

  /// Whether what is said at a place is not written any more.
  func isBeyondEnd(_ number: Int) -> Bool { state.withLock { Self.isBeyondEnd(number, $0) } }

  private static func isBeyondEnd(_ number: Int, _ state: borrowing State) -> Bool {
    state.last.map { number > $0 } ?? false
  }

  private func write(_ bytes: [UInt8], _ stream: Stream, _ number: Int) throws {
    let isThrough = state.withLock { state in
      if Self.isBeyondEnd(number, state) { return false }
      if number == state.first, state.isLive { return true }
      Self.hold(bytes, stream, &state.held[number, default: Held()])
      state.heldBytes += bytes.count
      return false
    }
    if isThrough { try sink(stream, bytes) }
  }

  private static func hold(_ bytes: [UInt8], _ stream: Stream, _ held: inout Held) {
    held.byteCount += bytes.count
    if let last = held.pieces.indices.last, held.pieces[last].stream == stream {
      held.pieces[last].bytes += bytes
    } else {
      held.pieces.append((stream, bytes))
    }
  }

  private func awaitRoom(_ number: Int) async throws {
    while mustWait(number) {
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let isFree = state.withLock { state in
            guard mustWait(number, state), !Task.isCancelled else { return true }
            state.waiters[number] = continuation
            return false
          }
          if isFree { continuation.resume() }
        }
      } onCancel: {
        state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
      }
      if Task.isCancelled { break }
    }
    if isBeyondEnd(number) { throw CancellationError() }
  }

  private func mustWait(_ number: Int) -> Bool { state.withLock { mustWait(number, $0) } }

  private func mustWait(_ number: Int, _ state: borrowing State) -> Bool {
    state.heldBytes >= limitBytes && number != state.first && !Self.isBeyondEnd(number, state)
  }

  private func close(_ number: Int) throws {
    let isTurn = state.withLock { state in
      state.held[number]?.hasEnded = true
      return number == state.first && state.isLive
    }
    if isTurn { try advance() }
  }

  /// Gives the turn to the next place that has not ended, and writes what was held of those before it and of itself.
  private func advance() throws {
    while true {
      let (pieces, waiters) = state.withLock { state in
        while let held = state.held[state.first], held.hasEnded, held.pieces.isEmpty {
          state.held[state.first] = nil
          state.heldBytes -= held.byteCount
          state.first += 1
        }
        let isPast = Self.isBeyondEnd(state.first, state)
        var pieces: [(stream: Stream, bytes: [UInt8])] = []
        if !isPast, var held = state.held[state.first] {
          pieces = held.pieces
          state.heldBytes -= held.byteCount - Self.placeBytes
          held.pieces = []
          held.byteCount = Self.placeBytes
          state.held[state.first] = held
        }
        state.isLive = pieces.isEmpty && !isPast
        return (pieces, Self.takeWaiters(&state))
      }
      for waiter in waiters { waiter.resume() }
      guard !pieces.isEmpty else { return }
      for piece in pieces { try sink(piece.stream, piece.bytes) }
    }
  }

  private func cut(after number: Int) {
    let waiters = state.withLock { state in
      state.last = min(state.last ?? number, number)
      for (place, held) in state.held where place > number {
        state.heldBytes -= held.byteCount
        state.held[place] = nil
      }
      return Self.takeWaiters(&state)
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Everybody who waits: each looks again whether it must.
  private static func takeWaiters(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
    defer { state.waiters = [:] }
    return Array(state.waiters.values)
  }
}
