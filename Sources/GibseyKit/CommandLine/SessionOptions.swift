// Which conversation a question belongs to: the flags.
public import ArgumentParser

extension SessionID: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

/// The flags of gibsey-context about conversations.
public struct SessionOptions: ParsableArguments {
  @Option(help: "Go on with the conversation of that name: what was said in it, and where its reader is.")
  public var session: SessionID?
  @Option(parsing: .unconditional, help: "With --session: follow that turn, in place of the newest.")
  public var at: Int?
  @Flag(help: "With --session: ask the last question again, beside its old answer.")
  public var retry = false
  @Flag(help: "With --session: hear what its other characters said.")
  public var scene = false

  public init() {}

  public func validate() throws {
    if session == nil, at != nil { throw ValidationError("--at goes with --session") }
    if session == nil, retry { throw ValidationError("--retry goes with --session") }
    if session == nil, scene { throw ValidationError("--scene goes with --session") }
    if let at, at < 1 { throw ValidationError("--at is the number of a turn, at least 1") }
  }

  /// The defaults with what these flags say.
  public func apply(to defaults: inout ContextBuilding.Defaults) {
    defaults.sessionID = session
    defaults.isScene = scene
    if let at { defaults.parent = .turn(at) }
  }
}

extension SessionOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) throws {
    session = try arguments.value("--session")
    at = try arguments.value("--at")
    retry = arguments.flag("--retry")
    scene = arguments.flag("--scene")
    try validate()
  }
}
