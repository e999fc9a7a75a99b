// Threads for tests that wait in system calls: the tasks of the server need the cooperative ones.
import Foundation

/// Runs each job on a thread of its own. Dispatch would make new threads only one by one when all wait, and the tasks of the
/// servers wait in the same line.
final class BlockingExecutor: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    Thread { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }.start()
  }
}
