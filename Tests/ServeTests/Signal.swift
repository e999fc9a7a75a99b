// Something that happens once, and can be waited for.
import Synchronization

final class Signal: Sendable {
  private struct State {
    var hasFired = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  var hasFired: Bool { state.withLock { $0.hasFired } }

  func fire() {
    let waiters = state.withLock { state in
      state.hasFired = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits for it, or for the end of the task.
  func waitOrCancelled() async {
    await withTaskCancellationHandler {
      await wait()
    } onCancel: {
      fire()
    }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isReady = state.withLock { state in
        if !state.hasFired { state.waiters.append(continuation) }
        return state.hasFired
      }
      if isReady { continuation.resume() }
    }
  }
}
