// What a provider can be asked without an answer being made: its version, its models, one model.

/// A question about the provider itself.
public enum ProviderQuestion: Sendable, Equatable {
  case version
  case models
  /// Whether there is a model of that name.
  case model(String)

  /// A name as an element of a path (RFC 3986 §2.3).
  static func pathElement(_ name: String) -> String {
    name.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}

/// What answers to such questions say, in the shapes of all providers.
enum ProviderFacts {
  private static func object(_ body: [UInt8]) -> JSONObject? {
    try? JSONScanner.scan(body, { try $0.value() }).objectValue
  }

  /// As in "0.33.0".
  static func version(in body: [UInt8]) -> String? { object(body)?["version"]?.stringValue }

  /// The names of the models, in their order; nil when it is no list of models.
  static func models(in body: [UInt8]) -> [String]? {
    guard let object = object(body) else { return nil }
    let list = object["data"]?.arrayValue ?? object["models"]?.arrayValue
    return list?.compactMap { model in
      let model = model.objectValue
      return (model?["id"] ?? model?["name"] ?? model?["model"])?.stringValue
    }
  }

  /// Whether a list is of llama.cpp's server with one model: that one answers, whatever it is called.
  static func isOneForAll(_ body: [UInt8]) -> Bool {
    guard let list = object(body)?["data"]?.arrayValue, list.count == 1 else { return false }
    return list[0].objectValue?["owned_by"]?.stringValue == "llamacpp"
  }

  /// The longest prompt and answer of a model, in tokens: `model_info["<architecture>.context_length"]` of Ollama.
  static func contextTokens(in body: [UInt8]) -> Int? {
    object(body)?["model_info"]?.objectValue?.members.first { $0.key.hasSuffix(".context_length") }?.value.integerValue
  }
}

extension HTTPRequest {
  /// The same request from somebody without a key.
  var withoutKey: HTTPRequest {
    var request = self
    request.headers.removeAll { ["authorization", "x-api-key"].contains($0.name.lowercased()) }
    return request
  }
}
