// Runs a tool: settings, diagnostics, and how a process of ours ends. The only file that ends one.
//
//     @main struct GibseyAsk: ToolCommand {
//       static let configuration = CommandConfiguration(commandName: "gibsey-ask", version: Version.text)
//       @OptionGroup var common: CommonOptions
//       static func main() { Tool.main(Self.self) }
//       func run(in context: ToolContext) async throws -> ExitStatus { … }
//     }
//
// Its tasks run on the main thread unless they ask for another one. A command that awaits nothing is a
// `SynchronousToolCommand`, with `func run(in:) throws`; one that does many things at once has an asynchronous main, which
// costs half a millisecond at start: libdispatch's threads.
public import ArgumentParser
internal import Glibc

/// What a tool is given to work with.
public struct ToolContext: Sendable {
  /// What holds: flags, the environment, `./.env`, defaults.
  public let settings: Settings
  public let diagnostics: Diagnostics
  public let input: FileDescriptor = .standardInput
  public let output: FileDescriptor = .standardOutput
  /// Runs tasks on the main thread, while nothing blocks it; nil for a command that awaits nothing.
  let executor: (any TaskExecutor)?

  /// Seconds of a clock that never goes back.
  public func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// As in "12.5 ms", since a time that `now` told.
  func elapsed(since start: Double) -> String { "\(JSONNumber(((now() - start) * 10_000).rounded() / 10).text) ms" }

  /// The same with another voice; nil changes nothing.
  public func saying(_ diagnostics: Diagnostics?) -> ToolContext {
    ToolContext(settings: settings, diagnostics: diagnostics ?? self.diagnostics, executor: executor)
  }

  /// Keeps something until the process ends, which lets go of all of it at once.
  public func keep<Value>(_ value: Value) { _ = Unmanaged.passRetained(Kept(value)) }

  /// Writes a record as one line to standard output.
  public func write(_ record: Record) throws { try write(json: RecordCoder.encode(record)) }

  /// Writes JSON to standard output: as it is, but to a terminal in letters that cannot drive it.
  public func write(json: [UInt8]) throws { try output.write(output.isTerminal ? TerminalJSON.shown(json) : json) }

  /// The database that a flag or GIBSEY_DATABASE names.
  /// - Throws: `GibseyError.usage` when neither does.
  public func databasePath(flag: String?) throws -> String {
    guard let path = settings.overriding(.database, flag, flag: "--database").string(.database)
    else {
      throw GibseyError.usage(
        "no database named", hint: "use --database FILE, or set GIBSEY_DATABASE")
    }
    return path
  }
}

private final class Kept<Value> {
  private let value: Value
  init(_ value: Value) { self.value = value }
}

extension Settings {
  /// What the environment and `./.env` say now, without flags.
  /// - Throws: what is wrong with the file.
  public static func ofProcess() throws -> Settings {
    var environment: [SettingName: String] = [:]
    for name in SettingName.allCases {
      guard let bytes = getenv(name.rawValue) else { continue }
      environment[name] = String(validatingCString: bytes)
      guard environment[name] != nil else {
        throw Setting(name: name, value: ForeignText.shown(bytes), origin: .environment).wrong("UTF-8 text")
      }
    }
    var proxies: [String: String] = [:]
    for name in HTTPProxies.names { proxies[name] = getenv(name).map { String(cString: $0) } }
    let file = try EnvironmentFile.read(path: ".env")
    return Settings(
      environment: environment, environmentFile: file.settings, passedOver: file.passedOver,
      foundDefaults: Settings.charactersFolder().map { [.characters: $0] } ?? [:], proxies: HTTPProxies(proxies))
  }
}

extension ToolContext {
  /// The same with other settings.
  public func with(_ settings: Settings) -> ToolContext {
    ToolContext(settings: settings, diagnostics: diagnostics, executor: executor)
  }
}

/// A program of the toolkit.
public protocol ToolCommand: ParsableCommand {
  var common: CommonOptions { get }
  /// The settings with what this command's flags say instead, so that `--show-settings` tells what would hold.
  func overriding(_ settings: Settings) -> Settings
  /// The command, when its flags can be read without ArgumentParser, which takes a millisecond.
  /// - Throws: where they cannot.
  static func plain(_ arguments: inout PlainArguments) throws -> Self?
  /// How the program speaks on stderr, where its flags say that.
  func speaking(like usual: Diagnostics) -> Diagnostics
  /// Does the work. A thrown `GibseyError` becomes a sentence on stderr and its exit status.
  func run(in context: ToolContext) async throws -> ExitStatus
}

extension ToolCommand {
  public func overriding(_ settings: Settings) -> Settings { settings }
  public func speaking(like usual: Diagnostics) -> Diagnostics { usual }
  public static func plain(_ arguments: inout PlainArguments) throws -> Self? { nil }
}

extension ToolCommand where Self: PlainlyParsed {
  public static func plain(_ arguments: inout PlainArguments) throws -> Self? { try Self(plain: &arguments) }
}

