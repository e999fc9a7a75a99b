// Character cards go into a database, and come out as they went in.

/// Reads cards into a store.
public struct CardImporting {
  /// More entries than these are no book of lore.
  private static let entryLimit = 100_000

  private let store: PageStore
  private var sourceOfID: [Spelling: String] = [:]

  public init(store: PageStore) { self.store = store }

  /// What became of a file.
  public struct Outcome: Sendable {
    public let listing: CharacterListing
    /// False when it took the place of a card of the same id.
    public let isNew: Bool
    /// Pages from which on lore becomes known and which the database does not have: that lore stays unknown.
    public let missingPages: [String]
  }

  /// Writes the card of a file. A card of the same id is replaced, unless it was imported in the same run.
  /// - Throws: `GibseyError.noSuchFile`, `.cannotRead`, `.malformedInput`, and database errors.
  public mutating func add(path: String) throws -> Outcome { try add(CardFile(path: path)) }

  mutating func add(_ file: CardFile) throws -> Outcome {
    let card: CardToStore
    let entries: [LoreEntry]
    do { (card, entries) = try Self.stored(file) } catch let problem as RecordProblem {
      throw GibseyError.malformedInput(source: file.path, line: nil, reason: problem.reason)
    }
    if let other = sourceOfID[card.id.spelling] {
      throw GibseyError.malformedInput(
        source: file.path, line: nil, reason: "\(card.id) is the character of \(other) too")
    }
    let isNew = try store.write(card)
    sourceOfID[card.id.spelling] = file.path
    let pages = Set(entries.compactMap(\.knownFrom?.spelling)).sorted().map(\.text)
    return Outcome(
      listing: CharacterListing(id: card.id, name: card.name, colour: nil, source: CharacterListing.card), isNew: isNew,
      missingPages: try pages.filter { try store.page(id: $0) == nil })
  }

  /// What is written of a card, and its entries of lore that are awake.
  /// - Throws: `RecordProblem`.
  static func stored(_ file: CardFile) throws -> (card: CardToStore, entries: [LoreEntry]) {
    let data = try CharacterCard.data(of: try object(file.text))
    return try stored(try CharacterCard(data), data, file)
  }

  private static func object(_ json: ArraySlice<UInt8>) throws -> JSONObject {
    do {
      guard let object = try JSONScanner.scan(json, { try $0.value() }).objectValue else {
        throw RecordProblem("wanted a JSON object")
      }
      return object
    } catch let error as JSONError {
      throw RecordProblem("not JSON: \(error.reason) at byte \(error.offset + 1)")
    }
  }

  private static func stored(
    _ card: CharacterCard, _ data: JSONObject, _ file: CardFile
  ) throws -> (card: CardToStore, entries: [LoreEntry]) {
    let book = RecordFields(try RecordFields(data).optionalObject("character_book") ?? JSONObject())
    let objects = try book.list("entries") { $0.object }
    guard objects.count <= entryLimit else {
      throw RecordProblem("character_book.entries: more than \(entryLimit)")
    }
    var entries: [LoreEntry] = []
    var lore: [CardToStore.Lore] = []
    for (place, object) in objects.enumerated() {
      do {
        let content = try RecordFields(object).optionalString("content") ?? ""
        let entry = try LoreEntry(object, place: place, content: content)
        guard try !LoreEntry.isAsleep(object), !content.allSatisfy(\.isWhitespace) else { continue }
        entries.append(entry)
        let row = StoredLore(
          place: place, isConstant: entry.isConstant, entry: LoreEntry.used(of: object), content: content)
        lore.append(CardToStore.Lore(entry: row, words: entry.firstWords(card.macros)))
      } catch let problem as RecordProblem {
        throw RecordProblem("character_book.entries[\(place)].\(problem.reason)")
      }
    }
    return (
      CardToStore(
        id: card.id, name: card.name, used: CharacterCard.used(of: data), json: file.json, picture: file.picture,
        lore: lore),
      entries
    )
  }
}
