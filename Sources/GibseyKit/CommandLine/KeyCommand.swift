// A command that prints a key, as keychains have them. Run once, when the provider is first asked.
internal import Glibc
internal import Synchronization

/// The key that a command prints. Its identity is the one run of it: a keychain may ask its owner.
final class KeyCommand: Sendable {
  private struct State {
    /// What came of the run; nil until it has ended.
    var outcome: Result<APIKey, any Error>?
    /// Ends the run that goes on; nil when there is none.
    var stop: Stop?
    var waiters: [Int: CheckedContinuation<APIKey, any Error>] = [:]
    /// The last one who stopped waiting: it goes when the command has gone, which must not outlive the program.
    var leaving: [CheckedContinuation<APIKey, any Error>] = []
    var lastWaiter = 0
  }

  private let command: String
  private let isLeader: Bool
  private let provider: String
  private let name: SettingName
  private let state = Mutex(State())

  /// - Parameter isLeader: see `Subprocess`.
  init(_ command: String, provider: String, name: SettingName, isLeader: Bool = true) {
    self.command = command
    self.isLeader = isLeader
    self.provider = provider
    self.name = name
  }

  /// When all who wait for it are cancelled, the command and what it started are ended; the next who asks runs it again.
  /// - Throws: `GibseyError.keyUnavailable`, which never tells what the command printed; `CancellationError`.
  func key() async throws -> APIKey {
    let id = state.withLock { state in
      state.lastWaiter += 1
      return state.lastWaiter
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { join(id, $0) }
    } onCancel: {
      leave(id)
    }
  }

  private func join(_ id: Int, _ continuation: CheckedContinuation<APIKey, any Error>) {
    let (outcome, mustStart) = state.withLock { state -> (Result<APIKey, any Error>?, Bool) in
      if let outcome = state.outcome { return (outcome, false) }
      // Cancelled before: whoever cancels from now on finds it among those who wait.
      guard !Task.isCancelled else { return (.failure(CancellationError()), false) }
      state.waiters[id] = continuation
      return (nil, state.waiters.count == 1 && state.stop == nil)
    }
    if let outcome { continuation.resume(with: outcome) }
    if mustStart { start() }
  }

  private func leave(_ id: Int) {
    let gone: CheckedContinuation<APIKey, any Error>? = state.withLock { state in
      guard let continuation = state.waiters.removeValue(forKey: id) else { return nil }
      guard state.waiters.isEmpty, let stop = state.stop else { return continuation }
      stop.tell()
      state.leaving.append(continuation)
      return nil
    }
    gone?.resume(throwing: CancellationError())
  }

  /// Runs the command on a thread of its own: it may take as long as its owner.
  private func start() {
    guard let stop = Stop() else { return end(.failure(failure(SystemCall.reason(errno)))) }
    let isWanted = state.withLock { state in
      guard state.stop == nil, !state.waiters.isEmpty else { return false }
      state.stop = stop
      return true
    }
    guard isWanted else { return }
    do {
      try WorkerThread.start { [self] in end(Result { try read(until: stop) }) }
    } catch {
      end(.failure(error))
    }
  }

  /// Tells everybody. Who came while a run that nobody waited for was ended gets one of their own.
  private func end(_ outcome: Result<APIKey, any Error>) {
    typealias Waiters = [CheckedContinuation<APIKey, any Error>]
    let (told, leaving, mustStart) = state.withLock { state -> (Waiters, Waiters, Bool) in
      state.stop = nil
      let leaving = state.leaving
      state.leaving = []
      if case .failure(is CancellationError) = outcome { return ([], leaving, !state.waiters.isEmpty) }
      state.outcome = outcome
      let told = Array(state.waiters.values)
      state.waiters = [:]
      return (told, leaving, false)
    }
    for waiter in told { waiter.resume(with: outcome) }
    for waiter in leaving { waiter.resume(throwing: CancellationError()) }
    if mustStart { start() }
  }

  private func failure(_ reason: String) -> GibseyError {
    .keyUnavailable(provider: provider, name: name.rawValue, reason: reason)
  }

  private func read(until stop: Stop) throws -> APIKey {
    let output: (bytes: [UInt8], status: Int32)
    do {
      output = try Subprocess(command, isLeader: isLeader).output(until: stop)
    } catch let problem as Subprocess.Problem {
      throw failure(problem.reason)
    }
    let status = output.status
    guard status == 0 else {
      throw failure(status & 0x7F == 0 ? "exit status \(status >> 8 & 0xFF)" : "ended by signal \(status & 0x7F)")
    }
    guard let text = String(validating: output.bytes, as: UTF8.self), let key = Settings.key(in: text) else {
      throw failure("it did not print one line with a key, without spaces")
    }
    return key
  }
}

/// A pipe that tells a thread to stop waiting. Its identity is its two ends.
final class Stop: Sendable {
  let readEnd: Int32
  private let writeEnd: Int32

  /// Nil when the system gives no pipe; `errno` says why.
  init?() {
    guard let ends = SystemCall.pipe() else { return nil }
    (readEnd, writeEnd) = ends
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  func tell() { _ = write(writeEnd, [0], 1) }
}
