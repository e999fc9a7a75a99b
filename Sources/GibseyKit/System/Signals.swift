// The first interrupt is a request, the second an order.
internal import Dispatch
internal import Glibc
internal import Synchronization

/// Watches SIGINT and SIGTERM while it lives: the first one is told, the second kills at once. And SIGHUP, where somebody
/// wants to hear of it.
public final class Signals: @unchecked Sendable {  // sources: set in init, left alone until deinit
  private struct State {
    var received: Int32?
    var listener: (@Sendable (Int32) -> Void)?
  }

  private let state = Mutex(State())
  private var sources: [any DispatchSourceSignal] = []
  /// A byte is written to `writeEnd` at the first signal, so that a wait for input ends.
  private let readEnd: Int32
  private let writeEnd: Int32

  /// - Parameter onHangup: told of each SIGHUP; nil leaves it as it is.
  public init(onHangup: (@Sendable () -> Void)? = nil) {
    var ends: [Int32] = [-1, -1]
    _ = pipe(&ends)
    (readEnd, writeEnd) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { @Sendable [weak self] in self?.receive(number) }
      source.resume()
      sources.append(source)
    }
    if let onHangup {
      signal(SIGHUP, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
      source.setEventHandler { @Sendable in onHangup() }
      source.resume()
      sources.append(source)
    }
  }

  deinit {
    for source in sources { source.cancel() }
    close(readEnd)
    close(writeEnd)
  }

  /// The first signal that came.
  public var received: Int32? { state.withLock { $0.received } }

  /// Calls `listener` at the first signal, or now if it has come. One listener at a time; nil for none.
  public func listen(_ listener: (@Sendable (Int32) -> Void)?) {
    let received = state.withLock { state in
      state.listener = listener
      return state.received
    }
    if let received { listener?(received) }
  }

  /// Ends the wait for input, now and from now on.
  public func endWaiting() { _ = write(writeEnd, [0], 1) }

  /// Waits until the input has bytes or its end; false when a signal or `endWaiting` came first.
  public func waitForInput(_ input: FileDescriptor) -> Bool {
    while received == nil {
      var waits = [
        pollfd(fd: input.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&waits, 2, -1)
      if count > 0 { return waits[1].revents == 0 }
      if count < 0, errno != EINTR { return true }
    }
    return false
  }

  private func receive(_ number: Int32) {
    let (isFirst, listener) = state.withLock { state in
      defer { state.received = state.received ?? number }
      return (state.received == nil, state.listener)
    }
    guard isFirst else { return Self.die(by: number) }
    endWaiting()
    listener?(number)
  }

  private static func die(by number: Int32) {
    signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    raise(number)
  }
}
