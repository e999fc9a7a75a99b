// Writes that nobody waits for longer than they have patience.
import Synchronization
import Testing

@testable import GibseyKit

@Suite(.timeLimit(.minutes(10))) struct PatientWritesTests {
  private struct Full: Error {}

  /// Something that ends when it is told to.
  private final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    init() { (stream, continuation) = AsyncStream.makeStream() }
    func open() { continuation.finish() }
    func wait() async { for await _ in stream {} }
  }

  @Test func aWriteThatIsDoneInTimeIsWaitedForAndTellsWhyItFailed() async throws {
    let writes = PatientWrites { Issue.record("late: \($0)") }
    let done = Atomic(false)
    try await writes.run(atMost: .seconds(3600)) { done.store(true, ordering: .relaxed) }
    let isDone = done.load(ordering: .relaxed)
    #expect(isDone)
    await #expect(throws: Full.self) { try await writes.run(atMost: .seconds(3600)) { throw Full() } }
    #expect(writes.count == 0)
  }

  @Test func whenOneIsLateNobodyElseWaitsAndAllOfThemAreDone() async throws {
    let late = Atomic(0)
    let writes = PatientWrites { _ in late.add(1, ordering: .relaxed) }
    let gate = Gate()
    try await writes.run(atMost: .zero) {
      await gate.wait()
      throw Full()
    }
    // An hour each, and all of them at once.
    for _ in 0..<20 { try await writes.run(atMost: .seconds(3600)) { await gate.wait() } }
    #expect(writes.count == 21)
    await writes.settle(atMost: .zero)
    #expect(writes.count == 21)
    gate.open()
    await writes.settle(atMost: .seconds(3600))
    #expect(writes.count == 0)
    let lateCount = late.load(ordering: .relaxed)
    #expect(lateCount == 1)
    // It is over: who comes now is waited for again.
    await #expect(throws: Full.self) { try await writes.run(atMost: .seconds(3600)) { throw Full() } }
  }

  @Test func whereTooManyGoOnEachIsWaitedForUntilItIsDone() async throws {
    let writes = PatientWrites(limit: 2) { Issue.record("late: \($0)") }
    let (early, gate) = (Gate(), Gate())
    for _ in 0..<2 { try await writes.run(atMost: .zero) { await early.wait() } }
    let events = Mutex<[String]>([])
    let third = Task {
      try await writes.run(atMost: .zero) {
        await gate.wait()
        events.withLock { $0.append("done") }
      }
      events.withLock { $0.append("gone on") }
    }
    while writes.count < 3 { await Task.yield() }
    // Had it not to wait, it would be gone by now.
    for _ in 0..<100 { await Task.yield() }
    gate.open()
    try await third.value
    #expect(events.withLock(\.self) == ["done", "gone on"])
    #expect(writes.count == 2)
    // Of whom more may go on, does not wait: nothing here ends this one before they have gone on.
    try await writes.run(atMost: .zero, share: 2) { await early.wait() }
    #expect(writes.count == 3)
    early.open()
    await writes.settle(atMost: .seconds(3600))
  }
}
