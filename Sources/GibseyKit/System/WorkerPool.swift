// Threads for work that takes milliseconds and awaits nothing, each with tools of its own.
internal import Dispatch
internal import Synchronization

/// Runs short work on a few threads. Each thread makes its tool at its first work and keeps it, so that a tool need not be
/// safe to share. Its identity is the threads; they end with it.
public final class WorkerPool<Instrument>: Sendable {
  private typealias Work = @Sendable (inout Instrument?) -> Void

  private final class Desk: Sendable {
    struct State {
      var works: [Work] = []
      var first = 0
      var count: Int { works.count - first }
      /// Works that there were, ever.
      var known = 0
      /// Of these, the ones that are done.
      var done = 0
      /// Who lets others go first: until so many were done. In the order of their numbers.
      var followers: [(id: Int, turn: Int, continuation: CheckedContinuation<Void, Never>)] = []
      var lastFollower = 0

      /// Takes those out whose turn it is.
      mutating func ready() -> [CheckedContinuation<Void, Never>] {
        let count = followers.firstIndex { $0.turn > done } ?? followers.count
        defer { followers.removeFirst(count) }
        return followers[..<count].map(\.continuation)
      }
    }

    let state = Mutex(State())
    let arrivals = DispatchSemaphore(value: 0)

    /// The next work, waited for; nil when there will be none.
    func next() -> Work? {
      arrivals.wait()
      return state.withLock { state -> Work? in
        guard state.count > 0 else { return nil }
        let work = state.works[state.first]
        state.first += 1
        if state.first == state.works.count { (state.works, state.first) = ([], 0) }
        return work
      }
    }

    /// A work is done: whoever waited for it goes on after it.
    func finish() {
      let followers = state.withLock { state in
        state.done += 1
        return state.ready()
      }
      for follower in followers { follower.resume() }
    }
  }

  private let desk = Desk()
  private let threadCount: Int
  private let waitingLimit: Int
  private let make: @Sendable () throws -> Instrument

  /// - Parameters:
  ///   - waitingLimit: works that may wait for a thread.
  ///   - make: a thread's tool; what it throws is thrown by the work that wanted it, and the next work tries again.
  /// - Throws: `GibseyError.tooFewThreads`.
  public init(threads: Int, waitingLimit: Int, make: @escaping @Sendable () throws -> Instrument) throws {
    self.waitingLimit = waitingLimit
    self.make = make
    for _ in 0..<threads {
      try WorkerThread.start { [desk] in
        var tool: Instrument?
        while let work = desk.next() {
          work(&tool)
          desk.finish()
        }
      }
    }
    threadCount = threads
  }

  deinit {
    for _ in 0..<threadCount { desk.arrivals.signal() }
  }

  /// How many works wait for a thread.
  public var waitingCount: Int { desk.state.withLock { $0.count } }

  /// How many let others go first.
  var followerCount: Int { desk.state.withLock { $0.followers.count } }

  /// Waits until as many works are done as there are now: for who has plenty, while others have nothing yet. Returns at once
  /// when there is none, or when the task is cancelled.
  public func letOthersGoFirst() async {
    let id: Int? = desk.state.withLock { state in
      guard state.known > state.done else { return nil }
      state.lastFollower += 1
      return state.lastFollower
    }
    guard let id else { return }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mustWait = desk.state.withLock { state in
          guard state.known > state.done, !Task.isCancelled else { return false }
          state.followers.append((id, state.known, continuation))
          return true
        }
        if !mustWait { continuation.resume() }
      }
    } onCancel: {
      let follower = desk.state.withLock { state in
        state.followers.firstIndex { $0.id == id }.map { state.followers.remove(at: $0).continuation }
      }
      follower?.resume()
    }
  }

  /// Does the work with the tool of every thread that has one. A thread that is done waits for the others, so that each has one
  /// part of it; no work may wait for one that comes after it.
  func runOnEach(_ body: @escaping @Sendable (inout Instrument) -> Void) async {
    let all = DispatchGroup()
    for _ in 0..<threadCount { all.enter() }
    await withCheckedContinuation { continuation in
      let isFirst = Flag()
      let part: Work = { tool in
        if var held = tool.take() {
          body(&held)
          tool = held
        }
        all.leave()
        all.wait()
        if isFirst.take() { continuation.resume() }
      }
      // All at once: two such works whose parts are mixed would wait for each other.
      desk.state.withLock { state in
        state.works += Array(repeating: part, count: threadCount)
        state.known += threadCount
      }
      for _ in 0..<threadCount { desk.arrivals.signal() }
    }
  }

  /// Does the work on one of the threads.
  /// - Throws: what making the tool or `body` throws; `CancellationError` when the task was cancelled before its turn;
  ///   `GibseyError.databaseBusy` when too many wait.
  public func run<Value: Sendable>(_ body: @escaping @Sendable (inout Instrument) throws -> Value) async throws -> Value
  {
    let flag = Flag()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let work: Work = { [make] tool in
          guard flag.isUp else { return continuation.resume(throwing: CancellationError()) }
          continuation.resume(
            with: Result {
              if tool == nil { tool = try make() }
              guard var held = tool.take() else { throw GibseyError.ourBug("a worker without its tool") }
              defer { tool = held }
              return try body(&held)
            })
        }
        let isTaken = desk.state.withLock { state in
          guard state.count < waitingLimit else { return false }
          state.works.append(work)
          state.known += 1
          return true
        }
        guard isTaken else { return continuation.resume(throwing: GibseyError.databaseBusy(path: "")) }
        desk.arrivals.signal()
      }
    } onCancel: {
      _ = flag.take()
    }
  }
}

/// A flag that is up until somebody takes it.
private final class Flag: Sendable {
  private let state = Mutex(true)

  var isUp: Bool { state.withLock { $0 } }

  /// - Returns: whether it was up.
  func take() -> Bool {
    state.withLock { isUp in
      defer { isUp = false }
      return isUp
    }
  }
}
