// The record of a character that may speak.

/// A character, and where it comes from; without its persona.
public struct CharacterListing: RecordData {
  /// The source of a character that is compiled in.
  public static let builtIn = "built-in"
  /// The source of a character whose card is in the database.
  public static let card = "card"

  public var id: String
  public var name: String
  /// As in "#e5b3b3".
  public var colour: String?
  /// The path of its file, `card` or `builtIn`.
  public var source: String

  public init(id: String, name: String, colour: String?, source: String) {
    self.id = id
    self.name = name
    self.colour = colour
    self.source = source
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.string("id")
    name = try fields.string("name")
    colour = try fields.optionalString("colour")
    source = try fields.string("source")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("name", name)
    writer.member("colour", colour)
    writer.member("source", source)
  }
}