/// A program that awaits nothing.
public protocol SynchronousToolCommand: ToolCommand {
  /// Does the work. A thrown `GibseyError` becomes a sentence on stderr and its exit status.
  func run(in context: ToolContext) throws -> ExitStatus
}

/// Starts and ends the programs.
public enum Tool {
  /// Parses the arguments, runs the command on the threads that everybody shares, and ends the process.
  public static func main<Command: ToolCommand>(_ type: Command.Type) async {
    let (command, context) = start(type, nil)
    do {
      leave(try await command.run(in: context))
    } catch {
      end(with: error, context.diagnostics)
    }
  }

  /// Parses the arguments, runs the command on the thread that calls, and ends the process.
  public static func main<Command: ToolCommand>(_ type: Command.Type) {
    try? Blocking.run { executor in
      let (command, context) = start(type, executor)
      do {
        leave(try await command.run(in: context))
      } catch {
        end(with: error, context.diagnostics)
      }
    }
  }

  /// Parses the arguments, runs the command and ends the process.
  public static func main<Command: SynchronousToolCommand>(_ type: Command.Type) {
    let (command, context) = start(type, nil)
    do {
      leave(try command.run(in: context))
    } catch {
      end(with: error, context.diagnostics)
    }
  }

  /// The command and what it works with; ends the process where the arguments or the settings do.
  private static func start<Command: ToolCommand>(
    _ type: Command.Type, _ executor: (any TaskExecutor)?
  ) -> (Command, ToolContext) {
    signal(SIGPIPE, SIG_IGN)
    // A file that grows beyond `ulimit -f` is an error of write(2) then, and told as one.
    signal(SIGXFSZ, SIG_IGN)
    occupyStandardDescriptors()
    let name = Command._commandName
    checkArguments(diagnostics(name, isVerbose: false))
    let command = parse(type, name: name)
    var diagnostics = command.speaking(like: diagnostics(name, isVerbose: command.common.verbose))
    do {
      let settings = command.overriding(try Settings.ofProcess())
      diagnostics = command.speaking(
        like: Self.diagnostics(name, isVerbose: command.common.verbose || settings.isVerbose))
      if command.common.showSettings {
        try FileDescriptor.standardOutput.write(Array(settings.description.utf8))
        leave(.done)
      }
      return (command, ToolContext(settings: settings, diagnostics: diagnostics, executor: executor))
    } catch {
      end(with: error, diagnostics)
    }
  }

  /// A descriptor closed by the caller would be given to the database, and what is meant for a reader written into it.
  /// Each is opened the wrong way round, so that using it fails as it should.
  private static func occupyStandardDescriptors() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
      _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// Ends the process for an argument that is no text: it would be taken for another one.
  private static func checkArguments(_ diagnostics: Diagnostics) {
    for number in 1..<max(1, Int(CommandLine.argc)) {
      guard let bytes = CommandLine.unsafeArgv[number], String(validatingCString: bytes) == nil else { continue }
      let reason = "argument \(number) is not UTF-8: \(ForeignText.shown(bytes))"
      end(with: GibseyError.usage(reason, hint: "rename the file that it names"), diagnostics)
    }
  }

  private static func diagnostics(_ name: String, isVerbose: Bool) -> Diagnostics {
    Diagnostics(tool: name, isVerbose: isVerbose) { line in
      try? FileDescriptor.standardError.write(Array((line + "\n").utf8))
    }
  }

  private static func parse<Command: ToolCommand>(_ type: Command.Type, name: String) -> Command {
    var arguments = PlainArguments(CommandLine.arguments.dropFirst())
    if let command = try? Command.plain(&arguments), arguments.isEmpty { return command }
    do {
      guard let command = try Command.parseAsRoot() as? Command else {
        throw CleanExit.helpRequest(Command.self)
      }
      return command
    } catch {
      let diagnostics = diagnostics(name, isVerbose: false)
      guard Command.exitCode(for: error) == .success else {
        let reason = Command.message(for: error)
        end(with: GibseyError.usage(reason, hint: "see `\(name) --help`"), diagnostics)
      }
      do {
        try FileDescriptor.standardOutput.write(
          Array((Command.fullMessage(for: error) + "\n").utf8))
      } catch {
        end(with: error, diagnostics)
      }
      leave(.done)
    }
  }

  /// Says what went wrong and ends the process with its status, or by the signal that ended the work.
  private static func end(with error: any Error, _ diagnostics: Diagnostics) -> Never {
    let error = error as? GibseyError ?? .ourBug("\(error)")
    switch error {
    case .readerLeft: die(by: SIGPIPE)
    case .interrupted(let number): die(by: number)
    default:
      diagnostics.error(error)
      leave(error.exitStatus)
    }
  }

  /// Ends the process at once: whatever is ours was written, and thirty libraries behind libcurl need not tidy up.
  private static func leave(_ status: ExitStatus) -> Never { _exit(status.rawValue) }

  /// Dies by the signal itself, so that a shell sees what happened.
  private static func die(by number: Int32) -> Never {
    signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    raise(number)
    exit(128 + number)
  }
}
