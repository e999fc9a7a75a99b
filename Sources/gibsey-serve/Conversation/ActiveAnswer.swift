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
  }

  private struct State {
    var reader: Reader
    var task: Task<Void, Never>?
    var isCancelled = false
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
  func made(by task: Task<Void, Never>) {
    let isCancelled = state.withLock { state in
      state.task = task
      return state.isCancelled
    }
    if isCancelled { task.cancel() }
  }

  /// Stops making it.
  func cancel() {
    let task = state.withLock { state in
      state.isCancelled = true
      return state.task
    }
    task?.cancel()
  }

  /// From now on somebody reads it who came later.
  func follow(by task: Task<Void, Never>) {
    let before = state.withLock { state in
      defer { state.reader = .following(task) }
      return state.reader
    }
    switch before {
    case .following(let old), .nobody(let old?): old.cancel()
    case .direct, .nobody(nil): break
    }
  }

  /// Its reader has left; `ending` ends it when nobody comes.
  func leave(_ ending: Task<Void, Never>) {
    let before = state.withLock { state in
      defer { state.reader = .nobody(ending) }
      return state.reader
    }
    if case .following(let old) = before { old.cancel() }
  }
}
