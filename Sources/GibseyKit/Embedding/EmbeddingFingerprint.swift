// What made a vector. Vectors of two fingerprints must never be compared.

/// The facts that decide what numbers a text becomes.
public struct EmbeddingFingerprint: Hashable, Sendable, CustomStringConvertible {
  /// The model's name, as in `all-minilm-l6-v2`.
  public let model: String
  /// Which weights under that name; empty when nobody tells.
  public let revision: String
  public let dimensions: Int
  /// How long texts are cut, as in `256/128`; empty when the embedder sees the text whole.
  public let windows: String
  /// What is put before every page; empty for nothing.
  public let prefix: String

  public init(model: String, revision: String, dimensions: Int, windows: String, prefix: String) {
    self.model = model
    self.revision = revision
    self.dimensions = dimensions
    self.windows = windows
    self.prefix = prefix
  }

  /// One line that is equal exactly when the fingerprints are: as in `all-minilm-l6-v2@1a2b3c4d5e6f 384 256/128`.
  public var description: String {
    var fields = [Self.escaped(model) + (revision.isEmpty ? "" : "@" + Self.escaped(revision)), String(dimensions)]
    if !windows.isEmpty || !prefix.isEmpty { fields.append(Self.escaped(windows)) }
    if !prefix.isEmpty { fields.append(Self.escaped(prefix)) }
    return fields.joined(separator: " ")
  }

  /// The model's name in a description.
  static func model(of description: String) -> String {
    var bytes: [UInt8] = []
    var rest = description.utf8.prefix { $0 != 0x20 && $0 != UInt8(ascii: "@") }[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
        bytes.append(code)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What parts the fields, and what no line can hold, as `%20`.
  private static func escaped(_ field: String) -> String {
    var text = ""
    for byte in field.utf8 {
      if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%"), byte != UInt8(ascii: "@") {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text
  }
}
