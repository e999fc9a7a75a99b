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

  /// One line that is equal exactly when the fingerprints are: five fields between tabs, tabs and line ends escaped.
  public var description: String {
    [model, revision, String(dimensions), windows, prefix].map(Self.escaped).joined(separator: "\t")
  }

  private static func escaped(_ field: String) -> String {
    var text = ""
    for scalar in field.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\t": text += "\\t"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
