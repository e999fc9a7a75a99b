// How many tokens a prompt has, counted by who will read it (platform.claude.com/docs, llama.cpp tools/server).

/// Anthropic's counter of tokens. llama.cpp's server has the same one.
enum TokenCount {
  static let path = "/messages/count_tokens"

  static func request(
    for prompt: Prompt, model: String, url: String, headers: [HTTPHeader]
  ) -> HTTPRequest {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("model", model)
      Anthropic.writeConversation(prompt, to: &writer)
    }
    return HTTPRequest(method: .post, url: url, headers: headers, body: writer.bytes)
  }

  /// The count in an answer; nil in anything else.
  static func read(_ body: [UInt8]) -> Int? {
    try? JSONScanner.scan(body, { try $0.value() }).objectValue?["input_tokens"]?.integerValue
  }
}
