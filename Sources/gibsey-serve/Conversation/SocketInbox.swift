// What came over a socket, and what of it is still to be done.
import GibseyKit
import Synchronization

/// Has the records of one reader heard in their order. A move to a page asks the database, and a question goes by the move before it:
/// these are done one after the other, and nothing else waits for them. What was said before the connection ended is heard after it
/// as well. Its identity is the connection's.
final class SocketInbox: Sendable {
  enum Message: Sendable {
    case text([UInt8])
    /// Its length is all that counts.
    case binary(Int)

    var count: Int {
      switch self {
      case .text(let bytes): bytes.count
      case .binary(let count): count
      }
    }
  }

  /// What is done in the order in which it came.
  enum Step: Sendable {
    case move(FrameData)
    case question(ChatRequest)
    /// Of a question that may be between two places just now.
    case cancel(requestID: String)
  }

  private struct State {
    var messages: [Message] = []
    var isReading = false
    var steps: [(step: Step, bytes: Int)] = []
    /// Whether one is being done.
    var isMoving = false
    /// Whether that one is a question, on its way into the queue.
    var isAsking = false
    /// Of both.
    var bytes = 0
    /// What comes now is not done, for something before it is not either.
    var isCut = false
  }

  /// Of who has left so much is heard: thousands who come, say much and leave keep nobody waiting.
  private static let lastMessages = 16
  private static let lastBytes = 64 << 10

  private let limitBytes: Int
  private let state = Mutex(State())

  /// - Parameter limitBytes: when more is held, nothing more is read.
  init(limitBytes: Int) { self.limitBytes = limitBytes }

  var isFull: Bool { state.withLock { $0.bytes > limitBytes } }

  /// Takes what came. Does not wait.
  func receive(_ message: Message, for peer: SocketConversation) {
    let mustStart = state.withLock { state in
      state.messages.append(message)
      state.bytes += message.count
      defer { state.isReading = true }
      return !state.isReading
    }
    if mustStart { Task { await read(for: peer) } }
  }

  private func read(for peer: SocketConversation) async {
    while true {
      // Who takes nothing of what is said is not heard, and what was read of it before does not make it more.
      if let socket = peer.socket, socket.isFlooded { _ = try? await socket.room() }
      let next = state.withLock { state -> Message? in
        guard !state.messages.isEmpty else {
          state.isReading = false
          return nil
        }
        return state.messages.removeFirst()
      }
      guard let next else { return peer.leaveIfDone() }
      peer.hear(next)
      release(next.count, for: peer)
    }
  }

  /// Whether a step may be done at once: none is before it.
  var isIdle: Bool { state.withLock { $0.steps.isEmpty && !$0.isMoving && !$0.isCut } }

  /// Whether there is nothing left to hear or to do.
  var isAtRest: Bool {
    state.withLock { $0.messages.isEmpty && !$0.isReading && $0.steps.isEmpty && !$0.isMoving }
  }

  /// Has a step done after those that came before it, a cancel right after the one that is being done.
  func add(_ step: Step, bytes: Int, for peer: SocketConversation) {
    let mustStart = state.withLock { state in
      guard !state.isCut else { return false }
      if case .cancel = step { state.steps.insert((step, bytes), at: 0) } else { state.steps.append((step, bytes)) }
      state.bytes += bytes
      defer { state.isMoving = true }
      return !state.isMoving
    }
    if mustStart { Task { await work(for: peer) } }
  }

  private func work(for peer: SocketConversation) async {
    while true {
      let next = state.withLock { state -> (step: Step, bytes: Int)? in
        guard !state.steps.isEmpty else {
          (state.isMoving, state.isAsking) = (false, false)
          return nil
        }
        let next = state.steps.removeFirst()
        if case .question = next.step { state.isAsking = true } else { state.isAsking = false }
        return next
      }
      guard let next else { return peer.leaveIfDone() }
      await peer.take(next.step)
      release(next.bytes, for: peer)
    }
  }

  /// Whether a question of an id is to be done, or may be done just now.
  func mayHold(requestID: String) -> Bool {
    state.withLock { state in
      state.isAsking
        || state.steps.contains { entry in
          if case .question(let question) = entry.step { question.requestID == requestID } else { false }
        }
    }
  }

  /// Takes the oldest question back that is still to be done and has an id; nil when none has it.
  func withdraw(requestID: String, for peer: SocketConversation) -> ChatRequest? {
    let found = state.withLock { state -> (question: ChatRequest, bytes: Int)? in
      for (place, entry) in state.steps.enumerated() {
        guard case .question(let question) = entry.step, question.requestID == requestID else { continue }
        state.steps.remove(at: place)
        return (question, entry.bytes)
      }
      return nil
    }
    guard let found else { return nil }
    release(found.bytes, for: peer)
    return found.question
  }

  /// So many bytes are held no longer.
  private func release(_ count: Int, for peer: SocketConversation) {
    let hasRoom = state.withLock { state in
      let wasFull = state.bytes > limitBytes
      state.bytes -= count
      return wasFull && state.bytes <= limitBytes
    }
    if hasRoom { peer.socket?.readAgain() }
  }

  /// The connection is gone: of what was said before, the first is still heard.
  /// - Parameter isHeard: whether anything is.
  func end(isHeard: Bool) {
    state.withLock { state in
      var (count, bytes) = isHeard ? (Self.lastMessages, Self.lastBytes) : (0, 0)
      func fits(_ size: Int) -> Bool {
        (count, bytes) = (count - 1, bytes - size)
        return count >= 0 && bytes >= 0
      }
      // In the order in which they came. Who asks for something goes by what they said before.
      let steps = state.steps.prefix { fits($0.bytes) }
      state.isCut = !isHeard || steps.count < state.steps.count
      state.steps = Array(steps)
      state.messages = state.isCut ? [] : Array(state.messages.prefix { fits($0.count) })
    }
  }
}
