// A door from programs that wait to functions that are awaited.
internal import Dispatch
internal import Synchronization

/// Runs asynchronous work for a thread that has nothing else to do.
enum Blocking {
  private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
  }

  /// Waits, on a thread that is none of the tasks', until `body` has ended.
  /// - Throws: what `body` throws.
  static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    let outcome = Outcome<Value>()
    let end = DispatchSemaphore(value: 0)
    Task.detached {
      let result: Result<Value, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      outcome.result.withLock { $0 = result }
      end.signal()
    }
    end.wait()
    guard let result = outcome.result.withLock({ $0 }) else { throw GibseyError.ourBug("work without an outcome") }
    return try result.get()
  }
}
