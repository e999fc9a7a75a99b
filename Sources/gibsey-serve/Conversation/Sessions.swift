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

  private struct Kept {
    let responseID: String
    let session: String
    let bytes: Int
    let timer: Task<Void, Never>
  }

  private struct State {
    var rooms: [String: Room] = [:]
    /// Answers of no session, over HTTP.
    var others: [String: ActiveAnswer] = [:]
    var sockets: [ObjectIdentifier: Socket] = [:]
    var conversations: [ObjectIdentifier: SocketConversation] = [:]
    /// Those whose sockets are gone, as long as something of theirs is being done; and how many of them go on.
    var departed: [ObjectIdentifier: (conversation: SocketConversation, goesOn: Bool)] = [:]
    var absentCount = 0
    /// Answers that have ended and can still be come back to, from the oldest on. Some of them may be known no more.
    var kept = CircularBuffer<Kept>()
    var keptBytes = 0
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

  /// The connection of a conversation is gone.
  /// - Parameters:
  ///   - mayGoOn: whether something of it may be done without its reader.
  ///   - limit: of conversations of which that is so.
  /// - Returns: whether it is, there being room. It is known in any case, until `forget`.
  func depart(
    _ conversation: SocketConversation, from socket: Socket?, mayGoOn: Bool, limit: Int
  ) -> Bool {
    state.withLock { state in
      let goesOn = mayGoOn && state.absentCount < limit
      if goesOn { state.absentCount += 1 }
      if let socket { state.sockets[ObjectIdentifier(socket)] = nil }
      state.conversations[ObjectIdentifier(conversation)] = nil
      state.departed[ObjectIdentifier(conversation)] = (conversation, goesOn)
      return goesOn
    }
  }

  /// Nothing of a conversation is being done any more.
  func forget(_ conversation: SocketConversation) {
    state.withLock { state in
      let one = state.departed.removeValue(forKey: ObjectIdentifier(conversation))
      if one?.goesOn == true { state.absentCount -= 1 }
    }
  }

  /// How many conversations are known whose readers are gone.
  var departedCount: Int { state.withLock { $0.departed.count } }
  /// Of how many of them something goes on.
  var absentCount: Int { state.withLock { $0.absentCount } }

  /// Whether an answer is being made, or its end is on its way to a reader, or there is more to do for one who is gone.
  var isBusy: Bool { departedCount > 0 || answers.contains { !$0.live.hasEnded || !$0.isTold } }

  private var answers: [ActiveAnswer] {
    state.withLock { $0.rooms.values.flatMap { $0.answers.values } + $0.others.values }
  }

  /// No more questions: each socket is closed once what it reads has ended.
  func drain() {
    for conversation in everyone { conversation.drain() }
  }

  /// Closes the sockets of those who may not speak any more, and ends what they are being answered.
  func leaveUnless(_ isKnown: (Identity) -> Bool) {
    for conversation in everyone where !isKnown(conversation.identity) { conversation.turnOut() }
  }

  /// Ends all answers; they are kept as interrupted.
  func cancelAll() {
    for answer in answers { answer.cancel() }
  }

  /// All open sockets.
  var sockets: [Socket] { state.withLock { Array($0.sockets.values) } }
  /// Who speaks over them.
  var conversations: [SocketConversation] { state.withLock { Array($0.conversations.values) } }

  /// The same, and those whose sockets are gone.
  private var everyone: [SocketConversation] {
    state.withLock { Array($0.conversations.values) + $0.departed.values.map(\.conversation) }
  }

  func watch(_ session: String, by watcher: SocketConversation) -> [ActiveAnswer] {
    state.withLock { state in
      state.rooms[session, default: Room()].watchers[ObjectIdentifier(watcher)] = watcher
      return state.rooms[session].map { Array($0.answers.values) } ?? []
    }
  }

  func unwatch(_ session: String, by watcher: SocketConversation) {
    state.withLock { state in
      guard var room = state.rooms[session] else { return }
      room.watchers[ObjectIdentifier(watcher)] = nil
      state.rooms[session] = room.isEmpty ? nil : room
    }
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
    end(answer.live.responseID, in: session)
  }

  /// An answer of a session is known no longer.
  func end(_ responseID: String, in session: String) {
    state.withLock { state in
      Self.end(responseID, in: session, &state)
      // In the order in which they ended, for each is kept for as long.
      while let oldest = state.kept.first, state.rooms[oldest.session]?.answers[oldest.responseID] == nil {
        state.keptBytes -= state.kept.removeFirst().bytes
      }
    }
  }

  /// Keeps an answer that has ended for a reader who may come back. Where that is too much the oldest are forgotten.
  /// - Parameters:
  ///   - timer: ends it.
  ///   - limitBytes: of all of them, but for the newest.
  func keep(_ answer: ActiveAnswer, in session: String, until timer: Task<Void, Never>, limitBytes: Int) {
    let timers = state.withLock { state -> [Task<Void, Never>] in
      // It may have been ended just now: nobody came back in time.
      guard state.rooms[session]?.answers[answer.live.responseID] != nil else { return [timer] }
      let bytes = answer.live.heldBytes
      state.kept.append(Kept(responseID: answer.live.responseID, session: session, bytes: bytes, timer: timer))
      state.keptBytes += bytes
      var timers: [Task<Void, Never>] = []
      while state.keptBytes > limitBytes, state.kept.count > 1 {
        let oldest = state.kept.removeFirst()
        state.keptBytes -= oldest.bytes
        Self.end(oldest.responseID, in: oldest.session, &state)
        timers.append(oldest.timer)
      }
      return timers
    }
    for timer in timers { timer.cancel() }
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

  private static func end(_ responseID: String, in session: String, _ state: inout State) {
    guard var room = state.rooms[session] else { return }
    room.answers[responseID] = nil
    state.rooms[session] = room.isEmpty ? nil : room
  }
}
