// gibsey-ask: asks a language model and streams its answer.
import ArgumentParser
import GibseyKit

enum ProviderChoice: ExpressibleByArgument, Equatable {
  case named(String)
  /// A recording in place of a provider.
  case replay(path: String)

  static let auto = ProviderChoice.named("auto")
  static let allValueStrings = ["auto", "ollama", "openai", "anthropic", "replay:FILE"]

  init?(argument: String) {
    if argument.hasPrefix("replay:"), argument != "replay:" {
      self = .replay(path: String(argument.dropFirst(7)))
    } else if Self.allValueStrings.dropLast().contains(argument) {
      self = .named(argument)
    } else {
      return nil
    }
  }

  var name: String? { if case .named(let name) = self { name } else { nil } }
  var replayPath: String? { if case .replay(let path) = self { path } else { nil } }
}

enum ResumptionChoice: String, ExpressibleByArgument, CaseIterable {
  case stop, `continue`
}

@main struct GibseyAsk: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "gibsey-ask",
    abstract: "Ask a language model what comes on standard input, and stream its answer.",
    version: Version.text)

  @Option(
    help: "Who answers: ollama, openai or anthropic; auto takes the first that can; replay:FILE plays a recording.")
  var provider: ProviderChoice?
  @Option(help: "The model, in place of the provider's setting.") var model: String?
  @Flag(help: "Write records, one for each token, in place of the text.") var json = false
  @Flag(help: "Take each line of a text as a prompt of its own.") var lines = false
  @Flag(help: "End at the first broken line or failed answer.") var strict = false
  @Flag(help: "Fail when the answer cites a page that it did not have, or words that do not stand there.")
  var strictCitations = false
  @Option(parsing: .unconditional, help: "How freely the model chooses its words, 0 to 2.")
  var temperature: Double?
  @Option(parsing: .unconditional, help: "The longest answer, in tokens.") var maxTokens: Int?
  @Option(help: "Who is tried by auto, in order, as in openai,ollama; else GIBSEY_FALLBACK.")
  var fallback: String?
  @Option(parsing: .unconditional, help: "Seconds to wait at most before asking again; else GIBSEY_RETRY_WAIT, else 5.")
  var retryWait: Double?
  @Option(help: "After a failure in the middle: stop, or continue with the next; else GIBSEY_RESUME_WITH.")
  var resumeWith: ResumptionChoice?
  @Flag(help: "Fail when the provider read less than it was sent.") var strictBudget = false
  @Flag(help: "Let the provider count the prompt's tokens first, where it can.") var countTokens = false
  @Flag(help: "Tell on standard error the tokens read and written, and the times.") var usage = false
  @Option(help: "Keep what the provider sends in a file, with its times and without keys.") var record: String?
  @Option(parsing: .unconditional, help: "How fast a recording is played: 1 as it was, 2 twice as fast, 0 at once.")
  var speed: Double?
  @Flag(help: "Show on standard error what the model thinks before it answers.") var showThinking =
    false
  @OptionGroup var common: CommonOptions

  func overriding(_ settings: Settings) -> Settings {
    settings.overriding(.fallback, fallback, flag: "--fallback")
      .overriding(.retryWait, retryWait.map { "\($0)" }, flag: "--retry-wait")
      .overriding(.resumeWith, resumeWith?.rawValue, flag: "--resume-with")
  }

  static func main() async { await Tool.main(Self.self) }

  func validate() throws {
    if let temperature, !(0...2).contains(temperature) {
      throw ValidationError("--temperature is 0 to 2")
    }
    if let maxTokens, maxTokens < 1 { throw ValidationError("--max-tokens is at least 1") }
    if fallback != nil, let provider, provider != .auto {
      throw ValidationError(
        "--fallback is for --provider auto: --provider \(provider.name ?? "replay") means only that one")
    }
    if let speed {
      guard provider?.replayPath != nil else { throw ValidationError("--speed is for --provider replay:FILE") }
      guard (0...1000).contains(speed) else { throw ValidationError("--speed is 0 to 1000") }
    }
    if model?.isEmpty == true { throw ValidationError("--model is empty") }
  }

  func run(in context: ToolContext) async throws -> ExitStatus {
    var options = AskRun.Options()
    options.isJSON = json
    options.hasPromptLines = lines
    options.isStrict = strict
    options.showsThinking = showThinking
    options.hasStrictCitations = strictCitations
    options.showsUsage = usage
    options.isBudgetStrict = strictBudget
    options.countsTokens = countTokens
    options.recordPath = record
    options.replayPath = provider?.replayPath
    options.speed = speed ?? 1
    options.choices = RequestOptions(
      provider: provider?.name, model: model, temperature: temperature, maxTokens: maxTokens)
    return try await AskRun(context: context, options: options).run()
  }
}
