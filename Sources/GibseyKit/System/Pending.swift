// Work that is done on a thread of its own while its outcome is not needed yet.
internal import Dispatch
internal import Synchronization

/// A value that is being made. Owns a thread until then.
final class Pending<Value: Sendable>: Sendable {
  private struct State {
    var result: Result<Value, any Error>?
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())
  private let end = DispatchSemaphore(value: 0)

  /// Starts to make it.
  /// - Throws: `GibseyError.tooFewThreads`.
  init(_ make: @escaping @Sendable () throws -> Value) throws {
    try WorkerThread.start { [self] in
      let made = Result { try make() }
      let waiter = state.withLock { state in
        state.result = made
        return state.waiter.take()
      }
      waiter?.resume()
      end.signal()
    }
  }

  /// The value; the thread waits for it if need be.
  /// - Throws: what making it threw.
  func value() throws -> Value {
    end.wait()
    end.signal()
    return try made()
  }

  /// The value; one task waits for it if need be, and no thread.
  /// - Throws: what making it threw.
  func awaited() async throws -> Value {
    await withCheckedContinuation { continuation in
      let isMade = state.withLock { state in
        if state.result == nil { state.waiter = continuation }
        return state.result != nil
      }
      if isMade { continuation.resume() }
    }
    // Not by the continuation: one that is resumed before it is awaited hands its value over where ThreadSanitizer does not see it.
    return try made()
  }

  private func made() throws -> Value {
    guard let result = state.withLock({ $0.result }) else { throw GibseyError.ourBug("work without an outcome") }
    return try result.get()
  }
}
