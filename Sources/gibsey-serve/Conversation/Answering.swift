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
  /// network; one a token. How it ends, well or not, is a record.
  /// - Parameter stop: ends the work of the task that calls; who is in the same session may want that.
  /// - Throws: `CancellationError`, and what `take` throws, which ends the provider's work.
  func answer(
    _ prompt: Prompt, for identity: Identity, stop: @escaping @Sendable () -> Void = {},
    _ take: ([Record]) async throws -> Void
  ) async throws {
    let live = LiveAnswer(responseID: parts.makeID(), requestID: prompt.requestID, sessionID: prompt.sessionID)
    let active = ActiveAnswer(live, for: nil, isResumable: false)
    active.stopped(by: stop)
    if let session = prompt.sessionID { sessions.begin(active, in: session) }
    defer { if let session = prompt.sessionID { sessions.end(active, in: session) } }
    var records = records(of: live)
    var telling = AnswerTelling(events, of: live)
    do {
      try await withTaskExecutorPreference(conversing.executor) {
        try await converse(prompt, owner: identity.name) { part in
          live.add(part)
          telling.note(part)
          let told = records.records(of: part)
          if !told.isEmpty { try await take(told) }
        }
      }
    } catch is GibseyError where live.hasEnded {
      // Told already, as the last record.
    } catch is CancellationError where live.hasEnded && active.isCancelled {
      // The same: its reader is still there.
    } catch {
      live.abandon()
      throw error
    }
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
      return fail(error, request.requestID)
    }
    let live = LiveAnswer(
      responseID: service.parts.makeID(), requestID: request.requestID, sessionID: session.text)
    let active = ActiveAnswer(live, for: socket, isResumable: isResuming)
    guard note(active, number: number) else { return }
    service.sessions.begin(active, in: session.text)
    await answer(prompt, active)
    active.told()
    live.abandon()
    if active.isResumable {
      endLater(active)
    } else {
      service.sessions.end(active, in: session.text)
    }
  }

  private func answer(_ prompt: Prompt, _ active: ActiveAnswer) async {
    let live = active.live
    var frames = AnswerFrames(service.records(of: live)) { live.note(record: $0, tokens: $1, turn: 0) }
    var telling = AnswerTelling(service.events, of: live)
    var isLate = false
    do {
      try await service.converse(prompt, owner: identity.name) { part in
        live.add(part)
        telling.note(part)
        guard let piece = LiveAnswer.Piece(part), let socket = active.direct else { return }
        do {
          isLate = try await socket.send(frames.frames(of: piece, isLate: isLate))
        } catch {
          // Cancelled while its reader lags: the end is still told. Gone: it ends here, unless the reader may come back.
          if socket.isClosed, !active.isResumable { throw error }
        }
      }
    } catch {
      // A failure was told as the last record; a reader who left is told nothing.
    }
  }

  /// A reader whose connection broke at the very end can still come for it.
  private func endLater(_ active: ActiveAnswer) {
    Task { [service, session] in
      // The time that a reader has to come back: nothing else ends it.
      try? await Task.sleep(for: service.parts.linger)
      service.sessions.end(active, in: session.text)
    }
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
