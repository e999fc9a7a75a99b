// The protocol of a socket: records in, records out. Questions wait for their turn; everything else is heard at once.
import GibseyKit
import NIOCore
import NIOHTTP1
import Synchronization

/// One reader's socket. Its identity is the connection.
final class SocketConversation: SocketPeer {
  private struct State {
    var socket: Socket?
    var hasEnded = false
    /// The daemon is about to end: no more questions.
    var isDraining = false
    /// What came and was not yet looked at, in its order.
    var inbox: [Message] = []
    var inboxBytes = 0
    var isReading = false
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
    /// Answers whose end was written to this socket, as long as somebody may come back to them.
    var ended: Set<String> = []
  }

  private enum Message {
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

  private struct Running {
    let requestID: String?
    var answer: ActiveAnswer?
    var task: Task<Void, Never>?
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
  private let state = Mutex(State())

  init(_ service: Service, session: SessionID, identity: Identity, isWatching: Bool, isResuming: Bool) {
    self.service = service
    self.session = session
    self.identity = identity
    self.isWatching = isWatching
    self.isResuming = isResuming
  }

  var socket: Socket? { state.withLock { $0.socket } }

  // MARK: The socket

  func begin(_ socket: Socket) {
    state.withLock { $0.socket = socket }
    service.sessions.open(socket, of: self)
    service.events.note(.connected) { $0.with("session_id", session.text).with("owner", identity.name) }
    var data = JSONObject()
    data["session_id"] = .string(session.text)
    data["timestamp"] = .string(service.now().text)
    data["protocol"] = .number(JSONNumber(1))
    let resumable = isResuming ? service.sessions.resumable(in: session.text) : []
    data["resumable"] = .array(resumable.map { .string($0) })
    say(.frame(.connectionEstablished, FrameData(data)))
    guard isWatching else { return }
    // Whoever comes after the end of an answer sees the next one.
    for answer in service.sessions.watch(session.text, by: self) where !answer.live.hasEnded { watch(answer.live) }
  }

  func end() {
    let (socket, waiting, running, following) = state.withLock { state in
      defer {
        state.hasEnded = true
        state.socket = nil
        state.queue = []
        state.inbox = []
        state.running = [:]
        state.following = [:]
      }
      return (state.socket, state.queue, state.running, state.following)
    }
    for request in waiting { noteNeverAsked(request) }
    if let socket {
      service.sessions.close(socket, of: self)
      service.events.note(.disconnected) { $0.with("session_id", session.text) }
    }
    if isWatching { service.sessions.unwatch(session.text, by: self) }
    for one in following.values { one.task.cancel() }
    for one in running.values {
      if let answer = one.answer, answer.isResumable { linger(answer, turn: 0) } else { one.task?.cancel() }
    }
  }

  var isFull: Bool { state.withLock { $0.inboxBytes > service.limits.messageBytes } }

  func receive(binary: [UInt8]) { receive(.binary(binary.count)) }

  func receive(text: [UInt8]) { receive(.text(text)) }

  private func receive(_ message: Message) {
    let mustStart = state.withLock { state in
      state.inbox.append(message)
      state.inboxBytes += message.count
      defer { state.isReading = true }
      return !state.isReading
    }
    if mustStart { Task { await readInbox() } }
  }

  /// One record after the other, so that what a reader says first holds first.
  private func readInbox() async {
    while true {
      let (next, socket) = state.withLock { state -> (Message?, Socket?) in
        guard !state.inbox.isEmpty else {
          state.isReading = false
          return (nil, nil)
        }
        let next = state.inbox.removeFirst()
        let wasFull = state.inboxBytes > service.limits.messageBytes
        state.inboxBytes -= next.count
        return (next, wasFull ? state.socket : nil)
      }
      switch next {
      case nil: return
      case .text(let bytes): await take(bytes)
      case .binary: fail(Refusal.malformed("wanted a text frame, got a binary one"), nil)
      }
      socket?.readAgain()
    }
  }

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

