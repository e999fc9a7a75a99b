// An answer that is being made, and who it goes to.
import GibseyKit
import NIOCore
import Synchronization

/// One answer from its question to its end, and a while longer where its reader may come back. Its identity is the response.
///
/// Whoever reads it has a turn: 0 is who asked, and each who comes later has a later one.
final class ActiveAnswer: Sendable {
  /// How who asked is sent it.
  private enum Asker {
    /// By the task that makes it, which waits for them.
    case direct(Socket)
    /// Others read it as well, and must not wait for a connection that may be dead: they are to be sent it by a task of their own.
    case parting
    /// By such a task, in another way, or not at all any more.
    case apart
  }

  private struct State {
    var asker: Asker
    /// The turns of those who are sent it by tasks of their own.
    var followers: Set<Int> = []
    /// Ends the answer when nobody comes back.
    var lingering: Task<Void, Never>?
    var stop: (@Sendable () -> Void)?
    var isCancelled = false
    var isTold = false
    /// Whether it may go on when nobody reads it.
    var goesOn = true
    /// The socket that the maker is writing to, whether it was hurried, and who waits until it has.
    var written: Socket?
    var isHurried = false
    var waiters: [CheckedContinuation<Void, Never>] = []

    var isRead: Bool { if case .apart = asker { !followers.isEmpty } else { true } }
  }

  let live: LiveAnswer
  /// Whether it outlives its reader for a while.
  let isResumable: Bool
  private let state: Mutex<State>

  init(_ live: LiveAnswer, for socket: Socket?, isResumable: Bool) {
    self.live = live
    self.isResumable = isResumable
    state = Mutex(State(asker: socket.map { .direct($0) } ?? .apart))
  }

  /// The maker of the answer is about to write a piece.
  /// - Parameter isLost: whether who asked is known to be gone.
  /// - Returns: the socket that it writes to, which it then tells `endWriting`; nil while there is none, or who asked has their own
  ///   way. And whether who asked is to be sent the rest by a task of their own from now on: true once.
  func beginWriting(isLost: Bool) -> (socket: Socket?, parts: Bool) {
    state.withLock { state in
      switch state.asker {
      case .direct(let socket):
        guard !isLost else { return (nil, false) }
        state.written = socket
        return (socket, false)
      case .parting:
        state.asker = .apart
        state.followers.insert(0)
        return (nil, true)
      case .apart: return (nil, false)
      }
    }
  }

  /// The maker has written its piece, or will not.
  func endWriting(to socket: Socket) {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.written = nil
      // Under the lock, as `join` has it: nobody hurries who writes no more, and the next answer may have this one's address.
      if state.isHurried { socket.calm(ObjectIdentifier(self)) }
      state.isHurried = false
      guard !state.waiters.isEmpty else { return [] }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits until the maker has written what it is writing to a socket. After `join` of that one it writes nothing more there.
  func written(to socket: Socket?) async {
    await withCheckedContinuation { continuation in
      let waits = state.withLock { state in
        guard let written = state.written, written === socket else { return false }
        state.waiters.append(continuation)
        return true
      }
      if !waits { continuation.resume() }
    }
  }

  /// What ends the making of it.
  func made(_ stop: @escaping @Sendable () -> Void) {
    let isCancelled = state.withLock { state in
      if !state.isTold { state.stop = stop }
      return state.isCancelled
    }
    if isCancelled { stop() }
  }

  /// Whether its end was written to all who read it, or nobody does. Until then it is known, and may be cancelled.
  var isTold: Bool { state.withLock { $0.isTold && !$0.isRead } }

  /// The maker of the answer has nothing more to do. Nobody who leaves from now on ends anything.
  func told() {
    let lingering = state.withLock { state in
      state.isTold = true
      // The task, and what it holds.
      state.stop = nil
      state.asker = .apart
      return state.lingering.take()
    }
    lingering?.cancel()
  }

  /// Stops making it. Where all of it is there and only waits for a reader who lags, its own end is told.
  func cancel() {
    let stop = state.withLock { state in
      state.isCancelled = true
      return live.hasEnded ? nil : state.stop
    }
    stop?()
  }

  /// From now on somebody reads it who came later; whoever read it before goes on.
  /// - Parameters:
  ///   - turn: as `LiveAnswer.resume` gave it.
  ///   - socket: of the one who came; when it is the asker's own, this takes the place of what they were sent before.
  func join(turn: Int, _ socket: Socket?) {
    let lingering = state.withLock { state in
      state.followers.insert(turn)
      if case .direct(let asker) = state.asker { state.asker = asker === socket ? .apart : .parting }
      // The maker may be waiting for a connection that is dead, and who comes would wait with it until that is cut.
      if let written = state.written, written !== socket {
        written.hurry(ObjectIdentifier(self))
        state.isHurried = true
      }
      return state.lingering.take()
    }
    lingering?.cancel()
  }

  /// The reader whose turn it is has all of it.
  func finish(turn: Int) { state.withLock { _ = $0.followers.remove(turn) } }

  /// The reader whose turn it is has left; `ending` ends the answer when nobody comes. Nothing happens while others read it, or when
  /// it is to be ended already or has ended.
  /// - Parameters:
  ///   - mayGoOn: whether there is room for it without who asked; others bring none with them.
  ///   - ending: is told whether somebody may come: it goes on, or is there.
  func leave(turn: Int, mayGoOn: Bool, _ ending: (_ isAwaited: Bool) -> Task<Void, Never>) {
    let old = state.withLock { state -> Task<Void, Never>? in
      state.followers.remove(turn)
      // Who asked may have been read to as others are, and be told of as gone before their socket is.
      if turn == 0 { (state.asker, state.goesOn) = (.apart, state.goesOn && mayGoOn) }
      guard !state.isRead, !state.isTold else { return nil }
      let isAwaited = state.goesOn || live.hasEnded
      guard state.lingering == nil || !isAwaited else { return nil }
      defer { state.lingering = ending(isAwaited) }
      return state.lingering
    }
    old?.cancel()
  }
}
