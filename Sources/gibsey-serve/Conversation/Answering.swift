// One question answered, whichever way it came: who watches the session sees it too.
import GibseyKit
import NIOCore

extension Service {
  /// The records of an answer for one who reads it, errors without internals.
  func records(of live: LiveAnswer, seq: Int = 0) -> AskingRecords {
    AskingRecords(
      responseID: live.responseID, requestID: live.requestID, sessionID: live.sessionID, seq: seq, isPublic: true,
      now: parts.now)
  }

  /// Answers a prompt of `conversing.prompt(for:)` for a request over HTTP. Awaits `take` for the records of each block of the
  /// network; one a token. How it ends, well or not, is a record: it may be cancelled by a socket of its session.
  /// - Throws: `CancellationError`, and what `take` throws, which ends the provider's work.
  func answer(
    _ prompt: Prompt, for identity: Identity, _ take: @escaping @Sendable ([Record]) async throws -> Void
  ) async throws {
    let live = LiveAnswer(responseID: parts.makeID(), requestID: prompt.requestID, sessionID: prompt.sessionID)
    let active = ActiveAnswer(live, for: nil, isResumable: false)
    sessions.begin(active, in: prompt.sessionID)
    defer {
      active.told()
      sessions.end(active, in: prompt.sessionID)
    }
    // A task of its own: to cancel an answer is not to cut the connection that it goes out on.
    let seat = conversing.seat()
    let task = Task(executorPreference: seat.executor) { [self] in
      defer { seat.leave() }
      try await make(active, prompt, identity, take)
    }
    active.made { task.cancel() }
    try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }

  private func make(
    _ active: ActiveAnswer, _ prompt: Prompt, _ identity: Identity, _ take: ([Record]) async throws -> Void
  ) async throws {
    let live = active.live
    var records = records(of: live)
    var telling = AnswerTelling(events, of: live)
    var refusal: (any Error)?
    var told: [Record] = []
    do {
      try await converse(prompt, owner: identity.name) { part in
        live.add(part)
        telling.note(part)
        told = refusal == nil ? records.records(of: part) : []
        return !told.isEmpty
      } room: {
        guard !told.isEmpty else { return }
        defer { told = [] }
        do { try await take(told) } catch {
          // Whoever took it wants no more: the provider's work ends as for one who cancels.
          refusal = error
          active.cancel()
        }
      }
    } catch {
      // What was told already, as the last record, is no failure of the response.
      if !live.hasEnded {
        live.abandon()
        throw refusal ?? error
      }
    }
    if let refusal { throw refusal }
  }
}

extension SocketConversation {
  /// Answers one question of the queue, to its end.
  func run(_ request: ChatRequest, number: Int) async {
    let prompt: Prompt
    do {
      prompt = try await service.prompt(for: request)
    } catch is CancellationError {
      return sayCancelled(request)
    } catch {
      service.noteFailure(error, of: request, in: session.text)
      return fail(error, of: request)
    }
    let live = LiveAnswer(
      responseID: service.parts.makeID(), requestID: request.requestID, sessionID: session.text)
    let active = ActiveAnswer(live, for: socket, isResumable: isResuming)
    guard let isReaderThere = note(active, number: number) else {
      noteNeverAsked(request)
      return
    }
    service.sessions.begin(active, in: session.text)
    if !isReaderThere { linger(active, turn: 0) }
    let socket = socket
    socket?.beginStream()
    await answer(prompt, active) { [self] in isOn(request.currentPageID) }
    socket?.endStream()
    active.told()
    live.abandon()
    guard active.isResumable else { return service.sessions.end(active, in: session.text) }
    // A reader whose connection broke at the very end can still come for it.
    let responseID = live.responseID
    let timer = Task { [service, session] in
      // The time that a reader has to come back; cancelled where it was forgotten for others.
      guard (try? await Task.sleep(for: service.parts.linger)) != nil else { return }
      service.sessions.end(responseID, in: session.text)
    }
    service.sessions.keep(active, in: session.text, until: timer, limitBytes: service.limits.keptBytes)
  }

  private func answer(
    _ prompt: Prompt, _ active: ActiveAnswer, isReaderThere: @escaping @Sendable () -> Bool
  ) async {
    let live = active.live
    var switches = 0
    var isLost = false
    var frames = AnswerFrames(service.records(of: live)) { live.tokens(withRecord: $0, wanted: $1) }
    var telling = AnswerTelling(service.events, of: live)
    /// Where a piece waits for its reader.
    var lagging: Socket?
    // Cancelled while its reader lags: the end is still told. Somebody else reads on: they do not wait. Gone: it ends here, unless
    // the reader may come back.
    func loseIfGone(_ socket: Socket) {
      isLost = socket.isClosed
      if isLost, !active.isResumable { active.cancel() }
    }
    do {
      try await service.converse(prompt, owner: identity.name, isReaderThere: isReaderThere) { part in
        live.add(part)
        telling.note(part)
        guard let piece = LiveAnswer.Piece(part) else { return false }
        let turn = active.beginWriting(isLost: isLost)
        if turn.parts { goOn(active, after: frames, LiveAnswer.Place(token: frames.tokens, part: switches)) }
        guard let socket = turn.socket else { return false }
        if case .part = piece { switches += 1 }
        if !piece.isEnd || takeEnd(of: live) {
          do {
            guard try frames.begin(piece, to: socket) else {
              lagging = socket
              return true
            }
          } catch {
            loseIfGone(socket)
          }
        }
        active.endWriting(to: socket)
        return false
      } room: {
        guard let socket = lagging else { return }
        lagging = nil
        do { try await frames.finish(to: socket, for: ObjectIdentifier(active)) } catch { loseIfGone(socket) }
        active.endWriting(to: socket)
      }
    } catch {
      // A failure was told as the last record; a reader who left is told nothing.
    }
  }

  /// Sends who asked the rest of an answer that somebody else reads as well.
  private func goOn(_ active: ActiveAnswer, after frames: AnswerFrames, _ place: LiveAnswer.Place) {
    follow(active.live, from: place, frames) { [weak self] in self?.stopReading(active, turn: 0) }
  }
}

extension LiveAnswer.Piece {
  /// What a part of an answer is to one who follows it; nil when it is nothing.
  init?(_ part: Asking.Part) {
    switch part {
    case .batch(let batch):
      guard !batch.tokenEnds.isEmpty else { return nil }
      self = .tokens(batch.text, ends: batch.tokenEnds)
    case .switched, .completed, .failed: self = .part(part)
    case .retrying, .adapted, .counted, .misread: return nil
    }
  }
}
