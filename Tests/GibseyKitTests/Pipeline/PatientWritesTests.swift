// Writes that nobody waits for longer than they have patience.
import Synchronization
import Testing

@testable import GibseyKit

@Suite(.timeLimit(.minutes(1))) struct PatientWritesTests {
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
}
