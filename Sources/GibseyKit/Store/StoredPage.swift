// A page as the database holds it: with an id and a place.

/// A page that is in the database.
public struct StoredPage: Sendable, Equatable {
  public let id: String
  public let title: String?
  public let characterID: String?
  /// The place in the reading order, from 1.
  public let pageIndex: Int
  public let section: String?
  public let motifs: [String]
  public let metadata: JSONObject
  public let text: String

  public init(
    id: String, title: String?, characterID: String?, pageIndex: Int, section: String?, motifs: [String],
    metadata: JSONObject, text: String
  ) {
    self.id = id
    self.title = title
    self.characterID = characterID
    self.pageIndex = pageIndex
    self.section = section
    self.motifs = motifs
    self.metadata = metadata
    self.text = text
  }

  /// The page as it travels.
  public var page: Page {
    Page(
      id: id, title: title, characterID: characterID, pageIndex: pageIndex, section: section, motifs: motifs,
      metadata: metadata, text: text)
  }
}
