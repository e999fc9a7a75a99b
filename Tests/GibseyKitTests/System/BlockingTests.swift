// Asynchronous work on the thread that waits for it.
import Testing

@testable import GibseyKit

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct BlockingTests {
  @Test func whatAsksForNoOtherThreadRunsOnTheThreadThatWaits() throws {
    let caller = pthread_self()
    let threads = try Blocking.run {
      let first = pthread_self()
      await Task.yield()
      async let child = pthread_self()
      return [first, pthread_self(), await child]
    }
    #expect(threads == [caller, caller, caller])
  }

  @Test func itWaitsForWorkElsewhere() throws {
    #expect(
      try Blocking.run {
        await Task.detached {
          await Task.yield(); return 7
        }.value
      } == 7)
  }

  @Test func whatItThrowsIsThrown() {
    #expect(throws: GibseyError.readerLeft) { try Blocking.run { throw GibseyError.readerLeft } as Int }
  }

  @Test func aPauseTakesNoOtherThread() throws {
    let caller = pthread_self()
    let (others, threads) = try Blocking.run {
      let start = ContinuousClock.now
      async let early = Self.thread(after: .milliseconds(1))
      async let late = Self.thread(after: .milliseconds(20))
      let threads = try await [late, early]
      #expect(ContinuousClock.now - start >= .milliseconds(20))
      return (threads.filter { $0 != caller }.count, threads.count)
    }
    #expect((others, threads) == (0, 2))
  }

  private static func thread(after pause: Duration) async throws -> pthread_t {
    try await Blocking.sleep(for: pause)
    return pthread_self()
  }

  @Test func aPauseEndsWhenItsTaskIsCancelled() {
    #expect(throws: CancellationError.self) {
      try Blocking.run {
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await Blocking.sleep(for: .seconds(86_400)) }
          await Task.yield()
          group.cancelAll()
          try await group.waitForAll()
        }
      }
    }
  }

  @Test func tasksThatOutliveItEndAllTheSame() async throws {
    let task = try Blocking.run { executor in
      Task(executorPreference: executor) {
        await Task.yield(); return 1
      }
    }
    #expect(await task.value == 1)
  }
}
