// The flags about character cards: in and out of a database.
public import ArgumentParser

/// Importing and exporting character cards.
public struct CardOptions: ParsableArguments {
  @Flag(help: "Take the files as character cards, JSON or PNG, and keep them.")
  public var importCard = false

  @Option(help: "Print the card of that character as it came, and end.")
  public var exportCard: String?

  @Flag(help: "Print the picture that the card came in.")
  public var picture = false

  public init() {}

  /// The flags given that each ask for something of their own.
  public var verbs: [String] {
    [("--import-card", importCard), ("--export-card", exportCard != nil)].filter(\.1).map(\.0)
  }

  public func validate() throws {
    if picture, exportCard == nil { throw ValidationError("--picture goes with --export-card") }
  }

  /// Does what was asked for; nil when nothing was.
  public func run(_ paths: [String], database: String, waitSeconds: Int, in context: ToolContext) throws -> ExitStatus?
  {
    if let exportCard { return try export(exportCard, database, context) }
    guard importCard else { return nil }
    guard !paths.isEmpty else { throw GibseyError.usage("no card named", hint: "name its file, JSON or PNG") }
    let lock = try WriterLock(path: database, limitSeconds: waitSeconds) {
      context.diagnostics.notice("waiting for another gibsey-index on \(database)")
    }
    defer { withExtendedLifetime(lock) {} }
    var importing = CardImporting(store: try PageStore(path: database, access: .readWrite))
    var status = ExitStatus.done
    for path in paths {
      do {
        try add(path, to: &importing, context)
      } catch let error as GibseyError where error.exitStatus == .malformed || error.exitStatus == .noInput {
        context.diagnostics.error(error)
        if status == .done { status = error.exitStatus }
      }
    }
    return status
  }

  private func add(_ path: String, to importing: inout CardImporting, _ context: ToolContext) throws {
    let outcome = try importing.add(path: path)
    if !outcome.isNew { context.diagnostics.notice("\(path): takes the place of the card of \(outcome.listing.id)") }
    if !outcome.missingPages.isEmpty {
      let pages = outcome.missingPages.prefix(5).joined(separator: ", ")
      context.diagnostics.warning("\(path): lore that is known from a page that is not there: \(pages)")
    }
    try context.write(.character(outcome.listing))
  }

  private func export(_ id: String, _ database: String, _ context: ToolContext) throws -> ExitStatus {
    let store = try PageStore(path: database, access: .readOnly)
    guard let file = try store.cardFile(id: id) else {
      throw GibseyError.unknownCharacter(id: id, known: try store.cards().map(\.id))
    }
    guard picture else {
      try context.write(json: file.json)
      if context.output.isTerminal, file.json.last != 0x0A { try context.output.write([0x0A]) }
      return .done
    }
    guard !file.picture.isEmpty else {
      throw GibseyError.usage("the card of \(id) came without a picture", hint: nil)
    }
    guard !context.output.isTerminal else {
      throw GibseyError.usage("a picture is nothing for a terminal", hint: "send it to a file: `… --picture >FILE.png`")
    }
    try context.output.write(file.picture)
    return .done
  }
}
