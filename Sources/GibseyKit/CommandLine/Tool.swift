// Runs a tool: settings, diagnostics, and how a process of ours ends. The only room that ends one.
//
//     @main struct GibseyAsk: ToolCommand {
//       @OptionGroup var common: CommonOptions
//       func run(in context: ToolContext) async throws -> ExitStatus { … }
//       static func main() async { await Tool.main(Self.self) }
//     }
public import ArgumentParser
internal import Glibc

/// What a tool is given to work with.
public struct ToolContext: Sendable {
  public let settings: Settings
  public let diagnostics: Diagnostics
  public let input: FileDescriptor = .standardInput
  public let output: FileDescriptor = .standardOutput

  /// Seconds of a clock that never goes back.
  public func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Writes a record as one line to standard output.
  public func write(_ record: Record) throws { try output.write(RecordCoder.encode(record)) }

  /// The database that a flag or GIBSEY_DATABASE names.
  /// - Throws: `GibseyError.usage` when neither does.
  public func databasePath(flag: String?) throws -> String {
    guard let path = settings.overriding(.database, flag, flag: "--database").string(.database) else {
      throw GibseyError.usage("no database named", hint: "use --database FILE, or set GIBSEY_DATABASE")
    }
    return path
  }
}

/// A program of the toolkit.
public protocol ToolCommand: ParsableCommand {
  var common: CommonOptions { get }
  /// Does the work. A thrown `GibseyError` becomes a sentence on stderr and its exit status.
  func run(in context: ToolContext) async throws -> ExitStatus
}

/// Starts and ends the programs.
public enum Tool {
  /// Parses the arguments, runs the command and ends the process.
  public static func main<Command: ToolCommand>(_ type: Command.Type) async {
    signal(SIGPIPE, SIG_IGN)
    let name = Command._commandName
    let command = parse(type, name: name)
    let isVerbose = command.common.verbose || environmentValue(.log) == "debug"
    let diagnostics = Diagnostics(tool: name, isVerbose: isVerbose) { line in
      try? FileDescriptor.standardError.write(Array((line + "\n").utf8))
    }
    do {
      let settings = try loadSettings()
      if command.common.showSettings {
        try FileDescriptor.standardOutput.write(Array(settings.description.utf8))
        exit(ExitStatus.done.rawValue)
      }
      let context = ToolContext(settings: settings, diagnostics: diagnostics)
      exit(try await command.run(in: context).rawValue)
    } catch GibseyError.readerLeft {
      die(by: SIGPIPE)
    } catch GibseyError.interrupted(let number) {
      die(by: number)
    } catch let error as GibseyError {
      diagnostics.error(error)
      exit(error.exitStatus.rawValue)
    } catch {
      let bug = GibseyError.ourBug("\(error)")
      diagnostics.error(bug)
      exit(bug.exitStatus.rawValue)
    }
  }

  private static func parse<Command: ToolCommand>(_ type: Command.Type, name: String) -> Command {
    do {
      guard let command = try Command.parseAsRoot() as? Command else {
        throw CleanExit.helpRequest(Command.self)
      }
      return command
    } catch {
      let text = Command.fullMessage(for: error)
      if Command.exitCode(for: error) == .success {
        try? FileDescriptor.standardOutput.write(Array((text + "\n").utf8))
        exit(ExitStatus.done.rawValue)
      }
      let reason = Command.message(for: error)
      let lines = "\(name): error: \(reason)\n\(name): hint: see `\(name) --help`\n"
      try? FileDescriptor.standardError.write(Array(lines.utf8))
      exit(ExitStatus.usage.rawValue)
    }
  }

  private static func loadSettings() throws -> Settings {
    var environment: [SettingName: String] = [:]
    for name in SettingName.allCases { environment[name] = environmentValue(name) }
    return Settings(environment: environment, environmentFile: try EnvironmentFile.read(path: ".env"))
  }

  private static func environmentValue(_ name: SettingName) -> String? {
    getenv(name.rawValue).map { String(cString: $0) }
  }

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
