// Writes to a database that another program may hold: waited for, but not for long.

internal import Synchronization

/// Runs writes that somebody would like to see done before they go on. Its identity is the database's.
///
/// Who has waited in vain is let go, and the write goes on. As long as it does nobody else waits at all: those who come together
/// have one wait, not one after the other. But no more than `limit` go on at once without being waited for: each holds what it
/// writes, and where writing is slower than talking, talk waits.
final class PatientWrites: Sendable {
  private struct State {
    var lastNumber = 0
    var running: Set<Int> = []
    /// Of these, the ones that were waited for in vain.
    var overdue: Set<Int> = []
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    /// Who waits for all of them, and whose time for it is over.
    var settling: [Int: CheckedContinuation<Void, Never>] = [:]
    var expired: Set<Int> = []
  }

  /// Why a write failed, for whoever still waits; taken once.
  private final class Outcome: Sendable {
    private let state = Mutex<(any Error)?>(nil)
    var error: (any Error)? {
      get { state.withLock { $0.take() } }
      set { state.withLock { $0 = newValue } }
    }
  }

  private let state = Mutex(State())
  private let limit: Int
  private let late: @Sendable (any Error) -> Void

  /// - Parameters:
  ///   - limit: beyond so many that go on, each is waited for until it is done.
  ///   - late: told why a write failed that nobody waits for any more.
  init(limit: Int = 256, late: @escaping @Sendable (any Error) -> Void) {
    self.limit = limit
    self.late = late
  }

  /// How many go on.
  var count: Int { state.withLock { $0.running.count } }

  /// Starts a write, and waits for it so long at most, or until it is done where too many go on already. Cancelling the task ends
  /// neither.
  /// - Parameter share: how many times `limit` may go on before this one is waited for until it is done; more for whoever is to
  ///   be kept waiting the least.
  /// - Throws: what the write throws, when it was waited for.
  func run(
    atMost patience: Duration, share: Int = 1, _ write: @escaping @Sendable () async throws -> Void
  ) async throws {
    let (number, isBehind, isFull) = state.withLock { state in
      state.lastNumber += 1
      state.running.insert(state.lastNumber)
      let isFull = state.running.count > limit * share
      if !state.overdue.isEmpty, !isFull { state.overdue.insert(state.lastNumber) }
      return (state.lastNumber, !state.overdue.isEmpty, isFull)
    }
    let outcome = Outcome()
    Task {
      do { try await write() } catch { outcome.error = error }
      end(number, outcome)
    }
    guard !isBehind || isFull else { return }
    let bell =
      isFull
      ? nil
      : Task {
        // A deadline, not a wait: the database may be held for longer than a reader has patience; a write that is done ends it.
        guard (try? await Task.sleep(for: patience)) != nil else { return }
        giveUp(number)
      }
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        guard state.running.contains(number), !state.overdue.contains(number) else { return true }
        state.waiters[number] = continuation
        return false
      }
      if isOver { continuation.resume() }
    }
    bell?.cancel()
    if let error = outcome.error { throw error }
  }

  /// Waits until all are done, but so long at most.
  func settle(atMost patience: Duration) async {
    let number = state.withLock { state -> Int? in
      guard !state.running.isEmpty else { return nil }
      state.lastNumber += 1
      return state.lastNumber
    }
    guard let number else { return }
    let bell = Task {
      // The daemon's time to end is over then, whether the database is free or not; writes that are done end it sooner.
      guard (try? await Task.sleep(for: patience)) != nil else { return }
      state.withLock { state -> CheckedContinuation<Void, Never>? in
        state.expired.insert(number)
        return state.settling.removeValue(forKey: number)
      }?.resume()
    }
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        guard !state.running.isEmpty, !state.expired.contains(number) else { return true }
        state.settling[number] = continuation
        return false
      }
      if isOver { continuation.resume() }
    }
    bell.cancel()
    state.withLock { _ = $0.expired.remove(number) }
  }

  private func end(_ number: Int, _ outcome: Outcome) {
    let (waiter, settled, isLate) = state.withLock { state in
      state.running.remove(number)
      let isLate = state.overdue.remove(number) != nil
      let settled = state.running.isEmpty ? Array(state.settling.values) : []
      if state.running.isEmpty { state.settling = [:] }
      return (state.waiters.removeValue(forKey: number), settled, isLate)
    }
    if isLate, let error = outcome.error { late(error) }
    waiter?.resume()
    for one in settled { one.resume() }
  }

  private func giveUp(_ number: Int) {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.running.contains(number) else { return nil }
      state.overdue.insert(number)
      return state.waiters.removeValue(forKey: number)
    }
    waiter?.resume()
  }
}
