// What each record from a socket means.
import GibseyKit
import NIOCore
import NIOHTTP1

extension SocketConversation {
  private static let question = "ai_chat_request"
  /// The types of the records that a client may send: those that `take` has a case for.
  private static let heard =
    [FrameType.ping, .promptSelection, .pageNavigation, .chatCancel, .responseResume].map(\.rawValue) + [question]

  /// The first record.
  var greeting: Record {
    var data = JSONObject()
    data["session_id"] = .string(session.text)
    data["timestamp"] = .string(service.now().text)
    data["protocol"] = .number(JSONNumber(1))
    let resumable = isResuming && !isWatching ? service.sessions.resumable(in: session.text) : []
    data["resumable"] = .array(resumable.map { .string($0) })
    return .frame(.connectionEstablished, FrameData(data))
  }

  /// Does what a message says, or has it done in its order.
  func hear(_ message: SocketInbox.Message) {
    if isTurnedOut { return }
    switch message {
    case .text(let bytes): take(bytes)
    case .binary: fail(Refusal.malformed("wanted a text frame, got a binary one"), nil)
    }
  }

  private func take(_ bytes: [UInt8]) {
    let record: Record
    do {
      // The server keeps the history, its settings decide the rest, and the session is the socket's.
      record = try RecordCoder.decode(bytes, passingOver: ["history", "options", "vector", "session_id"])
    } catch {
      let reason = (error as? RecordProblem)?.reason ?? "cannot be read"
      let ids = RecordCoder.ids(in: bytes)
      // Nobody is told to mend what would not be heard either.
      let refusal = ids.type.flatMap { Self.heard.contains($0) ? nil : .unheard($0) } ?? Refusal.malformed(reason)
      return fail(refusal, ids.request, sessionID: ids.type == Self.question ? session.text : ids.session)
    }
    switch record {
    case .frame(.ping, let data): say(.frame(.pong, data))
    case .frame(.promptSelection, let data): select(data)
    case .frame(.pageNavigation, let data): inbox.add(.move(data), bytes: bytes.count, for: self)
    case .frame(.chatCancel, let data): cancel(data)
    case .frame(.responseResume, let data): resume(data)
    case .chatRequest(var request):
      request.sessionID = session.text
      if inbox.isIdle { ask(request) } else { inbox.add(.question(request), bytes: bytes.count, for: self) }
    default:
      let ids = RecordCoder.ids(in: bytes)
      fail(Refusal.unheard(record.type), ids.request, sessionID: ids.session)
    }
  }

  /// Does what had to wait for what came before it.
  func take(_ step: SocketInbox.Step) async {
    switch step {
    case .move(let data): if !isTurnedOut { await navigate(data) }
    case .question(let request): ask(request)
    case .cancel(let requestID): cancel(nil, requestID)
    }
  }

  private func ask(_ request: ChatRequest) {
    guard !isWatching else { return fail(Refusal.watching, of: request) }
    if isTurnedOut {
      service.noteRequest(request, in: session.text)
      return sayCancelled(request)
    }
    guard service.admission.isKnown(identity) else {
      fail(Refusal.unauthorized, of: request)
      return turnOut()
    }
    var request = request
    if let named = request.currentPageID { name(named) }
    request.currentPageID = request.currentPageID ?? pageID
    service.noteRequest(request, in: session.text)
    do { if try !enqueue(request) { noteNeverAsked(request) } } catch {
      service.noteFailure(error, of: request, in: session.text)
      fail(error, of: request)
    }
  }

  private func select(_ data: FrameData) {
    let requestID = data.fields["request_id"]?.stringValue
    guard data.fields["prompt_id"]?.stringValue != nil else {
      return fail(Refusal.malformed("prompt_id: wanted a string"), requestID)
    }
    say(.frame(.promptSelected, data))
  }

  private func navigate(_ data: FrameData) async {
    let requestID = data.fields["request_id"]?.stringValue
    guard !isWatching else { return fail(Refusal.watching, requestID) }
    do {
      let page = try await page(data)
      // It holds from now on; that it is written may take longer.
      move(to: page.id)
      try await service.conversing.move(session, to: page, owner: identity.name)
      var vault = JSONObject()
      vault["current_page_index"] = .number(JSONNumber(page.index))
      vault["session_id"] = .string(session.text)
      var answer = JSONObject()
      answer["vault_data"] = .object(vault)
      answer["timestamp"] = .string(service.now().text)
      if let requestID { answer["request_id"] = .string(requestID) }
      say(.frame(.vaultUpdate, FrameData(answer)))
    } catch { fail(error, requestID) }
  }

  /// The page that is meant, and where it stands.
  private func page(_ data: FrameData) async throws -> (id: String, index: Int) {
    if let value = data.fields["page_id"] {
      guard let id = value.stringValue else { throw Refusal.malformed("page_id: wanted a string") }
      return try await service.room.read { reading in
        guard let page = try reading.store.page(id: id) else {
          throw GibseyError.unknownPage(id: id, example: try reading.store.firstPageID())
        }
        return (page.id, page.pageIndex)
      }
    }
    guard let index = data.fields["page_index"]?.integerValue else {
      throw Refusal.malformed("page_index: wanted an integer")
    }
    return try await service.room.read { reading in
      guard let id = try reading.store.pageID(at: index) else {
        throw GibseyError.unknownPage(id: String(index), example: try reading.store.firstPageID())
      }
      return (id, index)
    }
  }

