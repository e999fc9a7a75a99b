// The way out of one connection: whoever writes more than its reader takes has to wait.
import NIOCore
import Synchronization

/// Writes to one channel from any thread, bounded. Its identity is the connection.
final class Outlet: Sendable {
  /// A writer that waits for room.
  private struct Waiter {
    let continuation: CheckedContinuation<Bool, any Error>
    /// For whom it writes, where somebody may not want to wait for it.
    let owner: ObjectIdentifier?
    /// Whether the kernel was full meanwhile.
    var isLate: Bool
  }

  /// What was given and has not been written.
  private struct Message {
    let count: Int
    let write: @Sendable (any Channel, EventLoopPromise<Void>) -> Void
  }

  private struct State {
    /// In the order in which they were given, by whatever thread.
    var messages: [Message] = []
    /// Whether the event loop was asked to write them.
    var isCalled = false
    var pendingBytes = 0
    /// Of these, what the event loop has given to the kernel and the kernel has not taken.
    var givenBytes = 0
    /// Whether the kernel would take no more: the reader is behind by all that it and the kernel hold. That the event loop has
    /// not yet come to what is pending is not the reader's fault.
    var isRefused = false
    var isClosed = false
    var lastWaiter = 0
    var waiters: [Int: Waiter] = [:]
    /// Those for whom nobody waits here.
    var hurried: Set<ObjectIdentifier> = []
    /// Since when nothing was taken although something waits.
    var stuckSince: NIODeadline?
    var onRoom: (@Sendable () -> Void)?
    /// How many stream now, and their way past the event loop.
    var streams = 0
    var line: SocketDescriptor?
  }

  /// So many times the limit are waiting, and what the reader says is not heard any more.
  private static let floodFactor = 4

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
  /// Whether as much waits as may: who writes would have to wait.
  var isBehind: Bool { state.withLock { $0.pendingBytes > limitBytes } }
  /// Whether somebody waits for a reader who lags.
  var isAwaited: Bool { state.withLock { $0.waiters.values.contains(where: \.isLate) } }
  /// Whether so much waits that the reader must be deaf.
  var isFlooded: Bool { state.withLock { $0.pendingBytes > limitBytes * Self.floodFactor } }

