// The protocol of a socket: records in, records out. Questions wait for their turn, and for the moves before them; everything else
// is heard at once.
import GibseyKit
import NIOCore
import NIOHTTP1
import Synchronization

/// One reader's socket. Its identity is the connection.
final class SocketConversation: SocketPeer {
  private struct State {
    var socket: Socket?
    var hasEnded = false
    /// Whether what was asked and said may go on after the end.
    var goesOn = false
    /// Why it is closed as soon as nothing is being answered: no more questions.
    var farewell: Farewell?
    /// The page that this reader said to be on last.
    var pageID: String?
    /// The page that it named last, by moving there or with a question.
    var namedPageID: String?
    var questions: SocketQuestions
    var lastNumber = 0
    /// What this socket reads besides, as a watcher or after it came back.
    var following: [Int: Following] = [:]
    /// Answers whose end was written to this socket: the latest, and others as long as somebody may come back to them.
    var ended: [String] = []
  }

  private enum Farewell {
    /// The daemon is about to end.
    case leaving
    /// The token is not one any more.
    case turnedOut
  }

  /// So many ends that were written are known at least.
  private static let endsKnown = 64

  private struct Following {
    let responseID: String
    let task: Task<Void, Never>
  }

  let service: Service
  let session: SessionID
  let identity: Identity
  /// Whether it only watches what others of the session ask.
  let isWatching: Bool
  /// Whether its answers go on for a while when it leaves.
  let isResuming: Bool
  let inbox: SocketInbox
  private let state: Mutex<State>

  init(_ service: Service, session: SessionID, identity: Identity, isWatching: Bool, isResuming: Bool) {
    self.service = service
    self.session = session
    self.identity = identity
    self.isWatching = isWatching
    self.isResuming = isResuming
    inbox = SocketInbox(limitBytes: service.limits.messageBytes)
    state = Mutex(State(questions: SocketQuestions(service.limits)))
  }

  var socket: Socket? { state.withLock { $0.socket } }

  // MARK: The socket

  func begin(_ socket: Socket) {
    state.withLock { $0.socket = socket }
    service.sessions.open(socket, of: self)
    service.events.note(.connected) { $0.with("session_id", session.text).with("owner", identity.name) }
    say(greeting)
    if isWatching {
      // Whoever comes after the end of an answer sees the next one.
      for answer in service.sessions.watch(session.text, by: self) where !answer.live.hasEnded { watch(answer.live) }
      // The greeting may have found the connection broken.
      if state.withLock({ $0.hasEnded }) { service.sessions.unwatch(session.text, by: self) }
    }
    // Who was let in before tokens changed, or the daemon was to end, and is among the sockets since.
    if !service.admission.isKnown(identity) { turnOut() } else if service.isDraining { drain() }
  }

  func end() {
    // In this order: what was said becomes a question.
    let mayGoOn = !inbox.isAtRest || isResuming && state.withLock { !$0.questions.isEmpty }
    let goesOn = service.sessions.depart(
      self, from: socket, mayGoOn: mayGoOn, limit: service.limits.absent)
    let (socket, waiting, running, following) = state.withLock { state in
      defer {
        (state.hasEnded, state.goesOn) = (true, goesOn)
        state.socket = nil
        state.following = [:]
      }
      let waiting = state.questions.takeWaiting(areStarting: goesOn && isResuming)
      return (state.socket, waiting, state.questions.running, state.following)
    }
    inbox.end(isHeard: goesOn)
    for request in waiting { noteNeverAsked(request) }
    if socket != nil { service.events.note(.disconnected) { $0.with("session_id", session.text) } }
    if isWatching { service.sessions.unwatch(session.text, by: self) }
    for one in following.values { one.task.cancel() }
    for one in running.values {
      // What has no answer yet lingers from then on that it has one.
      if isResuming, let answer = one.answer {
        linger(answer, turn: 0)
      } else if !isResuming || !goesOn {
        one.task?.cancel()
      }
    }
    leaveIfDone()
  }

  var isFull: Bool { inbox.isFull }

  func receive(binary: [UInt8]) { inbox.receive(.binary(binary.count), for: self) }

  func receive(text: [UInt8]) { inbox.receive(.text(text), for: self) }

  func say(_ record: Record) { socket?.offer(FrameWriter.frame(.text, RecordCoder.frame(record))) }

  /// Says why a question has no answer.
  func fail(_ error: any Error, of question: ChatRequest) {
    fail(error, question.requestID, sessionID: session.text)
  }

  /// Says what was wrong.
  /// - Parameter sessionID: of the record that was wrong, which the error carries back.
  func fail(_ error: any Error, _ requestID: String?, responseID: String? = nil, sessionID: String? = nil) {
    let refusal = Refusal(error)
    service.noteRefusal(refusal, error, session: session, requestID: requestID)
    say(
      .error(
        ErrorRecord(
          message: refusal.message, code: refusal.code, timestamp: service.now().text,
          isRetryable: refusal.isRetryable, responseID: responseID, requestID: requestID, sessionID: sessionID)))
  }

