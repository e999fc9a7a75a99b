// Threads of our own, for the few calls that block by nature and must not block the tasks of others.
internal import Glibc

/// A thread that runs one function and ends with it.
enum WorkerThread {
  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Gives way to other threads where there are not enough processors for all: they get nine tenths (nice(2), which Linux counts
  /// by the thread).
  static let yieldingNiceness: Int32 = 10

  /// Starts `body` on a new thread that takes no signals.
  /// - Parameter yields: whether it gives way to the others where not all can run.
  /// - Throws: `GibseyError.tooFewThreads`.
  static func start(yields: Bool = false, _ body: @escaping @Sendable () -> Void) throws {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let work = Unmanaged.passRetained(
      Work {
        // Refused or not, the work is done.
        if yields { _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, yieldingNiceness) }
        body()
      })
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    guard failure == 0 else {
      work.release()
      throw GibseyError.tooFewThreads(reason: SystemCall.reason(failure))
    }
    pthread_detach(thread)
  }
}
