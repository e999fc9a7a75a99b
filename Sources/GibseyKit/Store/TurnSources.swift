// How far in the book a turn is: as far as its reader, and as whatever was in its prompt.

/// What a turn has seen of the book.
public struct TurnSources: Sendable, Equatable {
  /// Behind every page: where something stands of which nobody knows how far it is.
  public static let unknownPlace = Int.max

  /// Ids: the reader's page, pages and samples of the prompt, and those from which on its lore is known.
  public var pages: [String]
  /// Numbers of the turns in the prompt: what they have seen was seen again.
  public var turns: [Int]
  /// Whether there was something that may be from anywhere.
  public var hasUnknown: Bool

  public init(pages: [String] = [], turns: [Int] = [], hasUnknown: Bool = false) {
    self.pages = pages
    self.turns = turns
    self.hasUnknown = hasUnknown
  }
}

extension ConversationStore {
  /// The furthest place in the reading order of what a turn has seen; nil when that is nothing of the book.
  func place(of sources: TurnSources) throws -> Int? {
    var furthest = sources.hasUnknown ? TurnSources.unknownPlace : 0
    for id in Set(sources.pages) {
      furthest = try max(furthest, placeOfPage(id) ?? TurnSources.unknownPlace)
    }
    let find = try connection.prepare("SELECT ifnull(furthest_page_index, 0) FROM turn WHERE turn_id = ?1")
    for id in sources.turns {
      find.bind(1, id)
      furthest = max(furthest, try find.step() ? find.integer(0) : TurnSources.unknownPlace)
      find.reset()
    }
    return furthest > 0 ? furthest : nil
  }

  /// Where a page stands; nil when there is none of that id.
  func placeOfPage(_ id: String) throws -> Int? {
    let find = try connection.prepare("SELECT page_index FROM page WHERE id = ?1")
    find.bind(1, id)
    return try find.step() ? find.integer(0) : nil
  }
}
