// Who may speak: the built-in characters and a user's own.

/// The characters of a run. One that was added stands before the built-in one of the same id.
public struct Cast: Sendable {
  private var added: [Spelling: (character: StoryCharacter, path: String)] = [:]

  /// The built-in characters.
  public init() {}

  /// Adds the character of a file.
  /// - Throws: `GibseyError.malformedInput`, with the line, for a file that is none and for an id that is there twice.
  public mutating func add(_ file: [UInt8], path: String) throws {
    let character: StoryCharacter
    do { character = try CharacterFile.character(in: file) } catch let problem as CharacterFile.Problem {
      throw GibseyError.malformedInput(source: path, line: problem.line, reason: problem.reason)
    }
    if let other = added[character.id.spelling] {
      throw GibseyError.malformedInput(
        source: path, line: nil, reason: "\(character.id) is the character of \(other.path) too")
    }
    added[character.id.spelling] = (character, path)
  }

  /// The ids of all, sorted.
  public var ids: [String] { spellings.sorted().map(\.text) }

  private var spellings: Set<Spelling> { Set(StoryCharacter.knownIDs.map(\.spelling)).union(added.keys) }

  /// The character of that id that was added; nil when none was.
  func own(_ id: String) -> StoryCharacter? { added[id.spelling]?.character }

  /// The character of that id.
  /// - Throws: `GibseyError.unknownCharacter`, which lists the known ones.
  public func named(_ id: String) throws -> StoryCharacter {
    if let (character, _) = added[id.spelling] { return character }
    guard StoryCharacter.knownIDs.contains(id) else { throw GibseyError.unknownCharacter(id: id, known: ids) }
    return try StoryCharacter.named(id)
  }

  /// Who speaks when nobody was named: the neutral narrator, or a character of the id `narrator` that was added.
  public var narrator: StoryCharacter {
    get throws { try added["narrator".spelling]?.character ?? StoryCharacter.narrator }
  }

  /// All of them as records, by id.
  /// - Parameter cards: characters of a database; they stand behind those that were added and before the built-in ones.
  public func listing(with cards: [CharacterListing] = []) throws -> [CharacterListing] {
    let card = Dictionary(cards.map { ($0.id.spelling, $0) }) { first, _ in first }
    return try spellings.union(card.keys).sorted().map { id in
      if let card = card[id], added[id] == nil { return card }
      let character = try named(id.text)
      return CharacterListing(
        id: id.text, name: character.name, colour: character.colour,
        source: added[id]?.path ?? CharacterListing.builtIn)
    }
  }
}
