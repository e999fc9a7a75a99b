// Lines for a reader that may be slow: those who write never wait for it.
internal import Dispatch
internal import Synchronization

/// Writes lines to a descriptor from a thread of its own. What finds no room, because the reader stalls or the disk is full, is
/// dropped and counted. Its identity is the thread, which ends with it.
public final class LineWriter: Sendable {
  private struct State {
    var pending: [UInt8] = []
    /// Where lines of these end that tell of dropped ones, and of how many.
    var told: [(end: Int, dropped: Int)] = []
    /// Lines dropped since the last one that was taken.
    var dropped = 0
    var droppedInAll = 0
    /// The reader left, or the writer is closed.
    var isOver = false

    mutating func lose(_ lines: Int, isOver: Bool) {
      dropped += lines
      droppedInAll += lines
      if isOver { self.isOver = true }
    }
  }

  private final class Desk: Sendable {
    let state = Mutex(State())
    let news = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)

    /// Writes until there is nothing more to come.
    func work(_ descriptor: FileDescriptor, _ name: String, _ failed: (GibseyError) -> Void) {
      var isFailing = false
      // Of a line that a full disk cut: what is written first when there is room again.
      var rest: [UInt8] = []
      while true {
        news.wait()
        let (block, told, isOver) = state.withLock { state in
          defer { (state.pending, state.told) = ([], []) }
          return (state.pending, state.told, state.isOver)
        }
        if !block.isEmpty || !rest.isEmpty {
          let (count, failure) = descriptor.writeUntilFailure(rest + block, named: name)
          var taken = max(0, count - rest.count)
          rest.removeFirst(min(count, rest.count))
          if let failure {
            var lost = 0
            if failure == .readerLeft {
              lost = rest.isEmpty ? 0 : 1
              rest = []
            } else if taken > 0, block[taken - 1] != 0x0A {
              let cut = block[taken...].prefix { $0 != 0x0A } + [0x0A]
              rest = Array(cut)
              taken += cut.count
            }
            lost += block[taken...].count { $0 == 0x0A }
            state.withLock { state in
              state.lose(lost, isOver: failure == .readerLeft)
              // What the lost ones would have told is told by the next.
              state.dropped += told.reduce(0) { $0 + ($1.end > taken ? $1.dropped : 0) }
            }
            if !isFailing { failed(failure) }
          }
          isFailing = failure != nil
        }
        // A rest is tried once more: who ends it from outside has said so by `news`.
        if isOver || state.withLock({ $0.isOver && $0.pending.isEmpty }) && rest.isEmpty {
          if !rest.isEmpty { state.withLock { $0.lose(1, isOver: true) } }
          ended.signal()
          return
        }
      }
    }
  }

  private let desk = Desk()
  private let limitBytes: Int

  /// - Parameters:
  ///   - limitBytes: lines that wait for the reader may be this long, all together.
  ///   - failed: called on the thread when writing fails for the first time, and again when it had worked meanwhile. What comes
  ///     later is tried again, unless the reader left.
  /// - Throws: `GibseyError.ourBug` when there is no thread.
  public init(
    _ descriptor: FileDescriptor, named name: String, limitBytes: Int = 4 << 20,
    failed: @escaping @Sendable (GibseyError) -> Void = { _ in }
  ) throws {
    self.limitBytes = limitBytes
    try WorkerThread.start { [desk] in desk.work(descriptor, name, failed) }
  }

  deinit {
    desk.state.withLock { $0.isOver = true }
    desk.news.signal()
  }

  /// Lines that were dropped since the start.
  public var droppedCount: Int { desk.state.withLock { $0.droppedInAll } }

  /// Takes a line, its line feed included; it is made only when there is room for it.
  /// - Parameter line: given how many were dropped just before it.
  public func write(_ line: (_ dropped: Int) -> [UInt8]) {
    let mustWake = desk.state.withLock { state in
      guard !state.isOver, state.pending.count < limitBytes else {
        state.lose(1, isOver: false)
        return false
      }
      let wasEmpty = state.pending.isEmpty
      state.pending += line(state.dropped)
      if state.dropped > 0 { state.told.append((state.pending.count, state.dropped)) }
      state.dropped = 0
      return wasEmpty
    }
    if mustWake { desk.news.signal() }
  }

  /// Ends it: what was taken is written, but a reader that stalls is waited for no longer than `limit`.
  public func close(limit: Duration = .seconds(1)) {
    desk.state.withLock { $0.isOver = true }
    desk.news.signal()
    let nanoseconds = Int(limit / .nanoseconds(1))
    _ = desk.ended.wait(timeout: .now() + .nanoseconds(nanoseconds))
  }
}
