// Who speaks: the characters that are compiled in, one readable file each in Characters/.

/// A character of a story, as a model is told of it.
public struct StoryCharacter: Sendable, Equatable {
  public let id: String
  public let name: String
  /// As in "#e5b3b3"; nil for one that has none.
  public let colour: String?
  /// Second person; of the built-in ones 250 to 500 words.
  public let persona: String
  /// The same in at most 90 words, for small budgets.
  public let shortPersona: String
  /// The name, and what else the story calls it.
  public let names: [String]

  public init(
    id: String, name: String, colour: String?, persona: String, shortPersona: String, shortNames: [String] = []
  ) {
    names = [name] + shortNames
    self.id = id
    self.name = name
    self.colour = colour
    self.persona = persona
    self.shortPersona = shortPersona
  }

  /// Who speaks when nobody was named.
  public static var narrator: StoryCharacter { get throws { try parse(PackageResources.narrator_md) } }

  /// The ids of the built-in characters, sorted.
  public static var knownIDs: [String] { files.keys.sorted() }

  /// The built-in character of that id.
  /// - Throws: `GibseyError.unknownCharacter`, which lists the known ones.
  public static func named(_ id: String) throws -> StoryCharacter {
    guard let file = files[id] else { throw GibseyError.unknownCharacter(id: id, known: knownIDs) }
    return try parse(file())
  }

  private static var files: [String: @Sendable () -> [UInt8]] {
    [
      "an-author": { PackageResources.an_author_md },
      "london-fox": { PackageResources.london_fox_md },
      "glyph-marrow": { PackageResources.glyph_marrow_md },
      "phillip-bafflemint": { PackageResources.phillip_bafflemint_md },
      "jacklyn-variance": { PackageResources.jacklyn_variance_md },
      "oren-progresso": { PackageResources.oren_progresso_md },
      "old-natalie-weissman": { PackageResources.old_natalie_weissman_md },
      "princhetta": { PackageResources.princhetta_md },
      "cop-e-right": { PackageResources.cop_e_right_md },
      "new-natalie-weissman": { PackageResources.new_natalie_weissman_md },
      "arieol-owlist": { PackageResources.arieol_owlist_md },
      "jack-parlance": { PackageResources.jack_parlance_md },
      "manny-valentinas": { PackageResources.manny_valentinas_md },
      "shamrock-stillman": { PackageResources.shamrock_stillman_md },
      "todd-fishbone": { PackageResources.todd_fishbone_md },
      "the-author": { PackageResources.the_author_md },
    ]
  }

  private static func parse(_ file: [UInt8]) throws -> StoryCharacter {
    do { return try CharacterFile.character(in: file) } catch let problem as CharacterFile.Problem {
      throw GibseyError.ourBug("a built-in character: line \(problem.line ?? 0): \(problem.reason)")
    }
  }
}
