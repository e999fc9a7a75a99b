// Who goes first where there is more to do than threads.
import Dispatch
import Testing

@testable import GibseyKit

@Suite struct WorkerPoolTests {
  /// A pool of one thread that is kept busy until it is let go.
  private final class Stage: Sendable {
    let pool: WorkerPool<Int>
    private let go = DispatchSemaphore(value: 0)

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

    func addWaiting() async -> Task<Void, any Error> {
      let task = Task { try await pool.run { _ in } }
      while pool.waitingCount == 0 { await Task.yield() }
      return task
    }
  }

  @Test func whoLetsOthersGoFirstGoesWhenThoseWhoWaitedHaveBegun() async throws {
    let stage = try Stage()
    let busy = await stage.keepBusy()
    let waiting = await stage.addWaiting()
    let follower = Task {
      await stage.pool.letOthersGoFirst()
      return stage.pool.waitingCount
    }
    stage.letGo()
    #expect(await follower.value == 0)
    _ = try await (busy.value, waiting.value)
  }

  @Test func nobodyIsLetFirstWhereNobodyWaits() async throws {
    let stage = try Stage()
    await stage.pool.letOthersGoFirst()
    let busy = await stage.keepBusy()
    await stage.pool.letOthersGoFirst()
    #expect(stage.pool.waitingCount == 0)
    stage.letGo()
    try await busy.value
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
}
