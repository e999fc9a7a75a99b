// The way out of one connection: whoever writes more than its reader takes has to wait.
import NIOCore
import Synchronization

/// Writes to one channel from any thread, bounded. Its identity is the connection.
final class Outlet: Sendable {
  private struct State {
    var pendingBytes = 0
    var isClosed = false
    var lastWaiter = 0
    var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
    /// Since when nothing was taken although something waits.
    var stuckSince: NIODeadline?
  }

  private let channel: any Channel
  private let limitBytes: Int
  private let state = Mutex(State())

  init(_ channel: any Channel, limitBytes: Int) {
    self.channel = channel
    self.limitBytes = limitBytes
  }

  /// What was given and is not yet with the kernel.
  var pendingBytes: Int { state.withLock { $0.pendingBytes } }
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Since when the reader has taken nothing of what waits for it; nil while it keeps up.
  var stuckSince: NIODeadline? { state.withLock { $0.stuckSince } }

  /// Writes, without waiting; false when the connection is closed.
  @discardableResult
  func offer<Message: Sendable>(_ message: Message, count: Int) -> Bool {
    let isOpen = state.withLock { state in
      guard !state.isClosed else { return false }
      if state.pendingBytes == 0 { state.stuckSince = .now() }
      state.pendingBytes += count
      return true
    }
    guard isOpen else { return false }
    let promise = channel.eventLoop.makePromise(of: Void.self)
    promise.futureResult.whenComplete { [self] _ in written(count) }
    channel.writeAndFlush(message, promise: promise)
    return true
  }

  /// Writes, and waits while the reader is behind.
  /// - Throws: `CancellationError` when the connection is closed or the task is cancelled.
  func send<Message: Sendable>(_ message: Message, count: Int) async throws {
    guard offer(message, count: count) else { throw CancellationError() }
    try await room()
  }

  /// Waits until no more than the limit is waiting.
  /// - Throws: as `send`.
  func room() async throws {
    let id: Int? = state.withLock { state in
      guard state.pendingBytes > limitBytes || state.isClosed else { return nil }
      state.lastWaiter += 1
      return state.lastWaiter
    }
    guard let id else { return }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let isReady: Bool? = state.withLock { state in
          if state.isClosed || Task.isCancelled { return false }
          if state.pendingBytes <= limitBytes / 2 { return true }
          state.waiters[id] = continuation
          return nil
        }
        switch isReady {
        case true?: continuation.resume()
        case false?: continuation.resume(throwing: CancellationError())
        case nil: break
        }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }

  private func written(_ count: Int) {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, any Error>] in
      state.pendingBytes -= count
      state.stuckSince = state.pendingBytes == 0 ? nil : .now()
      guard state.pendingBytes <= limitBytes / 2 else { return [] }
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.resume() }
  }

  /// The connection is gone: nobody waits any more.
  func close() {
    let waiters = state.withLock { state in
      state.isClosed = true
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.resume(throwing: CancellationError()) }
  }
}
