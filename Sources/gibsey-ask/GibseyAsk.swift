// gibsey-ask: asks a language model and streams its answer.
import ArgumentParser
import GibseyKit

@main struct GibseyAsk: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "gibsey-ask",
    abstract: "Ask a language model what comes on standard input, and stream its answer.",
    version: Version.text)

  @OptionGroup var asking: AskingOptions
  @OptionGroup var answers: AnswerOptions
  @OptionGroup var keeping: KeepingOptions
  @OptionGroup var recordings: RecordingOptions
  @OptionGroup var probes: ProbeOptions
  @OptionGroup var common: CommonOptions

  static func main() { Tool.main(Self.self) }

  func overriding(_ settings: Settings) -> Settings {
    asking.overriding(settings).overriding(.database, keeping.database, flag: "--database")
  }

  func validate() throws {
    try recordings.validate(beside: asking.provider)
    try probes.validate(beside: asking.provider, answers, keeping)
  }

  func run(in context: ToolContext) async throws -> ExitStatus {
    let run = try AskRun(context: context, options: AskRun.Options(asking, answers, keeping, recordings))
    if probes.check { return try await run.check() }
    return try await probes.models ? run.listModels() : run.run()
  }
}

extension GibseyAsk: PlainlyParsed {
  init(plain arguments: inout PlainArguments) throws {
    asking = try AskingOptions(plain: &arguments)
    answers = try AnswerOptions(plain: &arguments)
    keeping = try KeepingOptions(plain: &arguments)
    recordings = try RecordingOptions(plain: &arguments)
    probes = ProbeOptions(plain: &arguments)
    common = CommonOptions(plain: &arguments)
    try validate()
  }
}
