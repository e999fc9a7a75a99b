// An answer that is being made, and who it goes to.
import GibseyKit
import NIOCore
import Synchronization

/// One answer from its question to its end, and a while longer where its reader may come back. Its identity is the response.
final class ActiveAnswer: Sendable {
  /// Who is sent the answer by the task that makes it, or by one of their own.
  private enum Reader {
    case direct(Socket)
    case following(Task<Void, Never>)
    case nobody(Task<Void, Never>?)

    /// What is to be cancelled when another comes in its place.
    var task: Task<Void, Never>? {
      switch self {
      case .following(let task), .nobody(let task?): task
      case .direct, .nobody(nil): nil
      }
    }
  }

  private struct State {
    var reader: Reader
    /// Whose turn it is to read: 0 is who asked, and each who comes later has a later one.
    var turn = 0
    var stop: (@Sendable () -> Void)?
    var isCancelled = false
    var isTold = false
  }

  let live: LiveAnswer
  /// Whether it outlives its reader for a while.
  let isResumable: Bool
  private let state: Mutex<State>

  init(_ live: LiveAnswer, for socket: Socket?, isResumable: Bool) {
    self.live = live
    self.isResumable = isResumable
    state = Mutex(State(reader: socket.map { .direct($0) } ?? .nobody(nil)))
  }

  /// The socket that the maker of the answer writes to; nil while there is none, or it has its own way.
  var direct: Socket? {
    state.withLock { if case .direct(let socket) = $0.reader { socket } else { nil } }
  }

  /// The task that makes the answer.
  func made(by task: Task<Void, Never>) { stopped { task.cancel() } }

  /// What ends the making of it.
  func stopped(by stop: @escaping @Sendable () -> Void) {
    let isCancelled = state.withLock { state in
      state.stop = stop
      return state.isCancelled
    }
    if isCancelled { stop() }
  }

  /// Whether somebody wanted it to end.
  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Whether its end was written to whoever reads it, or nobody does. Until then it is known, and may be cancelled.
  var isTold: Bool {
    state.withLock { state in if case .following = state.reader { false } else { state.isTold } }
  }
  /// The maker of the answer has nothing more to do.
  func told() { state.withLock { $0.isTold = true } }

  /// Stops making it. Where all of it is there and only waits for a reader who lags, its own end is told.
  func cancel() {
    let stop = state.withLock { state in
      state.isCancelled = true
      return live.hasEnded ? nil : state.stop
    }
    stop?()
  }

  /// From now on somebody reads it who came later; who came later still is not disturbed.
  /// - Parameter turn: as `LiveAnswer.resume` gave it.
  func follow(by task: Task<Void, Never>, turn: Int) {
    let old = state.withLock { state -> Task<Void, Never>? in
      guard turn > state.turn else { return task }
      defer { (state.reader, state.turn) = (.following(task), turn) }
      return state.reader.task
    }
    old?.cancel()
  }

  /// The reader whose turn it was has all of it.
  func finish(turn: Int) {
    state.withLock { state in if turn >= state.turn { (state.reader, state.turn) = (.nobody(nil), turn) } }
  }

  /// The reader whose turn it was has left; `ending` ends the answer when nobody comes. Nothing happens when somebody has come.
  func leave(turn: Int, _ ending: () -> Task<Void, Never>) {
    let old = state.withLock { state -> Task<Void, Never>? in
      guard turn >= state.turn else { return nil }
      let old = state.reader.task
      (state.reader, state.turn) = (.nobody(ending()), turn)
      return old
    }
    old?.cancel()
  }
}
