// A question over HTTP: its prompt, or its answer as it is made.
import GibseyKit
import NIOHTTP1

extension Route {
  /// The prompt for a question, as gibsey-context(1) makes it.
  static let context = Route(.POST, "/api/v1/context") { request, service in
    try request.query.allow()
    let question = try request.question()
    if let session = question.sessionID.flatMap({ SessionID($0) }) {
      try await service.look(at: session, as: request.identity)
    }
    let prompt = try await service.prompt(for: question)
    return Response(type: "application/json", body: .bytes(RecordCoder.encode(.prompt(prompt))))
      .header("cache-control", "no-store")
  }

  /// The answer to a question as records, one a line, the bytes of gibsey-ask(1); or as events, when those are asked for.
  static let ask = Route(.POST, "/api/v1/ask") { request, service in
    try request.query.allow()
    let question = try request.question()
    guard !service.isDraining else { throw Refusal.leaving }
    let identity = request.identity
    let prompt = try await service.promptToAnswer(for: question, identity)
    let isEvents = request.accepts(ServerSentEvents.type)
    return Response(
      type: isEvents ? ServerSentEvents.type : "application/x-ndjson",
      body: .stream { writer in
        let waiting = Locked<[UInt8]>([])
        try await service.answer(prompt, for: identity) { records in
          if case .error(let error) = records.first { writer.begin(Refusal(error)) }
          var lines = waiting.change { waiting in
            defer { waiting = [] }
            return waiting
          }
          for record in records {
            let line = RecordCoder.encode(record)
            lines += isEvents ? ServerSentEvents.event(line) : line
            guard lines.count >= BodyWriter.blockBytes else { continue }
            try await writer.write(lines)
            lines.removeAll(keepingCapacity: true)
          }
          // That another provider is asked is no answer yet: which status it has is told by what comes of it.
          if !writer.hasBegun, case .providerSwitched = records.last { return waiting.change { $0 = lines } }
          if !lines.isEmpty { try await writer.write(lines) }
        }
      }
    ).header("cache-control", "no-store").header("x-accel-buffering", "no")
  }
}

extension Service {
  /// Lets somebody see what was said in a session, without making it theirs.
  /// - Throws: `Refusal.noSuchSession` when it is another's.
  func look(at session: SessionID, as identity: Identity) async throws {
    guard let name = identity.name else { return }
    let owner = try await room.read { try $0.browsing.owner(of: session) } ?? sessions.owner(of: session.text)
    guard owner == nil || owner == name else { throw Refusal.noSuchSession }
  }

  /// The prompt for a question of somebody.
  /// - Throws: `Refusal.noSuchSession` for a session of another, and what is wrong with the question.
  func prompt(for question: ChatRequest, _ identity: Identity) async throws -> Prompt {
    if let session = question.sessionID.flatMap({ SessionID($0) }) { try await enter(session, identity) }
    return try await prompt(for: question)
  }

  /// The same for a question that is to be answered: it is told to whoever reads the events, and so is what became of it.
  func promptToAnswer(for question: ChatRequest, _ identity: Identity) async throws -> Prompt {
    noteRequest(question, in: question.sessionID)
    do { return try await prompt(for: question, identity) } catch {
      noteFailure(error, of: question, in: question.sessionID)
      throw error
    }
  }

  /// A question came.
  func noteRequest(_ question: ChatRequest, in session: String?) {
    events.note(.request) { $0.with("session_id", session).with("request_id", question.requestID) }
  }

  /// A question will have no answer.
  func noteFailure(_ error: any Error, of question: ChatRequest, in session: String?) {
    let hasLeft = error is CancellationError
    events.note(hasLeft ? .cancelled : .failed) {
      $0.with("session_id", session).with("request_id", question.requestID)
        .with("code", hasLeft ? nil : Refusal(error).code)
    }
  }
}

/// The lines of an event stream (WHATWG HTML §9.2).
enum ServerSentEvents {
  static let type = "text/event-stream"

  /// One event of one line, which ends with its line feed.
  static func event(_ line: [UInt8]) -> [UInt8] { Array("data: ".utf8) + line + [0x0A] }
}

extension HTTPResponseStatus {
  /// The status for an answer that failed before its first token.
  init(of error: ErrorRecord) {
    switch error.code {
    case "BUDGET_TOO_SMALL", "PROMPT_TOO_LONG": self = .badRequest
    case "PROVIDER_TIMEOUT": self = .gatewayTimeout
    case "RATE_LIMITED", "DATABASE_BUSY": self = .serviceUnavailable
    case "INTERNAL_ERROR", "DATABASE_FAILED", "BAD_SETTINGS": self = .internalServerError
    default: self = .badGateway
    }
  }
}

extension Refusal {
  /// The failure of an answer as the response to its request.
  init(_ error: ErrorRecord) {
    self.init(
      status: HTTPResponseStatus(of: error), code: error.code, message: error.message, isRetryable: error.isRetryable)
    guard let wait = error.retryAfterMilliseconds else { return }
    headers["retry-after"] = String((wait + 999) / 1000)
  }
}
