// Whether the models behind the characters are there, for whoever set the daemon up. Nothing of the inside is told.
import GibseyKit
import NIOHTTP1

extension Route {
  /// How the providers are; no token is made for it.
  static let providers = Route(.GET, "/test-llm-debug") { request, service in
    try request.query.allow()
    let found = try await service.conversing.check()
    return .story { writer in
      writer.member("ready", found.contains { $0.status.isReady })
      writer.key("providers")
      writer.array(found) { writer, one in writer.object { one.status.shown(one.failure).write(to: &$0) } }
    }
  }

  /// Whether a character answers. What is said is kept nowhere.
  static let tryAnswer = Route(.POST, "/test-llm-debug") { request, service in
    try request.query.allow()
    var question = try request.question(prompt: "Who are you? One sentence is enough.")
    // It is no part of the conversation that it names, but is asked by its reader, who is on a page there.
    if question.currentPageID == nil, let session = question.sessionID.flatMap({ SessionID($0) }) {
      question.currentPageID = try await service.furthestPage(of: session, as: request.identity)
    }
    question.sessionID = nil
    guard !service.isDraining else { throw Refusal.leaving }
    let prompt = try await service.promptToAnswer(for: question, request.identity)
    let told = Locked<(answer: String, end: Completion?)>(("", nil))
    try await service.answer(prompt, for: request.identity) { records in
      try told.change { told in
        for record in records {
          switch record {
          case .responseStream(let stream):
            told.answer += stream.token
            told.end = stream.completion
          case .error(let error): throw Refusal(error)
          default: break
          }
        }
      }
    }
    let (answer, found) = told.value
    guard let end = found, end.finishReason != .cancelled else { throw service.cutShort }
    let asked = question
    return .story { writer in
      writer.member("character_id", asked.characterID)
      writer.member("prompt", asked.prompt)
      writer.member("answer", answer)
      writer.member("finish_reason", end.finishReason.rawValue)
      writer.member("provider", end.provider)
      writer.member("model", end.model)
      if let usage = end.usage {
        writer.key("usage")
        writer.object { usage.write(to: &$0) }
      }
      writer.member("time_to_first_token_ms", end.timeToFirstTokenMilliseconds)
      writer.member("duration_ms", end.durationMilliseconds)
    }
  }
}

extension Service {
  /// The page up to which somebody may see in a session of theirs; nil where there is no such session, or no such page.
  fileprivate func furthestPage(of session: SessionID, as identity: Identity) async throws -> String? {
    let reader = Browsing.Reader(sessionID: session, owner: identity.name)
    do { return try await room.read { try $0.browsing.gate(of: reader)?.id } } catch GibseyError.unknownSession {
      return nil
    }
  }
}

extension ProviderStatus {
  /// The same for strangers: no address, and of a failure only what they may hear.
  fileprivate func shown(_ failure: GibseyError?) -> ProviderStatus {
    var status = self
    status.address = nil
    status.hint = nil
    status.message = failure?.publicMessage
    return status
  }
}
