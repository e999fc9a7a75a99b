// The meeting point of one response: the worker puts blocks in, one reader takes them out.
internal import Synchronization

/// One response on its way from the worker thread to the task that reads it. Its identity is the exchange.
final class Transfer: Sendable {
  /// What the reader gets: a block (nil is the end; empty, it was digested), and whether the sender now waits to be told to
  /// go on.
  struct Portion: Sendable {
    var block: [UInt8]?
    var mustResume = false
  }

  private enum Ending {
    case finished
    case failed(any Error)
  }

  private struct State {
    var head: HTTPHead?
    var buffer: [UInt8] = []
    /// A block that the reader gave back.
    var spare: [UInt8] = []
    var ending: Ending?
    /// True once the worker stopped the sender: whoever takes the buffer tells it to go on.
    var isPaused = false
    var headReader: CheckedContinuation<HTTPHead, any Error>?
    /// Taken out by whoever resumes it. Unchecked: where each block is a token, the memory that a check takes for each is felt.
    var blockReader: UnsafeContinuation<Portion, any Error>?
    /// Reads for the one that waits.
    var digest: HTTPBody.Digest?
  }

  /// Beyond this many bytes that nobody has read yet, the sender has to wait.
  let limitBytes: Int
  private let state = Mutex(State())

  init(limitBytes: Int) { self.limitBytes = limitBytes }

  // The worker's side.

  func begin(_ head: HTTPHead) {
    let reader = state.withLock { state in
      state.head = head
      return take(&state.headReader)
    }
    reader?.resume(returning: head)
  }

  /// Hands over what came; true when the sender must wait until the reader asks for more.
  func deliver(_ block: [UInt8]) -> Bool {
    let (reader, mustPause) = state.withLock { state in
      state.digest = nil
      if let reader = take(&state.blockReader) { return (Optional(reader), false) }
      if state.buffer.isEmpty { state.buffer = block } else { state.buffer += block }
      state.isPaused = state.buffer.count >= limitBytes
      return (nil, state.isPaused)
    }
    reader?.resume(returning: Portion(block: block))
    return mustPause
  }

  /// What reads the next bytes where they lie; nil when they are to be delivered. Until the next delivery it is the same.
  var digest: HTTPBody.Digest? { state.withLock { $0.digest } }

  /// Tells the reader that its digest has read what came.
  func deliverDigested() {
    let reader = state.withLock { state in
      state.digest = nil
      return take(&state.blockReader)
    }
    reader?.resume(returning: Portion(block: []))
  }

  /// A block that the reader gave back, empty, to be filled again.
  func takeSpare() -> [UInt8] {
    state.withLock { state in
      var spare: [UInt8] = []
      swap(&spare, &state.spare)
      spare.removeAll(keepingCapacity: true)
      return spare
    }
  }

  /// Ends the response; nil is its proper end. Only the first call counts.
  func end(_ error: (any Error)?) {
    let (headReader, blockReader) = state.withLock { state in
      if state.ending == nil { state.ending = error.map { .failed($0) } ?? .finished }
      state.digest = nil
      return (take(&state.headReader), take(&state.blockReader))
    }
    headReader?.resume(throwing: error ?? TransportFailure.cut(reason: "no answer"))
    if let error {
      blockReader?.resume(throwing: error)
    } else {
      blockReader?.resume(returning: Portion())
    }
  }

  // The reader's side.

  func head() async throws -> HTTPHead {
    try await withCheckedThrowingContinuation { continuation in
      let ready: Result<HTTPHead, any Error>? = state.withLock { state in
        if let head = state.head { return .success(head) }
        switch state.ending {
        case .failed(let error): return .failure(error)
        case .finished: return .failure(TransportFailure.cut(reason: "no answer"))
        case nil:
          state.headReader = continuation
          return nil
        }
      }
      if let ready { continuation.resume(with: ready) }
    }
  }

  /// Takes a block to be filled again.
  func recycle(_ block: consuming [UInt8]) {
    guard block.capacity > 0, block.capacity <= 2 * limitBytes else { return }
    state.withLock { swap(&block, &$0.spare) }
  }

  /// Everything that came since the last call; waits for at least a byte or the end.
  /// - Parameter digest: reads what comes while the caller waits, on the worker's thread; nil takes blocks.
  func next(_ digest: HTTPBody.Digest?) async throws -> Portion {
    try await withUnsafeThrowingContinuation { continuation in
      let ready = state.withLock { state in
        let ready = Self.available(&state)
        if ready == nil { (state.blockReader, state.digest) = (continuation, digest) }
        return ready
      }
      if let ready { continuation.resume(with: ready) }
    }
  }

  private static func available(_ state: inout State) -> Result<Portion, any Error>? {
    if !state.buffer.isEmpty {
      let block = state.buffer
      state.buffer = []
      defer { state.isPaused = false }
      return .success(Portion(block: block, mustResume: state.isPaused))
    }
    switch state.ending {
    case .finished: return .success(Portion())
    case .failed(let error): return .failure(error)
    case nil: return nil
    }
  }
}

/// The value, leaving nil in its place.
private func take<Value>(_ place: inout Value?) -> Value? {
  defer { place = nil }
  return place
}
