// Work that is done on a thread of its own while its outcome is not needed yet.
internal import Dispatch
internal import Synchronization

/// A value that is being made. Owns a thread until then.
final class Pending<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let end = DispatchSemaphore(value: 0)

  /// Starts to make it.
  /// - Throws: `GibseyError.ourBug` when there is no thread.
  init(_ make: @escaping @Sendable () throws -> Value) throws {
    try WorkerThread.start { [self] in
      let made = Result { try make() }
      result.withLock { $0 = made }
      end.signal()
    }
  }

  /// The value, waited for if need be.
  /// - Throws: what making it threw.
  func value() throws -> Value {
    end.wait()
    end.signal()
    guard let result = result.withLock({ $0 }) else { throw GibseyError.ourBug("work without an outcome") }
    return try result.get()
  }
}
