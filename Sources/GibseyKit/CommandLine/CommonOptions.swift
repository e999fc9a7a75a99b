// The flags that every tool has.
public import ArgumentParser

/// What every tool takes.
public struct CommonOptions: ParsableArguments {
  @Flag(
    name: .shortAndLong, help: "Say on standard error what is done; GIBSEY_LOG=debug does the same."
  )
  public var verbose = false

  @Flag(name: .long, help: "Print each setting and where it came from, secrets masked, and end.")
  public var showSettings = false

  public init() {}
}

extension CommonOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) {
    verbose = arguments.flag("--verbose", or: "-v")
    showSettings = arguments.flag("--show-settings")
  }
}

extension ReadingOptions.Format: ExpressibleByArgument {}
extension ReadingOptions.Split: ExpressibleByArgument {}
