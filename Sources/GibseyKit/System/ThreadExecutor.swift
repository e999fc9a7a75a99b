// A thread for an actor that waits in system calls: no task of others waits with it.
internal import Dispatch
internal import Synchronization

/// Runs the jobs of actors one after the other on a thread of its own, which ends with it.
final class ThreadExecutor: SerialExecutor {
  private final class Desk: Sendable {
    let jobs = Mutex<[UnownedJob]>([])
    let arrivals = DispatchSemaphore(value: 0)
    let hasEnded = Mutex(false)
  }

  private let desk = Desk()

  /// - Parameter yields: whether the thread gives way to the others where not all can run.
  /// - Throws: `GibseyError.tooFewThreads`.
  init(yields: Bool = false) throws {
    let desk = desk
    let unowned = UnownedSerialExecutor(ordinary: self)
    try WorkerThread.start(yields: yields) {
      while true {
        desk.arrivals.wait()
        let jobs = desk.jobs.withLock { jobs in
          defer { jobs = [] }
          return jobs
        }
        // A job keeps its actor, and the actor its executor.
        for job in jobs { job.runSynchronously(on: unowned) }
        if jobs.isEmpty, desk.hasEnded.withLock({ $0 }) { return }
      }
    }
  }

  deinit {
    desk.hasEnded.withLock { $0 = true }
    desk.arrivals.signal()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    desk.jobs.withLock { $0.append(job) }
    desk.arrivals.signal()
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