  /// Puts a question into the queue.
  /// - Throws: `Refusal.queueFull`.
  func enqueue(_ request: ChatRequest) throws {
    try state.withLock { state in
      guard !state.hasEnded else { return }
      guard !state.isDraining else { throw Refusal.leaving }
      let isFree = state.running.count < service.limits.parallel
      guard isFree || state.queue.count < service.limits.queue else { throw Refusal.queueFull }
      state.queue.append(request)
    }
    startNext()
  }

  /// Takes a question out of the queue; nil when none there has that id.
  func withdraw(requestID: String) -> ChatRequest? {
    state.withLock { state in
      state.queue.firstIndex { $0.requestID == requestID }.map { state.queue.remove(at: $0) }
    }
  }

  /// Stops a question of this socket that has no response yet; false when there is none of that id.
  func stopEarly(requestID: String) -> Bool {
    let task = state.withLock { state in
      state.running.values.first { $0.requestID == requestID && $0.answer == nil }?.task
    }
    task?.cancel()
    return task != nil
  }

  /// The answer that this socket asked for under that id, the oldest of several; nil when none is being made.
  func ownAnswer(requestID: String) -> ActiveAnswer? {
    let own = state.withLock { state in
      state.running.filter { $0.value.requestID == requestID }.sorted { $0.key < $1.key }.compactMap(\.value.answer)
    }
    return own.first { !$0.isTold }
  }

  private func startNext() {
    while true {
      let next = state.withLock { state -> (number: Int, request: ChatRequest)? in
        guard !state.hasEnded, !state.queue.isEmpty, state.running.count < service.limits.parallel else { return nil }
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
      let early = state.withLock { state in
        state.running[next.number]?.task = task
        return state.running[next.number]?.answer
      }
      early?.made { task.cancel() }
    }
  }

  /// The daemon is about to end: what is being answered is answered, what waits is sent away.
  func drain() {
    let waiting = state.withLock { state in
      state.isDraining = true
      defer { state.queue = [] }
      return state.queue
    }
    for request in waiting {
      service.noteFailure(Refusal.leaving, of: request, in: session.text)
      fail(Refusal.leaving, of: request)
    }
    leaveIfDone()
  }

  /// The token is not one any more: nothing is answered, and nobody comes back for it.
  func turnOut() {
    let (socket, waiting, answers) = state.withLock { state in
      defer { state.queue = [] }
      return (state.socket, state.queue, state.running.values.compactMap(\.answer))
    }
    for request in waiting { noteNeverAsked(request) }
    for answer in answers { answer.cancel() }
    socket?.close(1008, reason: "the token is not valid any more")
  }

  private func leaveIfDone() {
    let socket = state.withLock { state in
      state.isDraining && state.running.isEmpty && state.following.isEmpty ? state.socket : nil
    }
    socket?.close(1001, reason: "going away")
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
  func hasHadEnd(of live: LiveAnswer) -> Bool { state.withLock { $0.ended.contains(live.responseID) } }

  /// The end of an answer is written to this socket; false when it has had one.
  func takeEnd(of live: LiveAnswer) -> Bool {
    let known = service.sessions.resumable(in: session.text)
    return state.withLock { state in
      state.ended.formIntersection(known)
      return state.ended.insert(live.responseID).inserted
    }
  }

  private func read(
    _ live: LiveAnswer, from start: LiveAnswer.Place, _ frames: AnswerFrames, _ socket: Socket
  ) async {
    var (place, frames) = (start, frames)
    socket.beginStream()
    defer { socket.endStream() }
    while !Task.isCancelled {
      while !Task.isCancelled, let piece = live.next(&place) {
        if piece.isEnd, !takeEnd(of: live) { return }
        guard (try? await frames.send(piece, to: socket)) != nil, !piece.isEnd else { return }
        place.token = frames.tokens
      }
      if live.hasEnded(at: place) { return }
      await live.news(after: place)
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
