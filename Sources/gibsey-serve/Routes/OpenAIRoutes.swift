// The characters as models of OpenAI's API, for every client that speaks it.
import GibseyKit
import NIOHTTP1

extension Route {
  static let models = Route(.GET, "/v1/models") { request, service in
    try request.query.allow()
    let characters = try await service.room.read { try $0.browsing.characters() }
    return .story { writer in
      writer.member("object", "list")
      writer.key("data")
      writer.array(characters) { writer, character in
        writer.object { $0.model(character.id, created: service.startedSeconds) }
      }
    }
  }

  static let model = Route(.GET, "/v1/models/{id}") { request, service in
    try request.query.allow()
    let name = request.parameter("id")
    _ = try await service.room.read { try $0.model(name) }
    return .story { $0.model(name, created: service.startedSeconds) }
  }

  static let chatCompletions = Route(.POST, "/v1/chat/completions") { request, service in
    try request.query.allow()
    let asked = try ChatCompletionRequest(try request.json())
    guard !service.isDraining else { throw Refusal.leaving }
    let name = try await service.room.read { try $0.model(asked.model) }
    var question = ChatRequest(
      prompt: asked.prompt, characterID: name.characterID, currentPageID: name.pageID, history: asked.history)
    // No session: what the client tells of the past is nowhere kept.
    question.sessionID = nil
    let prompt = try await service.promptToAnswer(for: question, request.identity)
    return asked.isStream
      ? service.chunks(of: prompt, asked, for: request.identity)
      : try await service.whole(prompt, asked, for: request.identity)
  }
}

extension Service {
  fileprivate var startedSeconds: Int { startedAt.microseconds / 1_000_000 }

  private func completion(_ responseID: String, _ asked: ChatCompletionRequest) -> ChatCompletion {
    ChatCompletion(
      responseID: responseID, model: asked.model, created: now().microseconds / 1_000_000, wantsUsage: asked.wantsUsage)
  }

  fileprivate func chunks(of prompt: Prompt, _ asked: ChatCompletionRequest, for identity: Identity) -> Response {
    Response(
      type: ServerSentEvents.type,
      body: .stream { [self] writer in
        let completion = Locked<ChatCompletion?>(nil)
        try await answer(prompt, for: identity) { [self] records in
          var events: [UInt8] = []
          for record in records {
            switch record {
            case .responseStream(let stream):
              if stream.completion?.finishReason == .cancelled {
                if !writer.hasBegun { throw cutShort }
                events += ChatCompletion.event(OpenAIError(cutShort))
                continue
              }
              events += completion.change { completion in
                if completion == nil { completion = self.completion(stream.responseID, asked) }
                return completion?.events(for: stream) ?? []
              }
            case .error(let error):
              guard writer.hasBegun else { throw Refusal(error) }
              events += ChatCompletion.event(OpenAIError(Refusal(error)))
            default: break
            }
            guard events.count >= BodyWriter.blockBytes else { continue }
            try await writer.write(events)
            events.removeAll(keepingCapacity: true)
          }
          if !events.isEmpty { try await writer.write(events) }
        }
      }
    ).header("cache-control", "no-store").header("x-accel-buffering", "no")
  }

  fileprivate func whole(
    _ prompt: Prompt, _ asked: ChatCompletionRequest, for identity: Identity
  ) async throws -> Response {
    let told = Locked<(answer: ChatCompletion?, end: Completion?)>((nil, nil))
    try await self.answer(prompt, for: identity) { [self] records in
      try told.change { told in
        for record in records {
          switch record {
          case .responseStream(let stream):
            if told.answer == nil { told.answer = completion(stream.responseID, asked) }
            told.answer?.add(stream.token)
            told.end = stream.completion
          case .error(let error): throw Refusal(error)
          default: break
          }
        }
      }
    }
    let (answer, end) = told.value
    guard let answer, let end, end.finishReason != .cancelled else { throw cutShort }
    return .story { answer.write(end, to: &$0) }
  }
}

extension Service {
  /// Why an answer ended before its end, where that has no word of its own: the daemon ends, or the time was over.
  var cutShort: Refusal { isDraining ? .leaving : .tookTooLong }
}

extension Refusal {
  /// The time for the whole answer was over.
  static let tookTooLong = Refusal(
    status: .gatewayTimeout, code: "PROVIDER_TIMEOUT", message: "the answer took too long", isRetryable: true)
}

extension JSONWriter {
  fileprivate mutating func model(_ id: String, created: Int) {
    member("id", id)
    member("object", "model")
    member("created", created)
    member("owned_by", "gibsey")
  }
}