  private func cancel(_ data: FrameData) {
    let (responseID, requestID) = (data.fields["response_id"]?.stringValue, data.fields["request_id"]?.stringValue)
    guard !isWatching else { return fail(Refusal.watching, requestID) }
    guard responseID != nil || requestID != nil else {
      return fail(Refusal.malformed("response_id: wanted a string"), nil)
    }
    cancel(responseID, requestID)
  }

  /// Stops an answer, or a question that has none yet. An id that another socket of the session uses as well is first of all this
  /// one's own, and the oldest question's that has it.
  private func cancel(_ responseID: String?, _ requestID: String?) {
    var own: ActiveAnswer?
    if responseID == nil, let requestID {
      switch stop(requestID: requestID) {
      case .answer(let answer): own = answer
      case .early: return
      case .waiting(let request): return sayCancelled(request)
      case .between: return inbox.add(.cancel(requestID: requestID), bytes: 0, for: self)
      case nil: break
      }
    }
    let answer = own ?? service.sessions.answer(in: session.text, responseID: responseID, requestID: requestID)
    // One whose end is on its way has that end, and no other.
    guard let answer, !answer.isTold else { return failUnknown(responseID, requestID) }
    answer.cancel()
  }

  /// The end of a question that was never asked.
  func sayCancelled(_ request: ChatRequest) {
    let responseID = service.parts.makeID()
    let completion = noteNeverAsked(request, responseID: responseID)
    var records = AskingRecords(
      responseID: responseID, requestID: request.requestID, sessionID: request.sessionID, isPublic: true,
      now: service.parts.now)
    for record in records.records(of: .completed(completion)) { say(record) }
  }

  /// Counts and notes it.
  /// - Parameter responseID: of the record that tells its reader; nil where there is none.
  @discardableResult
  func noteNeverAsked(_ request: ChatRequest, responseID: String? = nil) -> Completion {
    let completion = Completion(
      finishReason: .cancelled, provider: "", model: "", promptID: "", durationMilliseconds: 0)
    service.metrics.count(.completed(completion))
    service.events.note(.cancelled) {
      $0.with("session_id", session.text).with("request_id", request.requestID).with("response_id", responseID)
    }
    return completion
  }

  private func resume(_ data: FrameData) {
    let requestID = data.fields["request_id"]?.stringValue
    guard let responseID = data.fields["response_id"]?.stringValue, let seq = data.fields["after_seq"]?.integerValue,
      seq >= -1
    else { return fail(Refusal.malformed("wanted response_id (a string) and after_seq (from -1)"), requestID) }
    guard !isWatching else { return fail(Refusal.watching, requestID) }
    let found = service.sessions.answer(in: session.text, responseID: responseID, requestID: nil)
    guard let answer = found, answer.isResumable else { return failUnknown(responseID, requestID) }
    let live = answer.live
    guard let (place, turn) = live.resume(after: seq) else {
      // Without its response_id: see `failUnknown`.
      return fail(Refusal.malformed("after_seq: no record of number \(seq) was sent"), requestID)
    }
    // Its end was had, there or here: there is no second one.
    guard !live.hasEnded(at: place), !hasHadEnd(of: responseID) else { return failUnknown(responseID, requestID) }
    let frames = AnswerFrames(service.records(of: live, seq: seq + 1), from: place) { seq, tokens in
      live.tokens(withRecord: seq, wanted: tokens)
    }
    let socket = socket
    answer.join(turn: turn, socket)
    follow(live, from: place, frames, after: { await answer.written(to: socket) }) { [weak self] in
      self?.stopReading(answer, turn: turn)
    }
  }

  /// Says that there is no such response to go on with. An error that has a response_id is that response's end: it has one where
  /// nothing of it comes any more, and no end of it came.
  private func failUnknown(_ responseID: String?, _ requestID: String?) {
    // Asked in this order: what is not kept any more has had its end before, wherever it had one.
    let isOver = responseID.map { responseID in
      service.sessions.answer(in: session.text, responseID: responseID, requestID: nil) == nil
        && isMissingEnd(of: responseID)
    }
    fail(Refusal.unknownResponse, requestID, responseID: isOver == true ? responseID : nil)
  }
}

extension Refusal {
  static func malformed(_ reason: String) -> Refusal {
    Refusal(status: .badRequest, code: "MALFORMED_RECORD", message: reason)
  }

  static func unheard(_ type: String) -> Refusal {
    Refusal(status: .badRequest, code: "UNKNOWN_MESSAGE_TYPE", message: "no record of type \(type) is heard here")
  }

  static let queueFull = Refusal(
    status: .tooManyRequests, code: "BUSY", message: "too many questions are waiting; ask again when one is answered",
    isRetryable: true)

  static let unknownResponse = Refusal(
    status: .notFound, code: "UNKNOWN_RESPONSE", message: "this session has no such response")

  static let watching = Refusal(
    status: .forbidden, code: "WATCHING", message: "this socket only watches: it was opened with watch=1")
}
