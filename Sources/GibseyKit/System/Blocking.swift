// A door from programs that wait to functions that are awaited.
internal import Dispatch
internal import Synchronization

/// Runs asynchronous work for a thread that has nothing else to do.
enum Blocking {
  /// Runs `body` to its end, on the thread that calls wherever `body` does not ask for another one: no thread is started and
  /// none handed over to, and libdispatch's pool sleeps on.
  /// - Throws: what `body` throws.
  static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    try run { _ in try await body() }
  }

  /// The same; `body` is given what runs tasks on the thread that called.
  static func run<Value: Sendable>(
    _ body: @escaping @Sendable (any TaskExecutor) async throws -> Value
  ) throws -> Value {
    let thread = CallingThread()
    let outcome = Outcome<Value>()
    Task(executorPreference: thread) {
      let result: Result<Value, any Error>
      do { result = .success(try await body(thread)) } catch { result = .failure(error) }
      outcome.result.withLock { $0 = result }
      thread.stop()
    }
    thread.run()
    guard let result = outcome.result.withLock({ $0 }) else { throw GibseyError.ourBug("work without an outcome") }
    return try result.get()
  }

  private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
  }
}

/// The tasks of one call of `Blocking.run`, on the thread that called it. What comes when the call has ended goes to the pool
/// that everybody shares.
private final class CallingThread: TaskExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var hasStopped = false
  }

  private let state = Mutex(State())
  private let news = DispatchSemaphore(value: 0)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let isTaken = state.withLock { state in
      guard !state.hasStopped else { return false }
      state.jobs.append(job)
      return true
    }
    if isTaken { news.signal() } else { globalConcurrentExecutor.enqueue(job) }
  }

  func stop() {
    state.withLock { $0.hasStopped = true }
    news.signal()
  }

  /// Runs what comes until `stop`.
  func run() {
    while true {
      news.wait()
      let (jobs, hasStopped) = state.withLock { state in
        defer { state.jobs = [] }
        return (state.jobs, state.hasStopped)
      }
      for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
      if hasStopped { return }
    }
  }
}