  /// Calls `body` on the event loop each time that there is room again.
  func onRoom(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onRoom = body } }

  /// Since when the reader has taken nothing of what waits for it; nil while it keeps up.
  var stuckSince: NIODeadline? { state.withLock { $0.stuckSince } }

  /// Writes, without waiting; false when the connection is closed. What is given first goes out first, whoever gave it.
  /// - Parameter isLast: nothing is written after it.
  @discardableResult
  func offer<Data: Sendable>(_ data: Data, count: Int, isLast: Bool = false) -> Bool {
    let next = state.withLock { state -> Next in
      guard !state.isClosed else { return .closed }
      state.isClosed = isLast
      return Self.queue(data, count, in: &state)
    }
    return go(next)
  }

  /// What is to be done once something was queued.
  private enum Next {
    case nothing, call, closed
  }

  private static func queue<Data: Sendable>(_ data: Data, _ count: Int, in state: inout State) -> Next {
    if state.pendingBytes == 0 { state.stuckSince = .now() }
    state.pendingBytes += count
    state.messages.append(Message(count: count) { channel, promise in channel.write(data, promise: promise) })
    defer { state.isCalled = true }
    return state.isCalled ? .nothing : .call
  }

  private func go(_ next: Next) -> Bool {
    guard next != .closed else { return false }
    if channel.eventLoop.inEventLoop {
      give()
    } else if next == .call {
      channel.eventLoop.execute { [self] in give() }
    }
    return true
  }

  /// Somebody streams from now on: as soon as there is a line, `stream` goes past the event loop.
  func beginStream() {
    let isFirst = state.withLock { state in
      state.streams += 1
      return state.streams == 1
    }
    guard isFirst else { return }
    channel.eventLoop.execute { [self] in
      guard let line = SocketDescriptor(channel) else { return }
      state.withLock { state in
        if state.streams > 0, !state.isClosed { state.line = line }
      }
    }
  }

  /// Somebody who began streams no more.
  func endStream() {
    // Closed outside of the lock.
    _ = state.withLock { state -> SocketDescriptor? in
      state.streams -= 1
      return state.streams == 0 ? state.line.take() : nil
    }
  }

  /// Writes bytes for somebody who streams. What the kernel takes at once is written at once, by the thread that calls, unless
  /// something waits before it.
  /// - Returns: whether there is room for more; else `room` is to be awaited.
  /// - Throws: `CancellationError` when the connection is closed.
  func stream(_ bytes: ByteBuffer) throws -> Bool {
    var bytes = bytes
    let (next, hasRoom) = state.withLock { state -> (Next?, Bool) in
      guard !state.isClosed else { return (.closed, false) }
      if state.pendingBytes == 0, let line = state.line {
        line.write(&bytes)
        guard bytes.readableBytes > 0 else { return (nil, true) }
      }
      return (Self.queue(bytes, bytes.readableBytes, in: &state), state.pendingBytes <= limitBytes)
    }
    guard let next else { return hasRoom }
    guard go(next) else { throw CancellationError() }
    return hasRoom
  }

  /// From now on, and until `calm`, nobody waits here for that owner, and who waits goes on, as one who is cancelled does.
  func hurry(_ owner: ObjectIdentifier) {
    let waiters = state.withLock { state in
      state.hurried.insert(owner)
      let ids = state.waiters.filter { $0.value.owner == owner }.keys
      return ids.compactMap { state.waiters.removeValue(forKey: $0) }
    }
    for waiter in waiters { waiter.continuation.resume(throwing: CancellationError()) }
  }

  func calm(_ owner: ObjectIdentifier) { state.withLock { _ = $0.hurried.remove(owner) } }

  /// On the event loop: what the kernel takes, it takes now.
  private func give() {
    let messages = state.withLock { state in
      defer { (state.messages, state.isCalled) = ([], false) }
      state.givenBytes += state.messages.reduce(0) { $0 + $1.count }
      return state.messages
    }
    guard !messages.isEmpty else { return }
    for message in messages {
      let promise = channel.eventLoop.makePromise(of: Void.self)
      promise.futureResult.whenComplete { [self] _ in written(message.count) }
      message.write(channel, promise)
    }
    channel.flush()
    state.withLock { state in
      state.isRefused = state.givenBytes > 0
      guard state.isRefused else { return }
      for id in state.waiters.keys { state.waiters[id]?.isLate = true }
    }
  }

  /// Writes, and waits while as much waits as may.
  /// - Returns: whether the reader lags.
  /// - Throws: `CancellationError` when the connection is closed or the task is cancelled.
  @discardableResult
  func send<Data: Sendable>(_ data: Data, count: Int) async throws -> Bool {
    guard offer(data, count: count) else { throw CancellationError() }
    return try await room()
  }

  /// Waits until no more than the limit is waiting. Several who wait are woken together, and each looks again: what the one has
  /// written may leave no room for the other.
  /// - Returns: whether the reader lags: that it had to be waited for, and the kernel was full meanwhile.
  /// - Throws: as `send`.
  @discardableResult
  func room(for owner: ObjectIdentifier? = nil) async throws -> Bool {
    var isLate = false
    while let id = waiterNumber() { isLate = try await wait(as: id, for: owner) || isLate }
    return isLate
  }

  /// The number of one who has to wait; nil when there is room.
  private func waiterNumber() -> Int? {
    state.withLock { state in
      guard state.pendingBytes > limitBytes || state.isClosed else { return nil }
      state.lastWaiter += 1
      return state.lastWaiter
    }
  }

  /// Waits until half of the limit is waiting, or somebody else was let go on.
  private func wait(as id: Int, for owner: ObjectIdentifier?) async throws -> Bool {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Bool, any Error>) in
        let ready: Result<Bool, any Error>? = state.withLock { state in
          if state.isClosed || Task.isCancelled || owner.map(state.hurried.contains) == true {
            return .failure(CancellationError())
          }
          if state.pendingBytes <= limitBytes / 2 { return .success(false) }
          state.waiters[id] = Waiter(continuation: continuation, owner: owner, isLate: state.isRefused)
          return nil
        }
        if let ready { continuation.resume(with: ready) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
    }
  }

  private func written(_ count: Int) {
    let (waiters, onRoom) = state.withLock { state -> ([Waiter], (@Sendable () -> Void)?) in
      state.pendingBytes -= count
      state.givenBytes -= count
      if state.givenBytes == 0 { state.isRefused = false }
      state.stuckSince = state.pendingBytes == 0 ? nil : .now()
      guard state.pendingBytes <= limitBytes / 2 else { return ([], nil) }
      defer { state.waiters = [:] }
      return (Array(state.waiters.values), state.onRoom)
    }
    for waiter in waiters { waiter.continuation.resume(returning: waiter.isLate) }
    onRoom?()
  }

  /// The connection is gone: nobody waits any more.
  func close() {
    let (waiters, line) = state.withLock { state in
      state.isClosed = true
      state.onRoom = nil
      defer { state.waiters = [:] }
      return (Array(state.waiters.values), state.line.take())
    }
    // The last to hold it closes it, and with it the connection.
    _ = line
    for waiter in waiters { waiter.continuation.resume(throwing: CancellationError()) }
  }
}