  // MARK: Questions

  var pageID: String? { state.withLock { $0.pageID } }
  func move(to pageID: String) { state.withLock { ($0.pageID, $0.namedPageID) = (pageID, pageID) } }
  var namedPageID: String? { state.withLock { $0.namedPageID } }
  func name(_ pageID: String) { state.withLock { $0.namedPageID = pageID } }
  /// Whether the reader of a question has named no other page since.
  func isOn(_ pageID: String?) -> Bool {
    guard let named = namedPageID else { return true }
    return named.spelling == pageID?.spelling
  }
  /// Questions that wait for their turn.
  var queueLength: Int { state.withLock { $0.questions.waiting.count } }

  /// Puts a question into the queue. One that is heard only after its reader has left is asked where it would go on without them.
  /// - Returns: false when it is not asked, for the reader has left.
  /// - Throws: `Refusal.queueFull`.
  func enqueue(_ request: ChatRequest) throws -> Bool {
    let isThere = try state.withLock { state in
      guard !state.hasEnded || isResuming && state.goesOn && state.questions.isFree else { return false }
      if let farewell = state.farewell { throw farewell == .leaving ? Refusal.leaving : .unauthorized }
      try state.questions.add(request)
      return true
    }
    startNext()
    return isThere
  }

  /// Stops the oldest question of this socket that has an id, unless its end was told; nil when there is none. An answer that is
  /// found is not stopped yet.
  func stop(requestID: String) -> SocketQuestions.Stopped? {
    // Asked first, for a question goes from there into the queue, and so is in one of them.
    let isOnItsWay = inbox.mayHold(requestID: requestID)
    let (found, task) = state.withLock { $0.questions.stop(requestID: requestID) }
    task?.cancel()
    if found != nil || !isOnItsWay { return found }
    guard let request = inbox.withdraw(requestID: requestID, for: self) else { return .between }
    service.noteRequest(request, in: session.text)
    return .waiting(request)
  }

  private func startNext() {
    while true {
      let next = state.withLock { $0.questions.start() }
      guard let next else { return }
      let seat = service.conversing.seat()
      let task = Task(executorPreference: seat.executor) { [self] in
        await run(next.question, number: next.number)
        // Before the next one takes its own: so it meets the connection that this one kept.
        seat.leave()
        state.withLock { $0.questions.finish(next.number) }
        startNext()
        leaveIfDone()
      }
      let (early, isStopped) = state.withLock { state in
        let (early, isStopped) = state.questions.note(task, number: next.number)
        return (early, isStopped || state.farewell == .turnedOut || state.hasEnded && !(isResuming && state.goesOn))
      }
      early?.made { task.cancel() }
      if isStopped { task.cancel() }
    }
  }

  /// The daemon is about to end: what is being answered is answered, what waits is sent away.
  func drain() {
    let waiting = state.withLock { state in
      if state.farewell == nil { state.farewell = .leaving }
      return state.questions.takeWaiting()
    }
    for request in waiting {
      service.noteFailure(Refusal.leaving, of: request, in: session.text)
      fail(Refusal.leaving, of: request)
    }
    leaveIfDone()
  }

  /// The token is not one any more: what is being answered ends, and nobody comes back for it. Whoever asked is told of each.
  func turnOut() {
    let (socket, waiting, running, following) = state.withLock { state in
      state.farewell = .turnedOut
      let (waiting, running) = (state.questions.takeWaiting(), Array(state.questions.running.values))
      return (state.socket, waiting, running, Array(state.following.values))
    }
    for request in waiting { sayCancelled(request) }
    for one in running {
      if let answer = one.answer { answer.cancel() } else { one.task?.cancel() }
    }
    // Who watches what others ask hears no end of it.
    if isWatching { return bid(.turnedOut, to: socket) }
    for one in following {
      service.sessions.answer(in: session.text, responseID: one.responseID, requestID: nil)?.cancel()
    }
    leaveIfDone()
    Task { [weak self, service] in
      // Who reads the ends of their answers slowly is waited for as long as one who reads nothing.
      try? await Task.sleep(for: .nanoseconds(service.limits.writeTime.nanoseconds))
      self?.bid(.turnedOut, to: socket)
    }
  }

  /// Whether nothing that is said is done any more.
  var isTurnedOut: Bool { state.withLock { $0.farewell == .turnedOut } }

  /// Closes, or is forgotten, where there is nothing left to do.
  func leaveIfDone() {
    let (farewell, socket, isOver) = state.withLock { state in
      let isOver = state.hasEnded && inbox.isAtRest && state.questions.isEmpty
      return (
        state.questions.running.isEmpty && state.following.isEmpty ? state.farewell : nil, state.socket, isOver
      )
    }
    if let farewell, inbox.isIdle { bid(farewell, to: socket) }
    if isOver { service.sessions.forget(self) }
  }

