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
    /// Why it is closed as soon as nothing is being answered: no more questions.
    var farewell: Farewell?
    /// The page that this reader said to be on last.
    var pageID: String?
    /// The page that it named last, by moving there or with a question.
    var namedPageID: String?
    var queue: [ChatRequest] = []
    /// Answers that this socket asked for and that are being made; nil stands for one that has no response yet.
    var running: [Int: Running] = [:]
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

  private struct Running {
    let requestID: String?
    var answer: ActiveAnswer?
    var task: Task<Void, Never>?
    /// It is to have no answer: cancelled before there was one.
    var isStopped = false
  }

  /// What was found under the id of a question, the oldest that has it.
  enum Stopped {
    case answer(ActiveAnswer)
    /// It has no response yet, and will be told that it ended.
    case early
    /// It waited for its turn, and does not any more.
    case waiting(ChatRequest)
    /// It is just being put into the queue: to be looked for again when it is there.
    case between
  }

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
  private let state = Mutex(State())

  init(_ service: Service, session: SessionID, identity: Identity, isWatching: Bool, isResuming: Bool) {
    self.service = service
    self.session = session
    self.identity = identity
    self.isWatching = isWatching
    self.isResuming = isResuming
    inbox = SocketInbox(limitBytes: service.limits.messageBytes)
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
    }
    // Who was let in before tokens changed, or the daemon was to end, and is among the sockets since.
    if !service.admission.isKnown(identity) { turnOut() } else if service.isDraining { drain() }
  }

  func end() {
    let (socket, waiting, running, following) = state.withLock { state in
      defer {
        state.hasEnded = true
        state.socket = nil
        state.queue = []
        state.following = [:]
      }
      return (state.socket, state.queue, state.running, state.following)
    }
    inbox.end()
    for request in waiting { noteNeverAsked(request) }
    if let socket {
      service.sessions.close(socket, of: self)
      service.events.note(.disconnected) { $0.with("session_id", session.text) }
    }
    if isWatching { service.sessions.unwatch(session.text, by: self) }
    for one in following.values { one.task.cancel() }
    for one in running.values {
      // What has no answer yet lingers from then on that it has one.
      guard isResuming else {
        one.task?.cancel()
        continue
      }
      if let answer = one.answer { linger(answer, turn: 0) }
    }
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
  var queueLength: Int { state.withLock { $0.queue.count } }

  /// Puts a question into the queue. One that is heard only after its reader has left is asked where it would go on without them.
  /// - Returns: false when it is not asked, for the reader has left.
  /// - Throws: `Refusal.queueFull`.
  func enqueue(_ request: ChatRequest) throws -> Bool {
    let isThere = try state.withLock { state in
      let isFree = state.running.count < service.limits.parallel
      guard !state.hasEnded || isResuming && isFree && !service.isDraining else { return false }
      if let farewell = state.farewell { throw farewell == .leaving ? Refusal.leaving : .unauthorized }
      guard isFree || state.queue.count < service.limits.queue else { throw Refusal.queueFull }
      state.queue.append(request)
      return true
    }
    startNext()
    return isThere
  }

  /// Stops the oldest question of this socket that has an id, unless its end was told; nil when there is none. An answer that is
  /// found is not stopped yet.
  func stop(requestID: String) -> Stopped? {
    // Asked first, for a question goes from there into the queue, and so is in one of them.
    let isOnItsWay = inbox.mayHold(requestID: requestID)
    let (found, task) = state.withLock { state -> (Stopped?, Task<Void, Never>?) in
      let running = state.running.filter { $0.value.requestID == requestID }.sorted { $0.key < $1.key }
      for (number, one) in running {
        guard let answer = one.answer else {
          state.running[number]?.isStopped = true
          return (.early, one.task)
        }
        if !answer.isTold { return (.answer(answer), nil) }
      }
      let place = state.queue.firstIndex { $0.requestID == requestID }
      return (place.map { .waiting(state.queue.remove(at: $0)) }, nil)
    }
    task?.cancel()
    if found != nil || !isOnItsWay { return found }
    guard let request = inbox.withdraw(requestID: requestID, for: self) else { return .between }
    service.noteRequest(request, in: session.text)
    return .waiting(request)
  }

  private func startNext() {
    while true {
      let next = state.withLock { state -> (number: Int, request: ChatRequest)? in
        guard !state.queue.isEmpty, state.running.count < service.limits.parallel else { return nil }
        let request = state.queue.removeFirst()
        state.lastNumber += 1
        state.running[state.lastNumber] = Running(requestID: request.requestID)
        return (state.lastNumber, request)
      }
      guard let next else { return }
      let seat = service.conversing.seat()
      let task = Task(executorPreference: seat.executor) { [self] in
        await run(next.request, number: next.number)
        // Before the next one takes its own: so it meets the connection that this one kept.
        seat.leave()
        state.withLock { _ = $0.running.removeValue(forKey: next.number) }
        startNext()
        leaveIfDone()
      }
      let (early, isStopped) = state.withLock { state in
        state.running[next.number]?.task = task
        let one = state.running[next.number]
        return (one?.answer, one?.isStopped == true || state.farewell == .turnedOut)
      }
      early?.made { task.cancel() }
      if isStopped { task.cancel() }
    }
  }

  /// The daemon is about to end: what is being answered is answered, what waits is sent away.
  func drain() {
    let waiting = state.withLock { state in
      if state.farewell == nil { state.farewell = .leaving }
      defer { state.queue = [] }
      return state.queue
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
      defer { state.queue = [] }
      return (state.socket, state.queue, Array(state.running.values), Array(state.following.values))
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

  func leaveIfDone() {
    let (farewell, socket) = state.withLock { state in
      (state.running.isEmpty && state.following.isEmpty ? state.farewell : nil, state.socket)
    }
    if let farewell, inbox.isIdle { bid(farewell, to: socket) }
  }

  private func bid(_ farewell: Farewell, to socket: Socket?) {
    switch farewell {
    case .leaving: socket?.close(1001, reason: "going away")
    case .turnedOut: socket?.close(1008, reason: "the token is not valid any more")
    }
  }

  /// Notes the answer to a question, once there is one; false when the reader has left.
  func note(_ answer: ActiveAnswer, number: Int) -> Bool {
    let (task, isThere) = state.withLock { state in
      state.running[number]?.answer = answer
      return (state.running[number]?.task, !state.hasEnded)
    }
    if let task { answer.made { task.cancel() } }
    return isThere
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
    answer.leave(turn: turn) {
      Task { [service, session] in
        // `--linger`, the time that a reader has to come back; cancelled by whoever does.
        guard (try? await Task.sleep(for: service.parts.linger)) != nil else { return }
        answer.cancel()
        service.sessions.end(answer, in: session.text)
      }
    }
  }
}
