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
      do {
        result = .success(try await CallingThread.$own.withValue(thread) { try await body(thread) })
      } catch {
        result = .failure(error)
      }
      outcome.result.withLock { $0 = result }
      thread.stop()
    }
    thread.run()
    guard let result = outcome.result.withLock({ $0 }) else { throw GibseyError.ourBug("work without an outcome") }
    return try result.get()
  }

  /// Waits for as long as somebody asked for: the pause before a retry, the rest of a deadline, the pace of a recording. On the
  /// thread of `run` where the task is of one, for `Task.sleep` wants a thread of the pool, which may not be to be had.
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  static func sleep(for duration: Duration) async throws {
    guard let thread = CallingThread.own else { return try await Task.sleep(for: duration) }
    try await thread.sleep(for: duration)
  }

  private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
  }
}

/// The tasks of one call of `Blocking.run`, on the thread that called it. What comes when the call has ended goes to the pool
/// that everybody shares.
private final class CallingThread: TaskExecutor {
  /// The thread whose call a task is of.
  @TaskLocal static var own: CallingThread?

  private struct State {
    var jobs: [UnownedJob] = []
    var sleepers: [Int: (end: ContinuousClock.Instant, continuation: CheckedContinuation<Void, any Error>)] = [:]
    var lastSleeper = 0
    var hasStopped = false

    /// Takes out who has slept enough; at the end of the call everybody.
    mutating func awoken(at now: ContinuousClock.Instant) -> [CheckedContinuation<Void, any Error>] {
      let ids = sleepers.filter { hasStopped || $0.value.end <= now }.keys.sorted()
      return ids.compactMap { sleepers.removeValue(forKey: $0)?.continuation }
    }
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

  /// Suspends the task for so long, which is what `Blocking.sleep` is asked for; until the call ends at most.
  func sleep(for duration: Duration) async throws {
    let end = ContinuousClock.now + duration
    let id = state.withLock { state in
      state.lastSleeper += 1
      return state.lastSleeper
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let sleeps = state.withLock { state in
          guard !state.hasStopped, !Task.isCancelled else { return false }
          state.sleepers[id] = (end, continuation)
          return true
        }
        if sleeps { news.signal() } else { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Runs what comes until `stop`.
  func run() {
    while true {
      waitForNews()
      let now = ContinuousClock.now
      let (jobs, awoken, hasStopped) = state.withLock { state in
        defer { state.jobs = [] }
        return (state.jobs, state.awoken(at: now), state.hasStopped)
      }
      for sleeper in awoken { sleeper.resume(with: hasStopped ? .failure(CancellationError()) : .success(())) }
      for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
      if hasStopped { return }
    }
  }

  /// Waits until something comes, or somebody has slept enough.
  private func waitForNews() {
    guard let end = state.withLock({ $0.sleepers.values.map(\.end).min() }) else { return news.wait() }
    // The pauses of tasks: their lengths are theirs.
    _ = news.wait(timeout: .now() + (end - ContinuousClock.now) / .seconds(1))
  }
}
