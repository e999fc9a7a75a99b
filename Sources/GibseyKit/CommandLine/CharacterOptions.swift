// Which characters there are: the flags, the folder of the user, the list.
public import ArgumentParser
internal import Glibc

extension Knowledge: ExpressibleByArgument {}

/// The flags about the characters that may speak.
public struct CharacterOptions: ParsableArguments {
  @Option(help: "A folder of characters of your own; else GIBSEY_CHARACTERS.")
  public var characters: String?

  @Flag(help: "List the characters, and end.")
  public var listCharacters = false

  @Flag(help: "List them as records.")
  public var json = false

  public init() {}

  public func validate() throws {
    if json, !listCharacters { throw ValidationError("--json goes with --list-characters") }
  }

  /// Prints who may speak, by id: a line of words each, or a record. The cards of the database that is named come to them.
  ///
  /// A flag names a database that is there; a setting may name one that is still to be made, which is said.
  /// - Throws: `GibseyError.noDatabase`, and what is wrong with it.
  public func list(_ cast: Cast, in context: ToolContext, database: String?) throws -> ExitStatus {
    let path = context.settings.overriding(.database, database, flag: "--database").string(.database)
    let cards: [CharacterListing]
    do {
      cards = try path.map { try PageStore(path: $0, access: .readOnly).cardListing() } ?? []
    } catch let error as GibseyError {
      guard case .noDatabase = error, database == nil else { throw error }
      context.diagnostics.notice("\(error.message): no cards are listed")
      cards = []
    }
    let listing = try cast.listing(with: cards)
    let width = listing.map(\.id.count).max() ?? 0
    for character in listing {
      if json {
        try context.write(.character(character))
      } else {
        let id = character.id + String(repeating: " ", count: width - character.id.count)
        let place = character.source == CharacterListing.builtIn ? "" : "  (\(character.source))"
        try context.output.write(Array((Diagnostics.oneLine("\(id)  \(character.name)\(place)") + "\n").utf8))
      }
    }
    return .done
  }
}

extension CharacterOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) throws {
    characters = try arguments.value("--characters")
    listCharacters = arguments.flag("--list-characters")
    json = arguments.flag("--json")
    try validate()
  }
}

extension ToolContext {
  /// The built-in characters and those of the folder that the settings name.
  /// - Throws: `GibseyError.malformedInput` for the first file that is no character; `.noSuchFile`, `.cannotRead`.
  public func cast() throws -> Cast {
    var cast = Cast()
    guard let folder = settings.string(.characters) else { return cast }
    for file in try CharacterFolder.files(in: folder, limitBytes: CharacterFile.limitBytes) {
      try cast.add(file.bytes, path: file.path)
    }
    return cast
  }
}

extension Settings {
  /// What characters know.
  /// - Throws: `GibseyError.badSetting`.
  public func knowledge() throws -> Knowledge {
    guard let setting = self[.knowledge] else { throw GibseyError.ourBug("GIBSEY_KNOWLEDGE has no default") }
    guard let knowledge = Knowledge(rawValue: setting.value) else { throw setting.wrong("reader, own or mentioned") }
    return knowledge
  }

  /// Where a user keeps characters for all stories, when the folder is there. An XDG_CONFIG_HOME that is empty or no
  /// absolute path counts as none (XDG Base Directory Specification 0.8).
  static func charactersFolder() -> String? {
    let variable = { (name: String) in getenv(name).map { String(cString: $0) } ?? "" }
    let (configured, home) = (variable("XDG_CONFIG_HOME"), variable("HOME"))
    guard configured.hasPrefix("/") || home.hasPrefix("/") else { return nil }
    let folder = (configured.hasPrefix("/") ? configured : home + "/.config") + "/gibsey/characters"
    var information = stat()
    guard stat(folder, &information) == 0 else { return nil }
    return information.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR) ? folder : nil
  }
}
