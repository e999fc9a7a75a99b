// Who goes first where there is more to do than threads.
import Dispatch
import Synchronization
import Testing

@testable import GibseyKit

@Suite struct WorkerPoolTests {
  /// A pool of one thread that is kept busy until it is let go.
  private final class Stage: Sendable {
    let pool: WorkerPool<Int>
    private let go = DispatchSemaphore(value: 0)
    private let events = Mutex<[String]>([])

    init() throws { pool = try WorkerPool(threads: 1, waitingLimit: 9) { 0 } }

    func keepBusy() async -> Task<Void, any Error> {
      var task: Task<Void, any Error>?
      await withCheckedContinuation { isBusy in
        task = Task {
          try await pool.run { [self] _ in
            isBusy.resume()
            go.wait()
          }
        }
      }
      return task ?? Task {}
    }

    func letGo() { go.signal() }
    func tell(_ event: String) { events.withLock { $0.append(event) } }
    var told: [String] { events.withLock { $0 } }

    func addWaiting(_ body: @escaping @Sendable () -> Void = {}) async -> Task<Void, any Error> {
      let task = Task { try await pool.run { _ in body() } }
      while pool.waitingCount == 0 { await Task.yield() }
      return task
    }
  }

  @Test func whoLetsOthersGoFirstGoesWhenTheyAreDone() async throws {
    let stage = try Stage()
    let busy = await stage.keepBusy()
    let waiting = await stage.addWaiting { stage.tell("they") }
    await withTaskGroup { group in
      group.addTask {
        await stage.pool.letOthersGoFirst()
        stage.tell("who let them")
      }
      while stage.pool.followerCount == 0 { await Task.yield() }
      stage.letGo()
    }
    #expect(stage.told == ["they", "who let them"])
    _ = try await (busy.value, waiting.value)
  }

  @Test func nobodyIsLetFirstWhereNothingIsToBeDone() async throws {
    let stage = try Stage()
    await stage.pool.letOthersGoFirst()
    let busy = await stage.keepBusy()
    stage.letGo()
    try await busy.value
    await stage.pool.letOthersGoFirst()
    #expect(stage.pool.followerCount == 0)
  }

  @Test func whoIsCancelledWaitsForNobody() async throws {
    let stage = try Stage()
    let busy = await stage.keepBusy()
    let waiting = await stage.addWaiting()
    let follower = Task { await stage.pool.letOthersGoFirst() }
    follower.cancel()
    await follower.value
    #expect(stage.pool.waitingCount == 1)
    stage.letGo()
    _ = try await (busy.value, waiting.value)
  }

  @Test func whatIsDoneOnEachIsDoneOnceWithEveryTool() async throws {
    let pool = try WorkerPool(threads: 3, waitingLimit: 9) { 0 }
    // All three at work at once: so each has a tool.
    let all = DispatchGroup()
    for _ in 1...3 { all.enter() }
    try await withThrowingTaskGroup { group in
      for _ in 1...3 {
        group.addTask {
          try await pool.run { _ in
            all.leave()
            all.wait()
          }
        }
      }
      try await group.waitForAll()
    }
    await withTaskGroup { group in
      for _ in 1...5 { group.addTask { await pool.runOnEach { $0 += 1 } } }
    }
    let seen = Mutex<[Int]>([])
    await pool.runOnEach { tool in seen.withLock { $0.append(tool) } }
    #expect(seen.withLock { $0 } == [5, 5, 5])
  }
}
