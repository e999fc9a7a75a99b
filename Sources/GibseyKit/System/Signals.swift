// The first interrupt is a request, the second an order.
internal import Glibc
internal import Synchronization

/// Where the handler writes the number of a signal; -1 while nobody watches. A handler may touch no more than this.
private let handlerEnd = Atomic<Int32>(-1)

/// Watches SIGINT and SIGTERM while it lives: the first one is told, the second kills at once. And SIGHUP, where somebody
/// wants to hear of it. What whoever started the process has it ignore stays ignored. A signal that comes any time after `init` is kept until it is told: none is lost, none comes early.
/// One process has one watch at a time.
public final class Signals: Sendable {
  private struct State {
    var received: Int32?
    var listener: (@Sendable (Int32) -> Void)?
  }

  private let state = Mutex(State())
  private let onHangup: (@Sendable () -> Void)?
  /// What the handler writes to; closing it ends the thread that reads.
  private let arrivals: Int32
  /// A byte is written at the first signal and stays, so that every wait for input ends.
  private let ending: (readEnd: Int32, writeEnd: Int32)

  /// - Parameter onHangup: told of each SIGHUP; nil leaves it as it is.
  /// - Throws: `GibseyError.tooFewDescriptors`, `.tooFewThreads`; `.ourBug` where the system gives no pipe for another reason.
  public init(onHangup: (@Sendable () -> Void)? = nil) throws {
    guard let arriving = SystemCall.pipe(), let ending = SystemCall.pipe() else {
      throw GibseyError.systemRefused("pipe for signals", errno)
    }
    self.onHangup = onHangup
    self.ending = ending
    arrivals = arriving.writeEnd
    try WorkerThread.start { [weak self] in
      defer { close(arriving.readEnd) }
      while let number = Self.next(arriving.readEnd) { self?.receive(number) }
    }
    handlerEnd.store(arrivals, ordering: .sequentiallyConsistent)
    for number in [SIGINT, SIGTERM] + (onHangup == nil ? [] : [SIGHUP]) { Self.catch(number) }
  }

  deinit {
    handlerEnd.store(-1, ordering: .sequentiallyConsistent)
    for end in [arrivals, ending.readEnd, ending.writeEnd] { close(end) }
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
  public func endWaiting() { _ = write(ending.writeEnd, [0], 1) }

  /// Waits until the input has bytes or its end; false when `endWaiting` came first, or a signal, which the listener has
  /// heard by then.
  public func waitForInput(_ input: FileDescriptor) -> Bool {
    while true {
      var waits = [
        pollfd(fd: input.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: ending.readEnd, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&waits, 2, -1)
      if count > 0 { return waits[1].revents == 0 }
      if count < 0, errno != EINTR { return true }
    }
  }

  private static func `catch`(_ number: Int32) {
    var action = sigaction()
    // As shells have a command in the background ignore SIGINT, and nohup(1) SIGHUP (POSIX, Shell Command Language §2.12).
    guard sigaction(number, nil, &action) == 0, !isIgnored(action) else { return }
    action = sigaction()
    action.sa_flags = SA_RESTART
    action.__sigaction_handler.sa_handler = { number in
      let before = errno
      var byte = UInt8(truncatingIfNeeded: number)
      _ = write(handlerEnd.load(ordering: .relaxed), &byte, 1)
      errno = before
    }
    sigaction(number, &action, nil)
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Waits for a signal; nil when nobody watches any more.
  private static func next(_ readEnd: Int32) -> Int32? {
    while true {
      var number: UInt8 = 0
      let count = read(readEnd, &number, 1)
      if count == 1 { return Int32(number) }
      guard count < 0, errno == EINTR else { return nil }
    }
  }

  private func receive(_ number: Int32) {
    if number == SIGHUP { return onHangup?() ?? () }
    let (isFirst, listener) = state.withLock { state in
      defer { state.received = state.received ?? number }
      return (state.received == nil, state.listener)
    }
    guard isFirst else { return Self.die(by: number) }
    // In this order: whoever waited for input finds what is to end ended.
    listener?(number)
    endWaiting()
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
