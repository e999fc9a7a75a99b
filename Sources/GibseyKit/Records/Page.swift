// The noun of the story: a page, and what becomes of it when it is indexed.

/// A page as it travels: a record of type `page`, or a bare object with `text`.
public struct Page: RecordData {
  public var id: String?
  public var title: String?
  public var characterID: String?
  /// The place in the reading order, from 1; nil takes the order of the source.
  public var pageIndex: Int?
  public var section: String?
  public var motifs: [String]
  /// Kept as it came; fields that the grammar does not know are added to it, unless it has one of that name itself.
  public var metadata: JSONObject
  public var text: String
  /// The text's vector, where somebody made it already: of any number of dimensions, the same for all pages.
  public var vector: [Float]?

  public init(
    id: String? = nil, title: String? = nil, characterID: String? = nil, pageIndex: Int? = nil,
    section: String? = nil, motifs: [String] = [], metadata: JSONObject = JSONObject(), text: String,
    vector: [Float]? = nil
  ) {
    self.id = id
    self.title = title
    self.characterID = characterID
    self.pageIndex = pageIndex
    self.section = section
    self.motifs = motifs
    self.metadata = metadata
    self.text = text
    self.vector = vector
  }

  private static let knownFields: Set<String> = [
    "id", "title", "character_id", "symbol_id", "symbolId", "page_index", "pageIndex", "section", "motifs",
    "metadata", "text", "vector",
  ]

  public init(_ fields: RecordFields) throws {
    id = try fields.optionalString("id")
    title = try fields.optionalString("title")
    characterID =
      try fields.optionalString("character_id") ?? fields.optionalString("symbol_id")
      ?? fields.optionalString("symbolId")
    pageIndex = try fields.optionalInteger("page_index") ?? fields.optionalInteger("pageIndex")
    section = try fields.optionalString("section")
    motifs = try fields.strings("motifs")
    metadata = try fields.optionalObject("metadata")?.asItCame ?? JSONObject()
    text = try fields.string("text")
    vector = try fields.optionalVector("vector")
    let given = metadata
    for member in fields.object.members where !Self.knownFields.contains(member.key) && given[member.key] == nil {
      metadata[member.key] = member.value.asItCame
    }
    if let pageIndex, pageIndex < 1 { throw RecordProblem("page_index: wanted 1 or more") }
    if id?.isEmpty == true { throw RecordProblem("id: empty") }
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("title", title)
    writer.member("character_id", characterID)
    writer.member("page_index", pageIndex)
    writer.member("section", section)
    if !motifs.isEmpty { writer.member("motifs", motifs) }
    if !metadata.isEmpty { writer.member("metadata", metadata) }
    writer.member("text", text)
    writer.member("vector", vector: vector)
  }
}

/// What indexing did with one page.
public struct PageIndexed: RecordData {
  public enum Change: String, Sendable, CaseIterable {
    case added, updated, relabelled, unchanged, removed, failed
  }

  public var id: String
  public var change: Change
  /// Why, when it failed.
  public var reason: String?

  public init(id: String, change: Change, reason: String? = nil) {
    self.id = id
    self.change = change
    self.reason = reason
  }

  public init(_ fields: RecordFields) throws {
    id = try fields.string("id")
    let name = try fields.string("change")
    guard let change = Change(rawValue: name) else { throw RecordProblem("change: unknown \(name)") }
    self.change = change
    reason = try fields.optionalString("reason")
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("change", change.rawValue)
    writer.member("reason", reason)
  }
}

/// The end of an indexing run: a count for each change.
public struct IndexSummary: RecordData {
  public var counts: [PageIndexed.Change: Int]
  /// Pages in the database after the run.
  public var pages: Int
  /// The fingerprint of the embedder, or `none`.
  public var embedder: String
  public var dimensions: Int
  public var seconds: Double

  public init(
    counts: [PageIndexed.Change: Int], pages: Int, embedder: String, dimensions: Int, seconds: Double
  ) {
    self.counts = counts
    self.pages = pages
    self.embedder = embedder
    self.dimensions = dimensions
    self.seconds = seconds
  }

  public init(_ fields: RecordFields) throws {
    counts = [:]
    for change in PageIndexed.Change.allCases { counts[change] = try fields.integer(change.rawValue) }
    pages = try fields.integer("pages")
    embedder = try fields.string("embedder")
    dimensions = try fields.integer("dimensions")
    seconds = try fields.double("seconds")
  }

  public func write(to writer: inout JSONWriter) {
    for change in PageIndexed.Change.allCases { writer.member(change.rawValue, counts[change] ?? 0) }
    writer.member("pages", pages)
    writer.member("embedder", embedder)
    writer.member("dimensions", dimensions)
    writer.member("seconds", seconds)
  }
}
