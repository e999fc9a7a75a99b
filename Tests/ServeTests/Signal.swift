// Something that happens once, and can be waited for.
import Glibc
import Synchronization

final class Signal: Sendable {
  private struct State {
    var hasFired = false
    var lastWaiter = 0
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
  }

  private let state = Mutex(State())

  var hasFired: Bool { state.withLock { $0.hasFired } }

  func fire() {
    let waiters = state.withLock { state in
      state.hasFired = true
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.values { waiter.resume() }
  }

  /// Waits for it; the end of the task makes it happen.
  func waitOrCancelled() async {
    await withTaskCancellationHandler {
      await wait()
    } onCancel: {
      fire()
    }
  }

  /// Waits for it, or for the end of the task: a test that has run out of time must end.
  func wait() async {
    let number = state.withLock { state in
      state.lastWaiter += 1
      return state.lastWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if state.hasFired || Task.isCancelled { return true }
          state.waiters[number] = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
    }
  }
}

/// Waits until something is true that nobody tells of: looks every millisecond, or a machine with few processors would be busy
/// with looking.
func waitUntil(_ isTrue: () throws -> Bool) rethrows {
  while try !isTrue() { poll(nil, 0, 1) }
}
