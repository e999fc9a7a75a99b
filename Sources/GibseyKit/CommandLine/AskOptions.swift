// Who is asked and how the answers are told: the flags of gibsey-ask, in groups.
public import ArgumentParser

/// Who answers.
public enum ProviderChoice: ExpressibleByArgument, Equatable, Sendable {
  case named(String)
  /// A recording in place of a provider.
  case replay(path: String)

  public static let auto = ProviderChoice.named("auto")
  public static let allValueStrings = ["auto", "ollama", "openai", "anthropic", "replay:FILE"]

  public init?(argument: String) {
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

extension AskingPolicy.Resumption: ExpressibleByArgument {}

/// The flags about who is asked, for what, and what happens when that fails.
public struct AskingOptions: ParsableArguments {
  @Option(
    help: "Who answers: ollama, openai or anthropic; auto takes the first that can; replay:FILE plays a recording.")
  public var provider: ProviderChoice?
  @Option(help: "The model, in place of the provider's setting.") public var model: String?
  @Option(parsing: .unconditional, help: "How freely the model chooses its words, 0 to 2.")
  public var temperature: Double?
  @Option(parsing: .unconditional, help: "The longest answer, in tokens.") public var maxTokens: Int?
  @Option(help: "Who is tried by auto, in order, as in openai,ollama; else GIBSEY_FALLBACK.")
  public var fallback: String?
  @Option(parsing: .unconditional, help: "Seconds to wait at most before asking again; else GIBSEY_RETRY_WAIT, else 5.")
  public var retryWait: Double?
  @Option(help: "After a failure in the middle: stop, or continue with the next; else GIBSEY_RESUME_WITH.")
  public var resumeWith: AskingPolicy.Resumption?

  public init() {}

  public func validate() throws {
    if let temperature, !(0...RequestOptions.highestTemperature).contains(temperature) {
      throw ValidationError("--temperature is 0 to 2")
    }
    if let maxTokens, maxTokens < 1 { throw ValidationError("--max-tokens is at least 1") }
    if fallback != nil, let provider, provider != .auto {
      throw ValidationError(
        "--fallback is for --provider auto: --provider \(provider.name ?? "replay") means only that one")
    }
    if model?.isEmpty == true { throw ValidationError("--model is empty") }
  }

  /// The settings with what these flags say instead.
  public func overriding(_ settings: Settings) -> Settings {
    let wait = retryWait.map { value in Int(exactly: value).map { "\($0)" } ?? "\(value)" }
    return settings.overriding(.fallback, fallback, flag: "--fallback")
      .overriding(.retryWait, wait, flag: "--retry-wait")
      .overriding(.resumeWith, resumeWith?.rawValue, flag: "--resume-with")
  }

  /// What counts more than a prompt's own options.
  var choices: RequestOptions {
    RequestOptions(provider: provider?.name, model: model, temperature: temperature, maxTokens: maxTokens)
  }
}

/// The flags about what is read and how answers are told.
public struct AnswerOptions: ParsableArguments {
  @Flag(help: "Write records, one for each token, in place of the text.") public var json = false
  @Flag(help: "Take each line of a text as a prompt of its own.") public var lines = false
  @Option(parsing: .unconditional, help: "Ask that many prompts at once, and tell at the end what became of all.")
  public var jobs: Int?
  @Flag(help: "End at the first broken line or failed answer.") public var strict = false
  @Flag(help: "Fail when the answer cites a page that it did not have, or words that do not stand there.")
  public var strictCitations = false
  @Flag(help: "Fail when the provider read less than it was sent.") public var strictBudget = false
  @Flag(help: "Let the provider count the prompt's tokens first, where it can.") public var countTokens = false
  @Flag(help: "Tell on standard error the tokens read and written, and the times.") public var usage = false
  @Flag(help: "Show on standard error what the model thinks before it answers.") public var showThinking = false

  /// More connections than any provider takes from one caller, and fewer than the system has descriptors.
  private static let jobsLimit = 256

  public init() {}

  /// The flags given that are about prompts and answers alone.
  var given: [String] {
    [
      ("--lines", lines), ("--jobs", jobs != nil), ("--strict", strict), ("--strict-citations", strictCitations),
      ("--strict-budget", strictBudget), ("--count-tokens", countTokens), ("--usage", usage),
      ("--show-thinking", showThinking),
    ].filter(\.1).map(\.0)
  }

  public func validate() throws {
    if let jobs, !(1...Self.jobsLimit).contains(jobs) { throw ValidationError("--jobs is 1 to \(Self.jobsLimit)") }
  }
}

/// The flags of gibsey-ask about conversations.
public struct KeepingOptions: ParsableArguments {
  @Option(help: "Keep question and answer in the conversation of that name.")
  public var session: SessionID?
  @Option(help: "The database that keeps conversations; else GIBSEY_DATABASE.") public var database: String?

  public init() {}

  public func validate() throws {
    if database != nil, session == nil { throw ValidationError("--database goes with --session") }
  }
}

/// The flags about recordings.
public struct RecordingOptions: ParsableArguments {
  @Option(help: "Keep what the provider sends in a file, with its times and without keys.")
  public var record: String?
  @Option(parsing: .unconditional, help: "How fast a recording is played: 1 as it was, 2 twice as fast, 0 at once.")
  public var speed: Double?

  public init() {}

  /// What is wrong beside a choice of provider.
  public func validate(beside provider: ProviderChoice?) throws {
    guard let speed else { return }
    guard provider?.replayPath != nil else { throw ValidationError("--speed is for --provider replay:FILE") }
    guard (0...1000).contains(speed) else { throw ValidationError("--speed is 0 to 1000") }
  }
}

extension AskingOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) throws {
    provider = try arguments.value("--provider")
    model = try arguments.value("--model")
    temperature = try arguments.value("--temperature")
    maxTokens = try arguments.value("--max-tokens")
    fallback = try arguments.value("--fallback")
    retryWait = try arguments.value("--retry-wait")
    resumeWith = try arguments.value("--resume-with")
    try validate()
  }
}

extension AnswerOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) throws {
    json = arguments.flag("--json")
    lines = arguments.flag("--lines")
    jobs = try arguments.value("--jobs")
    strict = arguments.flag("--strict")
    strictCitations = arguments.flag("--strict-citations")
    strictBudget = arguments.flag("--strict-budget")
    countTokens = arguments.flag("--count-tokens")
    usage = arguments.flag("--usage")
    showThinking = arguments.flag("--show-thinking")
    try validate()
  }
}

extension KeepingOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) throws {
    session = try arguments.value("--session")
    database = try arguments.value("--database")
    try validate()
  }
}

extension RecordingOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) throws {
    record = try arguments.value("--record")
    speed = try arguments.value("--speed")
  }
}

extension AskRun.Options {
  /// What the flags say.
  public init(
    _ asking: AskingOptions, _ answers: AnswerOptions, _ keeping: KeepingOptions, _ recordings: RecordingOptions
  ) {
    self.init()
    session = keeping.session
    database = keeping.database
    choices = asking.choices
    replayPath = asking.provider?.replayPath
    isJSON = answers.json
    hasPromptLines = answers.lines
    width = answers.jobs ?? 1
    isBatch = answers.jobs != nil
    isStrict = answers.strict
    hasStrictCitations = answers.strictCitations
    isBudgetStrict = answers.strictBudget
    countsTokens = answers.countTokens
    showsUsage = answers.usage
    showsThinking = answers.showThinking
    recordPath = recordings.record
    speed = recordings.speed ?? 1
  }
}
