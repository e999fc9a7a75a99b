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

  @Test func tasksThatOutliveItEndAllTheSame() async throws {
    let task = try Blocking.run { executor in
      Task(executorPreference: executor) {
        await Task.yield(); return 1
      }
    }
    #expect(await task.value == 1)
  }
}