  private func bid(_ farewell: Farewell, to socket: Socket?) {
    switch farewell {
    case .leaving: socket?.close(1001, reason: "going away")
    case .turnedOut: socket?.close(1008, reason: "the token is not valid any more")
    }
  }

  /// Notes the answer to a question, once there is one; false when the reader has left, nil when they may not come back either.
  func note(_ answer: ActiveAnswer, number: Int) -> Bool? {
    let (task, isThere, goesOn) = state.withLock { state in
      (state.questions.note(answer, number: number), !state.hasEnded, isResuming && state.goesOn)
    }
    if let task { answer.made { task.cancel() } }
    return isThere || goesOn ? isThere : nil
  }

  // MARK: Reading along

  /// Sends a whole answer of the session, from its start on and as it is made.
  func watch(_ live: LiveAnswer) {
    let records = service.records(of: live)
    follow(live, from: LiveAnswer.Place(), AnswerFrames(records)) {}
  }

  /// Sends what there is of an answer from a place on, and then what comes. What was sent of the same answer in this way before
  /// is not gone on with: a socket is sent one end, and what was being sent comes before what is sent now.
  /// - Parameter written: returns when whatever else was sent of it here has been.
  func follow(
    _ live: LiveAnswer, from place: LiveAnswer.Place, _ frames: AnswerFrames,
    after written: @escaping @Sendable () async -> Void = {}, then: @escaping @Sendable () -> Void
  ) {
    let old = state.withLock { state -> [Task<Void, Never>]? in
      guard !state.hasEnded, let socket = state.socket else { return nil }
      let before = state.following.filter { $0.value.responseID == live.responseID }
      for key in before.keys { state.following[key] = nil }
      let old = before.values.map(\.task)
      state.lastNumber += 1
      let number = state.lastNumber
      let task = Task { [self] in
        for one in old { await one.value }
        await written()
        await read(live, from: place, frames, socket)
        self.state.withLock { _ = $0.following.removeValue(forKey: number) }
        then()
        leaveIfDone()
      }
      state.following[number] = Following(responseID: live.responseID, task: task)
      return old
    }
    guard let old else { return then() }
    for task in old { task.cancel() }
  }

  /// Whether the end of an answer has been written to this socket: there is no second one.
  func hasHadEnd(of responseID: String) -> Bool { state.withLock { $0.ended.contains(responseID) } }

  /// Whether an answer that nobody makes or keeps any more has no end on this socket, and none on its way.
  func isMissingEnd(of responseID: String) -> Bool {
    state.withLock { state in
      !state.ended.contains(responseID) && !state.following.values.contains { $0.responseID == responseID }
    }
  }

  /// The end of an answer is written to this socket; false when it has had one.
  func takeEnd(of live: LiveAnswer) -> Bool {
    let known = service.sessions.resumable(in: session.text)
    return state.withLock { state in
      guard !state.ended.contains(live.responseID) else { return false }
      state.ended.append(live.responseID)
      let old = state.ended.dropLast(Self.endsKnown)
      state.ended.removeFirst(old.count)
      state.ended.insert(contentsOf: old.filter(known.contains), at: 0)
      return true
    }
  }

  private func read(
    _ live: LiveAnswer, from start: LiveAnswer.Place, _ frames: AnswerFrames, _ socket: Socket
  ) async {
    // Whoever wrote to this socket before has ended; it may have written the end.
    if hasHadEnd(of: live.responseID) { return }
    var (place, frames) = (start, frames)
    socket.beginStream()
    defer { socket.endStream() }
    // Cancelled, it has left, or goes on from somewhere else: what it was to be sent besides, it wants no more.
    while !Task.isCancelled, (try? await frames.room(on: socket)) != nil {
      guard let piece = live.next(&place, most: frames.tokensAtOnce) else {
        if live.hasEnded(at: place) { return }
        await live.news(after: place)
        continue
      }
      if piece.isEnd, !takeEnd(of: live) { return }
      guard (try? frames.write(piece, to: socket)) != nil, !piece.isEnd else { return }
      place.token = frames.tokens
    }
  }

  /// A reader who came back, or reads beside others, is sent no more of an answer. One that goes on may be come back to.
  func stopReading(_ answer: ActiveAnswer, turn: Int) {
    if answer.live.hasEnded, socket != nil { answer.finish(turn: turn) } else { linger(answer, turn: turn) }
  }

  /// Lets an answer go on without the reader whose turn it was, for a while.
  func linger(_ answer: ActiveAnswer, turn: Int) {
    let mayGoOn = state.withLock { !$0.hasEnded || $0.goesOn }
    answer.leave(turn: turn, mayGoOn: mayGoOn) { isAwaited in
      // What is known no more is not held either.
      Task { [service, session, weak answer] in
        // `--linger`, the time that a reader has to come back; cancelled by whoever does.
        if isAwaited, (try? await Task.sleep(for: service.parts.linger)) == nil { return }
        guard let answer else { return }
        answer.cancel()
        service.sessions.end(answer, in: session.text)
      }
    }
  }
}
