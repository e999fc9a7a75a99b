// The first interrupt is a request, the second an order.
internal import Dispatch
internal import Glibc
internal import Synchronization

/// Where the handler writes the number of a signal; -1 while nobody watches. A handler may touch no more than this.
private let handlerEnd = Atomic<Int32>(-1)

/// Watches SIGINT and SIGTERM while it lives: the first one is told, the second kills at once. And SIGHUP, where somebody
/// wants to hear of it. A signal that comes any time after `init` is kept until it is told: none is lost, none comes early.
/// One process has one watch at a time.
public final class Signals: @unchecked Sendable {  // source: set in init, left alone until deinit
  private struct State {
    var received: Int32?
    var listener: (@Sendable (Int32) -> Void)?
  }

  private let state = Mutex(State())
  private let onHangup: (@Sendable () -> Void)?
  private let source: any DispatchSourceRead
  /// What the handler wrote is read here.
  private let arrivals: (read: Int32, write: Int32)
  /// A byte is written at the first signal and stays, so that every wait for input ends.
  private let ending: (read: Int32, write: Int32)

  /// - Parameter onHangup: told of each SIGHUP; nil leaves it as it is.
  public init(onHangup: (@Sendable () -> Void)? = nil) {
    self.onHangup = onHangup
    arrivals = Self.pipe()
    ending = Self.pipe()
    source = DispatchSource.makeReadSource(fileDescriptor: arrivals.read, queue: .global())
    handlerEnd.store(arrivals.write, ordering: .sequentiallyConsistent)
    for number in [SIGINT, SIGTERM] + (onHangup == nil ? [] : [SIGHUP]) { Self.catch(number) }
    source.setEventHandler { @Sendable [weak self] in self?.receiveAll() }
    let (read, write) = arrivals
    source.setCancelHandler { @Sendable in
      close(read)
      close(write)
    }
    source.resume()
  }

  deinit {
    handlerEnd.store(-1, ordering: .sequentiallyConsistent)
    source.cancel()
    close(ending.read)
    close(ending.write)
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
  public func endWaiting() { _ = write(ending.write, [0], 1) }

  /// Waits until the input has bytes or its end; false when a signal or `endWaiting` came first.
  public func waitForInput(_ input: FileDescriptor) -> Bool {
    while received == nil {
      var waits = [
        pollfd(fd: input.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: ending.read, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&waits, 2, -1)
      if count > 0 { return waits[1].revents == 0 }
      if count < 0, errno != EINTR { return true }
    }
    return false
  }

  /// Two ends that no child inherits and on which nobody waits.
  private static func pipe() -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    _ = Glibc.pipe(&ends)
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    return (ends[0], ends[1])
  }

  private static func `catch`(_ number: Int32) {
    var action = sigaction()
    action.sa_flags = SA_RESTART
    action.__sigaction_handler.sa_handler = { number in
      let before = errno
      var byte = UInt8(truncatingIfNeeded: number)
      _ = write(handlerEnd.load(ordering: .relaxed), &byte, 1)
      errno = before
    }
    sigaction(number, &action, nil)
  }

  private func receiveAll() {
    var byte: UInt8 = 0
    while read(arrivals.read, &byte, 1) == 1 { receive(Int32(byte)) }
  }

  private func receive(_ number: Int32) {
    if number == SIGHUP { return onHangup?() ?? () }
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
