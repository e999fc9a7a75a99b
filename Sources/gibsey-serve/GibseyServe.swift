// gibsey-serve: the pipeline behind a WebSocket and HTTP.
import ArgumentParser
import GibseyKit

@main struct GibseyServe: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "gibsey-serve", abstract: "Let browsers and programs talk with the characters of a story.",
    version: Version.text)

  @Option(help: "The database file; else GIBSEY_DATABASE.") var database: String?
  @Option(help: "Where to listen; may be given more than once. (default: 127.0.0.1:8000 and [::1]:8000)")
  var listen: [ListenAddress] = []
  @Option(help: "A socket file to listen at; without --listen at nothing else.") var unixSocket: String?
  @Option(help: "A file of mode 0600 with a name:token on each line; else GIBSEY_TOKEN_FILE.") var tokenFile: String?
  @Option(help: "The origin of a page that may ask, as in https://story.example.") var allowOrigin: [String] = []
  @Option(help: "A name by which this server may be called, as in story.example.") var allowHost: [String] = []
  @Option(parsing: .unconditional, help: "Tokens for a whole prompt; else GIBSEY_BUDGET, else 6000.") var budget: Int?
  @Flag(help: "Use pages after the reader's page too.") var wholeBook = false
  @Option(help: "A folder of characters of your own; else GIBSEY_CHARACTERS.") var characters: String?
  @Option(parsing: .unconditional, help: "Seconds that an answer goes on without its reader; 30.") var linger: Double?
  @Option(parsing: .unconditional, help: "Seconds that a daemon which was told to end may take; 20.") var grace: Double?
  @OptionGroup(title: "Limits") var bounds: LimitOptions
  @OptionGroup(title: "Telling") var logging: LogOptions
  @OptionGroup var common: CommonOptions

  static func main() async { await Tool.main(Self.self) }

  func validate() throws {
    if let linger, !(0...3600).contains(linger) { throw ValidationError("--linger is 0 to 3600 seconds") }
    if let grace, !(0...3600).contains(grace) { throw ValidationError("--grace is 0 to 3600 seconds") }
    for origin in allowOrigin where !Admission.isOrigin(origin) {
      throw ValidationError("--allow-origin is a scheme and a host, as in https://story.example; got \(origin)")
    }
    for host in allowHost where !Admission.isHost(host) {
      throw ValidationError("--allow-host is a host, as in story.example or story.example:8443; got \(host)")
    }
  }

  func overriding(_ settings: Settings) -> Settings {
    settings.overriding(.database, database, flag: "--database")
      .overriding(.budget, budget.map(String.init), flag: "--budget")
      .overriding(.characters, characters, flag: "--characters")
      .overriding(.tokenFile, tokenFile, flag: "--token-file")
  }

  func speaking(like usual: Diagnostics) -> Diagnostics {
    logging.logFormat == .text ? usual : ServerLog.beforeTheLog(usual)
  }

  func run(in context: ToolContext) async throws -> ExitStatus {
    let daemon = try Daemon(
      context: context,
      options: Daemon.Options(
        listen: listen.isEmpty && unixSocket == nil ? ListenAddress.usual : listen,
        isUsualPlace: listen.isEmpty && unixSocket == nil, unixSocket: unixSocket,
        hosts: allowHost, origins: allowOrigin, isWholeBook: wholeBook, grace: grace ?? 20, linger: linger ?? 30,
        limits: bounds.limits,
        logging: logging))
    return try await daemon.run { overriding(try Settings.ofProcess()) }
  }
}
