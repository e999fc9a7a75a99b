// What goes on in each session now: answers being made, and who watches. Sockets, too, for what is said to all.
import GibseyKit
import NIOCore
import Synchronization

/// The open sockets and the answers being made, by session. Its identity is the daemon's.
final class Sessions: Sendable {
  private struct Room {
    var answers: [String: ActiveAnswer] = [:]
    var watchers: [ObjectIdentifier: SocketConversation] = [:]
    var isEmpty: Bool { answers.isEmpty && watchers.isEmpty }
  }

  private struct State {
    var rooms: [String: Room] = [:]
    /// Answers of no session, over HTTP.
    var others: [String: ActiveAnswer] = [:]
    var sockets: [ObjectIdentifier: Socket] = [:]
    var conversations: [ObjectIdentifier: SocketConversation] = [:]
    /// Whose the sessions are that were used since the start, where tokens are wanted.
    var owners: [String: String] = [:]
  }

  private let state = Mutex(State())

  /// How many answers are being made, or kept for a reader who may come back.
  var answerCount: Int { answers.count }
  var socketCount: Int { state.withLock { $0.sockets.count } }

  /// Makes a session the name's, unless it is another's: then false.
  func claim(_ session: String, for name: String) -> Bool {
    state.withLock { state in
      if let owner = state.owners[session] { return owner.spelling == name.spelling }
      state.owners[session] = name
      return true
    }
  }

  /// Whose a session is that was used since the start; nil when it is nobody's.
  func owner(of session: String) -> String? { state.withLock { $0.owners[session] } }

  /// Takes a claim back.
  func disclaim(_ session: String) { state.withLock { $0.owners[session] = nil } }

  func open(_ socket: Socket, of conversation: SocketConversation) {
    state.withLock { state in
      state.sockets[ObjectIdentifier(socket)] = socket
      state.conversations[ObjectIdentifier(conversation)] = conversation
    }
  }

  func close(_ socket: Socket, of conversation: SocketConversation) {
    state.withLock { state in
      state.sockets[ObjectIdentifier(socket)] = nil
      state.conversations[ObjectIdentifier(conversation)] = nil
    }
  }

  /// Whether an answer is being made, or its end is on its way to a reader.
  var isBusy: Bool { answers.contains { !$0.live.hasEnded || !$0.isTold } }

  private var answers: [ActiveAnswer] {
    state.withLock { $0.rooms.values.flatMap { $0.answers.values } + $0.others.values }
  }

  /// No more questions: each socket is closed once what it reads has ended.
  func drain() {
    for conversation in conversations { conversation.drain() }
  }

  /// Closes the sockets of those who may not speak any more, and ends what they are being answered.
  func leaveUnless(_ isKnown: (Identity) -> Bool) {
    for conversation in conversations where !isKnown(conversation.identity) { conversation.turnOut() }
  }

  /// Ends all answers; they are kept as interrupted.
  func cancelAll() {
    for answer in answers { answer.cancel() }
  }

  /// All open sockets.
  var sockets: [Socket] { state.withLock { Array($0.sockets.values) } }
  /// Who speaks over them.
  var conversations: [SocketConversation] { state.withLock { Array($0.conversations.values) } }

  func watch(_ session: String, by watcher: SocketConversation) -> [ActiveAnswer] {
    state.withLock { state in
      state.rooms[session, default: Room()].watchers[ObjectIdentifier(watcher)] = watcher
      return state.rooms[session].map { Array($0.answers.values) } ?? []
    }
  }

  func unwatch(_ session: String, by watcher: SocketConversation) {
    change(session) { $0.watchers[ObjectIdentifier(watcher)] = nil }
  }

  /// An answer begins: who watches its session, if it has one, is told of it.
  func begin(_ answer: ActiveAnswer, in session: String?) {
    guard let session else { return state.withLock { $0.others[answer.live.responseID] = answer } }
    let watchers = state.withLock { state in
      state.rooms[session, default: Room()].answers[answer.live.responseID] = answer
      return state.rooms[session].map { Array($0.watchers.values) } ?? []
    }
    for watcher in watchers { watcher.watch(answer.live) }
  }

  func end(_ answer: ActiveAnswer, in session: String?) {
    guard let session else { return state.withLock { $0.others[answer.live.responseID] = nil } }
    change(session) { $0.answers[answer.live.responseID] = nil }
  }

  /// The answer of a session by the id of its response, or of its request.
  func answer(in session: String, responseID: String?, requestID: String?) -> ActiveAnswer? {
    state.withLock { state in
      guard let room = state.rooms[session] else { return nil }
      if let responseID { return room.answers[responseID] }
      return room.answers.values.first { $0.live.requestID == requestID && !$0.isTold }
    }
  }

  /// The answers of a session that can be gone on with, by their ids.
  func resumable(in session: String) -> [String] {
    state.withLock { $0.rooms[session]?.answers.values.filter(\.isResumable).map(\.live.responseID).sorted() ?? [] }
  }

  private func change(_ session: String, _ body: (inout Room) -> Void) {
    state.withLock { state in
      guard var room = state.rooms[session] else { return }
      body(&room)
      state.rooms[session] = room.isEmpty ? nil : room
    }
  }
}
