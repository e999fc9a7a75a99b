// gibsey-index: reads a story's pages and keeps them in one SQLite file.
import ArgumentParser
import GibseyKit

@main struct GibseyIndex: SynchronousToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "gibsey-index", abstract: "Read a story's pages and keep them in one SQLite file.",
    version: Version.text)

  @Option(help: "The database file; else GIBSEY_DATABASE.") var database: String?
  @OptionGroup var embedding: EmbeddingOptions
  @Option(help: "The name of the source, for standard input or a single path.") var source: String?
  @Option(help: "How to read: auto, the default, jsonl, json, markdown or text.") var format: ReadingOptions.Format?
  @Option(help: "Where to split text: auto, the default, none, formfeed, heading or size.")
  var split: ReadingOptions.Split?
  @Option(parsing: .unconditional, help: "Characters in a page at most, for text and Markdown; 4000 by default.")
  var pageSize: Int?
  @Flag(help: "Remove what the sources no longer have; all or nothing.") var sync = false
  @Flag(help: "Say what would happen, and write nothing.") var dryRun = false
  @Flag(help: "Print what became of each page.") var each = false
  @Flag(help: "Describe the database, and end.") var status = false
  @Flag(help: "Look through the database, say whether it is sound, and end.") var check = false
  @Flag(help: "Print the pages as records, in reading order, and end.") var export = false
  @Flag(help: "Bring a database of an older gibsey up to date, describe it, and end.") var upgrade = false
  @Option(parsing: .unconditional, help: "Seconds to wait for another indexer; 60 by default.") var wait: Int?
  @OptionGroup var conversations: ConversationOptions
  @OptionGroup var cards: CardOptions
  @OptionGroup var common: CommonOptions
  @Argument(help: "Files and folders; - is standard input.") var paths: [String] = []

  static func main() { Tool.main(Self.self) }

  func overriding(_ settings: Settings) -> Settings {
    settings.overriding(.database, database, flag: "--database")
      .overriding(.embedder, embedding.embedder?.rawValue, flag: "--embedder")
      .overriding(.embeddingModel, embedding.embeddingModel, flag: "--embedding-model")
  }

  func validate() throws {
    if let pageSize, pageSize < 200 { throw ValidationError("--page-size is at least 200 characters") }
    if let wait, !(0...86_400).contains(wait) { throw ValidationError("--wait is from 0 to 86400 seconds") }
    if source != nil, paths.count > 1 { throw ValidationError("--source names one path, not \(paths.count)") }
    if source?.isEmpty == true { throw ValidationError("--source is empty") }
    if let twice = Dictionary(grouping: paths, by: \.spelling).first(where: { $1.count > 1 }) {
      throw ValidationError("\(twice.key.text) is named twice")
    }
    try validateVerb()
  }

  /// One thing a run, and nothing beside it that would be passed over in silence.
  private func validateVerb() throws {
    let own = ["--status": status, "--check": check, "--export": export, "--upgrade": upgrade].filter(\.value)
      .map(\.key).sorted()
    let verbs = own + conversations.verbs + cards.verbs
    guard let verb = verbs.first else { return }
    if verbs.count > 1 { throw ValidationError("\(verb) and \(verbs[1]) exclude each other") }
    if let path = paths.first, !cards.importCard { throw ValidationError("\(verb) takes no file: \(path)") }
    let others = [
      "--sync": sync, "--dry-run": dryRun, "--each": each, "--source": source != nil, "--format": format != nil,
      "--split": split != nil, "--page-size": pageSize != nil, "--embedder": embedding.embedder != nil,
      "--embedding-model": embedding.embeddingModel != nil, "--jobs": embedding.jobs != nil,
      // Only who writes waits for others who do.
      "--wait": wait != nil && !["--forget", "--import-card", "--upgrade"].contains(verb),
    ]
    if let other = others.filter(\.value).keys.min() { throw ValidationError("\(other) does not go with \(verb)") }
  }

  private var waitSeconds: Int { wait ?? 60 }

  func run(in context: ToolContext) throws -> ExitStatus {
    let path = try context.databasePath(flag: database)
    if status { return try IndexReports(context: context).status(of: path) }
    if check { return try IndexReports(context: context).check(path) }
    if export { return try IndexReports(context: context).export(path) }
    if upgrade { return try IndexReports(context: context).upgrade(path, waitSeconds: waitSeconds) }
    if let status = try conversations.run(database: path, waitSeconds: waitSeconds, in: context) { return status }
    if let status = try cards.run(paths, database: path, waitSeconds: waitSeconds, in: context) { return status }
    guard !paths.isEmpty || embedding.embedder?.embedsByItself == true else {
      throw GibseyError.usage("nothing to index", hint: "name files or folders, or - for standard input")
    }
    let sources = paths.map { path in
      path == "-"
        ? PageSource(stream: context.input, name: source ?? "stdin") : PageSource(path: path, name: source)
    }
    return try index(sources, into: path, context)
  }

  private func index(_ sources: [PageSource], into path: String, _ context: ToolContext) throws -> ExitStatus {
    var reading = ReadingOptions()
    reading.format = format ?? reading.format
    reading.split = split ?? reading.split
    reading.pageSizeCharacters = pageSize ?? reading.pageSizeCharacters
    var options = Indexing.Options()
    options.isSync = sync
    options.isDryRun = dryRun
    let run = IndexRun(
      context: context, sources: sources, reading: reading, options: options, embedding: embedding, showsEach: each)
    return try run.run(path: path, waitSeconds: waitSeconds)
  }
}
