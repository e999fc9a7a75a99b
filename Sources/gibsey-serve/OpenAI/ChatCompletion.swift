// An answer as clients of OpenAI's API read it: whole, or in chunks.
import GibseyKit

/// Writes one answer. A value that remembers what it has written.
struct ChatCompletion: Sendable {
  let responseID: String
  /// As the client called it.
  let model: String
  /// In seconds since 1970.
  let created: Int
  /// Whether a chunk with the usage ends the stream.
  let wantsUsage: Bool
  private var hasRole = false
  private var text = ""

  init(responseID: String, model: String, created: Int, wantsUsage: Bool) {
    self.responseID = responseID
    self.model = model
    self.created = created
    self.wantsUsage = wantsUsage
  }

  // MARK: Whole

  mutating func add(_ token: String) { text += token }

  func write(_ completion: Completion, to writer: inout JSONWriter) {
    head("chat.completion", &writer)
    writer.key("choices")
    writer.array([text]) { writer, text in
      writer.object { writer in
        writer.member("index", 0)
        writer.key("message")
        writer.object { writer in
          writer.member("role", "assistant")
          writer.member("content", text)
          writer.key("refusal")
          writer.null()
        }
        writer.key("logprobs")
        writer.null()
        writer.member("finish_reason", completion.finishReason.rawValue)
      }
    }
    Self.usage(completion.usage, &writer)
  }

  // MARK: In chunks

  /// The events for one record of tokens, or for the end.
  mutating func events(for record: ResponseStream) -> [UInt8] {
    var events: [UInt8] = []
    if !hasRole {
      hasRole = true
      events += event {
        $0.member("role", "assistant"); $0.member("content", "")
      }
    }
    guard let completion = record.completion else {
      return events + event { $0.member("content", record.token) }
    }
    events += event(finish: completion.finishReason.rawValue) { _ in }
    if wantsUsage { events += usageEvent(completion.usage) }
    return events + ServerSentEvents.event(Array("[DONE]\n".utf8))
  }

  private func event(finish: String? = nil, _ delta: (inout JSONWriter) -> Void) -> [UInt8] {
    Self.event { writer in
      head("chat.completion.chunk", &writer)
      writer.key("choices")
      writer.array([0]) { writer, index in
        writer.object { writer in
          writer.member("index", index)
          writer.key("delta")
          writer.object(delta)
          writer.key("logprobs")
          writer.null()
          writer.key("finish_reason")
          if let finish { writer.string(finish) } else { writer.null() }
        }
      }
      if wantsUsage {
        writer.key("usage")
        writer.null()
      }
    }
  }

  private func usageEvent(_ usage: Usage?) -> [UInt8] {
    Self.event { writer in
      head("chat.completion.chunk", &writer)
      writer.key("choices")
      writer.array([Int]()) { $0.integer($1) }
      Self.usage(usage, &writer)
    }
  }

  /// An event for what ended the stream before its end.
  static func event(_ error: OpenAIError) -> [UInt8] { event { error.write(to: &$0) } }

  private static func event(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.object(write)
    return ServerSentEvents.event(writer.bytes + [0x0A])
  }

  // MARK: What both have

  private func head(_ object: String, _ writer: inout JSONWriter) {
    writer.member("id", "chatcmpl-\(responseID)")
    writer.member("object", object)
    writer.member("created", created)
    writer.member("model", model)
    writer.key("system_fingerprint")
    writer.null()
  }

  private static func usage(_ usage: Usage?, _ writer: inout JSONWriter) {
    let (prompt, completion) = (usage?.promptTokens ?? 0, usage?.completionTokens ?? 0)
    writer.key("usage")
    writer.object { writer in
      writer.member("prompt_tokens", prompt)
      writer.member("completion_tokens", completion)
      writer.member("total_tokens", prompt + completion)
      writer.key("prompt_tokens_details")
      writer.object { $0.member("cached_tokens", usage?.cachedTokens ?? 0) }
    }
  }
}
