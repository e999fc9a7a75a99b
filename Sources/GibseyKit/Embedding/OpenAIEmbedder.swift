// OpenAI's /v1/embeddings, and every server that speaks it (platform.openai.com/docs/api-reference/embeddings).

/// OpenAI, or a compatible server at another base URL.
struct OpenAIEmbedder: EmbeddingServer {
  static let defaultModel = "text-embedding-3-small"

  let account: ProviderAccount
  var provider: any ChatProvider { OpenAI(account: account) }
  var textLimit: Int { 2048 }

  func request(_ texts: [String]) -> HTTPRequest {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("model", account.model)
      writer.member("input", texts)
      // A quarter of the bytes of numbers; a server that does not know it sends numbers, which are read too.
      writer.member("encoding_format", "base64")
    }
    let key = account.key.map { [HTTPHeader("Authorization", "Bearer \($0.secret)")] } ?? []
    return HTTPRequest(
      method: .post, url: account.baseURL.appending("/embeddings"),
      headers: [HTTPHeader("Content-Type", "application/json")] + key, body: writer.bytes)
  }

  // {"data":[{"index":0,"embedding":…},…],"usage":{"prompt_tokens":…}}, the data in any order.
  func reply(_ body: [UInt8]) throws -> EmbeddingReply {
    var reply = EmbeddingReply()
    var items: [(index: Int?, vector: [Float])] = []
    try JSONScanner.scan(body) { scanner in
      try scanner.members { key, scanner in
        switch key {
        case "data":
          guard try scanner.isArrayOrSkip() else { return }
          try scanner.elements { items.append(try Self.item(&$0)) }
        case "usage":
          guard try scanner.isObjectOrSkip() else { return }
          try scanner.members { key, scanner in
            if case "prompt_tokens" = key {
              reply.readTokens = try scanner.countOrSkip()
            } else {
              try scanner.skipValue()
            }
          }
        default: try scanner.skipValue()
        }
      }
    }
    reply.vectors = try Self.ordered(items)
    return reply
  }

  private static func item(_ scanner: inout JSONScanner) throws -> (index: Int?, vector: [Float]) {
    var item: (index: Int?, vector: [Float]) = (nil, [])
    try scanner.members { key, scanner in
      switch key {
      case "index": item.index = try scanner.countOrSkip()
      case "embedding": item.vector = try scanner.vector()
      default: try scanner.skipValue()
      }
    }
    return item
  }

  /// By `index`; as they came where none has one.
  private static func ordered(_ items: [(index: Int?, vector: [Float])]) throws -> [[Float]] {
    if items.allSatisfy({ $0.index == nil }) { return items.map(\.vector) }
    let sorted = items.sorted { $0.index ?? -1 < $1.index ?? -1 }
    guard sorted.indices.allSatisfy({ sorted[$0].index == $0 }) else {
      throw EmbeddingReply.Nonsense(reason: "its vectors are not numbered from 0, each once")
    }
    return sorted.map(\.vector)
  }
}
