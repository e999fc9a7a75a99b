// Ollama's /api/embed (ollama.com/docs, server/routes.go).

/// A local or remote Ollama.
struct OllamaEmbedder: EmbeddingServer {
  /// The model when nobody names one: of many languages, for long texts, with nothing to be put before them.
  static let defaultModel = "bge-m3"

  let account: ProviderAccount
  var provider: any ChatProvider { Ollama(account: account) }
  /// The server works through them one by one: more gain nothing and hold up whoever else asks.
  var textLimit: Int { 64 }

  func request(_ texts: [String]) -> HTTPRequest {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("model", account.model)
      writer.member("input", texts)
      // Without this the server drops what does not fit and answers with 200.
      writer.member("truncate", false)
    }
    var headers = [HTTPHeader("Content-Type", "application/json")]
    if let key = account.key { headers.append(HTTPHeader("Authorization", "Bearer \(key.secret)")) }
    return HTTPRequest(
      method: .post, url: account.baseURL.appending("/api/embed"), headers: headers, body: writer.bytes)
  }

  // {"model":…,"embeddings":[[…],…],"prompt_eval_count":…}
  func reply(_ body: [UInt8]) throws -> EmbeddingReply {
    var reply = EmbeddingReply()
    try JSONScanner.scan(body) { scanner in
      try scanner.members { key, scanner in
        switch key {
        case "embeddings":
          guard try scanner.isArrayOrSkip() else { return }
          try scanner.elements { reply.vectors.append(try $0.vector()) }
        case "prompt_eval_count": reply.readTokens = try scanner.countOrSkip()
        default: try scanner.skipValue()
        }
      }
    }
    return reply
  }
}
