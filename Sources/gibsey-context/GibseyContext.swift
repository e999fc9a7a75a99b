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
  @Option(help: "What the character knows: reader, own or mentioned; else GIBSEY_KNOWLEDGE, else reader.")
  var knowledge: Knowledge?
  @Flag(help: "Use pages after the reader's page too.") var wholeBook = false
  @Flag(help: "End at the first line that cannot be read.") var strict = false
  @OptionGroup var sessions: SessionOptions
  @OptionGroup var searching: SearchOptions
  @OptionGroup var casting: CharacterOptions
  @OptionGroup var common: CommonOptions
  @Argument(help: "The question; without it requests are read as lines from standard input.")
  var question: String?

  static func main() { Tool.main(Self.self) }

  func validate() throws {
    if let question {
      if sessions.retry { throw ValidationError("--retry asks the last question: give none") }
      if searching.evaluate { throw ValidationError("--evaluate reads its cases from standard input: \(question)") }
      if casting.listCharacters { throw ValidationError("--list-characters takes no question: \(question)") }
    }
    if casting.listCharacters, let verb = (searching.verbs + (sessions.retry ? ["--retry"] : [])).first {
      throw ValidationError("--list-characters and \(verb) exclude each other")
    }
    if sessions.retry, searching.evaluate { throw ValidationError("--retry and --evaluate exclude each other") }
  }

  func overriding(_ settings: Settings) -> Settings {
    settings.overriding(.database, database, flag: "--database")
      .overriding(.budget, budget.map(String.init), flag: "--budget")
      .overriding(.tokenFactor, tokenFactor.map { "\($0)" }, flag: "--token-factor")
      .overriding(.knowledge, knowledge?.rawValue, flag: "--knowledge")
      .overriding(.characters, casting.characters, flag: "--characters")
  }

  func run(in context: ToolContext) throws -> ExitStatus {
    if casting.listCharacters { return try casting.list(try context.cast(), in: context, database: database) }
    let path = try context.databasePath(flag: database)
    let store = try PageStore(path: path, access: .readOnly)
    let active = searching.mode == .keywords ? nil : try store.activeEmbedder()
    if searching.mode == .vectors, active == nil {
      context.diagnostics.notice("\(path): no vectors in it: pages are found by keywords alone")
    }
    let questions = QuestionEmbedder(
      context: context, path: path, active: active, isRequired: searching.mode == .vectors)
    if let question { try questions.begin(question) }
    let cast = try context.cast()
    var defaults = ContextBuilding.Defaults()
    defaults.characterID = character
    defaults.currentPageID = page
    defaults.isWholeBook = wholeBook
    defaults.knowledge = try context.settings.knowledge()
    defaults.tokenFactor = try context.settings.factor(.tokenFactor)
    defaults.budgetTokens = try context.settings.count(.budget) ?? defaults.budgetTokens
    sessions.apply(to: &defaults)
    let building = try ContextBuilding(
      store: store, embedder: active, questions: questions, searching: searching.options, defaults: defaults, cast: cast
    )
    context.keep(building)
    if let character { try building.checkCharacter(character) }
    let run = ContextRun(context: context, building: building, options: searching, isStrict: strict)
    if searching.evaluate {
      return try run.evaluate(mode: active == nil ? .keywords : searching.mode, embedder: active?.fingerprint)
    }
    if sessions.retry { return try run.run(try building.again()) }
    guard let question else { return try run.runLines() }
    return try run.run(ChatRequest(prompt: question))
  }
}

extension GibseyContext: PlainlyParsed {
  init(plain arguments: inout PlainArguments) throws {
    database = try arguments.value("--database")
    character = try arguments.value("--character")
    page = try arguments.value("--page")
    budget = try arguments.value("--budget")
    tokenFactor = try arguments.value("--token-factor")
    knowledge = try arguments.value("--knowledge")
    wholeBook = arguments.flag("--whole-book")
    strict = arguments.flag("--strict")
    sessions = try SessionOptions(plain: &arguments)
    searching = try SearchOptions(plain: &arguments)
    casting = try CharacterOptions(plain: &arguments)
    common = CommonOptions(plain: &arguments)
    question = try arguments.last()
    try validate()
  }
}
