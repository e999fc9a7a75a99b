// gibsey-context: finds the pages that matter and builds the prompt.
import ArgumentParser
import GibseyKit

@main struct GibseyContext: SynchronousToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "gibsey-context",
    abstract: "Find the pages that matter for a question and build the prompt.", version: Version.text)

  @Option(help: "The database file; else GIBSEY_DATABASE.") var database: String?
  @Option(help: "Who answers; without it a neutral narrator.") var character: String?
  @Option(help: "The id of the page that the reader is on: nothing after it is used.") var page: String?
  @Option(parsing: .unconditional, help: "Tokens for the whole prompt; else GIBSEY_BUDGET, else 6000.") var budget: Int?
  @Option(
    parsing: .unconditional, help: "Tokens of the model for each token estimated; else GIBSEY_TOKEN_FACTOR, else 1.")
  var tokenFactor: Double?
  @Option(parsing: .unconditional, help: "Print that many pages found, with scores, and build no prompt.") var search:
    Int?
  @Flag(help: "Use pages after the reader's page too.") var wholeBook = false
  @Flag(help: "End at the first line that cannot be read.") var strict = false
  @OptionGroup var casting: CharacterOptions
  @OptionGroup var common: CommonOptions
  @Argument(help: "The question; without it requests are read as lines from standard input.")
  var question: String?

  static func main() { Tool.main(Self.self) }

  func overriding(_ settings: Settings) -> Settings {
    settings.overriding(.database, database, flag: "--database")
      .overriding(.budget, budget.map(String.init), flag: "--budget")
      .overriding(.tokenFactor, tokenFactor.map { "\($0)" }, flag: "--token-factor")
      .overriding(.characters, casting.characters, flag: "--characters")
  }

  func validate() throws {
    if let search, search < 1 { throw ValidationError("--search is at least 1") }
  }

  func run(in context: ToolContext) throws -> ExitStatus {
    let cast = try context.cast()
    if casting.listCharacters { return try casting.list(cast, in: context, database: database) }
    let store = try PageStore(path: try context.databasePath(flag: database), access: .readOnly)
    var defaults = ContextBuilding.Defaults()
    defaults.characterID = character
    defaults.currentPageID = page
    defaults.isWholeBook = wholeBook
    defaults.tokenFactor = try context.settings.factor(.tokenFactor)
    defaults.budgetTokens = try context.settings.count(.budget) ?? defaults.budgetTokens
    let building = ContextBuilding(store: store, defaults: defaults, cast: cast)
    if let character { try building.checkCharacter(character) }
    if let question {
      return try answer(ChatRequest(prompt: question), building, context) ? .done : .foundNothing
    }
    return try answerLines(building, context)
  }

  /// Prints the prompt or the hits; false when a search found nothing.
  private func answer(
    _ request: ChatRequest, _ building: ContextBuilding, _ context: ToolContext
  ) throws -> Bool {
    guard let search else {
      try context.write(.prompt(try building.prompt(for: request)))
      return true
    }
    let hits = try building.hits(for: request, limit: search)
    for hit in hits { try context.write(.hit(hit)) }
    return !hits.isEmpty
  }

  private func answerLines(_ building: ContextBuilding, _ context: ToolContext) throws -> ExitStatus {
    // The first error decides, as in every tool.
    var status = ExitStatus.done
    var hasRequest = false
    var hasFound = false
    var hasPassed = false
    try RequestLines(input: context.input).read { error in
      if strict { throw error }
      context.diagnostics.error(error)
      if status == .done { status = error.exitStatus }
    } visit: { content, line in
      switch content {
      case .passing(let record):
        hasPassed = true
        try context.write(record)
      case .request(let request):
        context.diagnostics.debug("line \(line): a question of \(request.prompt.utf8.count) bytes")
        hasRequest = true
        if try answer(request, building, context) { hasFound = true }
      }
    }
    guard status == .done else { return status }
    guard hasRequest || hasPassed else {
      throw GibseyError.usage("no question", hint: "give one as an argument, or requests on standard input")
    }
    return hasFound || !hasRequest ? .done : .foundNothing
  }
}
