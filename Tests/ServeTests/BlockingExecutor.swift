// Threads for tests that wait in system calls: the tasks of the server need the cooperative ones.
import Dispatch

/// Runs tasks on as many threads as wait.
final class BlockingExecutor: TaskExecutor {
  private let queue = DispatchQueue(label: "blocking tests", attributes: .concurrent)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
  }
}
