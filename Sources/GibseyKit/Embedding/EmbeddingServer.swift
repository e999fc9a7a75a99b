// What a server that embeds is: how to ask it, how to read it. Pure: no I/O.

/// A server's side of embedding. Two implementations, one file each.
protocol EmbeddingServer: Sendable {
  /// Who is asked, with the embedding model as the account's: what failures mean is the same as for answers.
  var provider: any ChatProvider { get }
  /// Texts in one request at most.
  var textLimit: Int { get }
  /// The request for the vectors of some texts, at least one.
  func request(_ texts: [String]) -> HTTPRequest
  /// What the body of a good answer says.
  /// - Throws: `JSONError`, or `EmbeddingReply.Nonsense`.
  func reply(_ body: [UInt8]) throws -> EmbeddingReply
}

/// Vectors in the order of the texts, as many as came.
struct EmbeddingReply: Equatable {
  /// Why an answer is none, in words for a person.
  struct Nonsense: Error, Equatable { let reason: String }

  var vectors: [[Float]] = []
  /// Tokens that the server read, in all; nil when it does not tell.
  var readTokens: Int?
}

extension JSONScanner {
  /// A vector: an array of numbers, or the base64 of little-endian 32-bit floats.
  mutating func vector() throws -> [Float] {
    guard peek() == UInt8(ascii: "[") else {
      guard let text = try value().stringValue, let bytes = Base64.decoded(text.utf8), bytes.count % 4 == 0 else {
        throw EmbeddingReply.Nonsense(reason: "a vector is neither numbers nor the base64 of floats")
      }
      return stride(from: 0, to: bytes.count, by: 4).map {
        Float(bitPattern: bytes.littleEndian(UInt32.self, at: $0))
      }
    }
    var numbers: [Float] = []
    try elements { scanner in
      // What is no number, as the null that some write for NaN, is told of with the vector.
      numbers.append(try scanner.value().doubleValue.map(Float.init) ?? .nan)
    }
    return numbers
  }
}
