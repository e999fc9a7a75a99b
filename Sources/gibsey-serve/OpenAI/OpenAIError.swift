// An error as clients of OpenAI's API read it.
import GibseyKit
import NIOHTTP1

/// What stands in `error` of a response below `/v1/`, and of a stream there.
struct OpenAIError: Sendable, Equatable {
  let message: String
  /// As in `invalid_request_error`.
  let type: String
  /// The field of the request that is wrong.
  let parameter: String?
  /// One of OpenAI's codes where there is one for it, else one of ours in lower case.
  let code: String

  init(_ refusal: Refusal) {
    message = refusal.message
    parameter = refusal.parameter
    switch refusal.status.code {
    case 429: type = "rate_limit_error"
    case 400..<500: type = "invalid_request_error"
    default: type = "server_error"
    }
    switch refusal.code {
    case "UNAUTHORIZED": code = "invalid_api_key"
    case "UNKNOWN_CHARACTER": code = "model_not_found"
    // Of the provider's own model, which is no business of the client.
    case "MODEL_NOT_FOUND": code = "provider_failed"
    case "BUDGET_TOO_SMALL", "PROMPT_TOO_LONG": code = "context_length_exceeded"
    default: code = refusal.code.lowercased()
    }
  }

  /// `{"error":{…}}`, with a line feed.
  var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.object { write(to: &$0) }
    return writer.bytes + [0x0A]
  }

  func write(to writer: inout JSONWriter) {
    writer.key("error")
    writer.object { writer in
      writer.member("message", message)
      writer.member("type", type)
      writer.key("param")
      if let parameter { writer.string(parameter) } else { writer.null() }
      writer.member("code", code)
    }
  }
}
