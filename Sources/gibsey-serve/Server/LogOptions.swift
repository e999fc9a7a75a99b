// Where the daemon tells what happens.
import ArgumentParser
import GibseyKit
import Glibc

/// A place for events: `-` is standard output, `fd:N` a descriptor that is open already, anything else a file.
enum EventPlace: Sendable, Equatable, ExpressibleByArgument {
  case descriptor(FileDescriptor)
  case file(String)

  init?(argument: String) {
    if argument == "-" {
      self = .descriptor(.standardOutput)
    } else if argument.hasPrefix("fd:") {
      guard let number = Int32(argument.dropFirst(3)), number >= 0 else { return nil }
      self = .descriptor(FileDescriptor(number: number))
    } else if argument.isEmpty {
      return nil
    } else {
      self = .file(argument)
    }
  }

  /// The descriptor to write to. Lines are added to a file that is there.
  /// - Throws: `GibseyError.cannotCreate`.
  func open() throws -> (descriptor: FileDescriptor, name: String) {
    switch self {
    case .descriptor(let descriptor):
      let name = descriptor == .standardOutput ? "standard output" : "fd:\(descriptor.number)"
      let flags = fcntl(descriptor.number, F_GETFL)
      guard flags >= 0, flags & O_ACCMODE != O_RDONLY else {
        throw GibseyError.cannotCreate(path: name, reason: "not open for writing")
      }
      return (descriptor, name)
    case .file(let path):
      // O_NONBLOCK: a named pipe that nobody reads is an error, not a wait.
      let number = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
      guard number >= 0 else {
        throw GibseyError.cannotCreate(
          path: path, reason: errno == ENXIO ? "nobody reads this pipe" : SystemReason.words(errno))
      }
      return (FileDescriptor(number: number), path)
    }
  }
}

/// The flags about logs and events.
struct LogOptions: ParsableArguments {
  @Option(help: "Where to write what happens, as records: a file, - for standard output, or fd:N.")
  var events: EventPlace?
  @Option(help: "How the log on standard error is written: text or json.") var logFormat = LogFormat.text
}

extension EventLog {
  /// The log on standard error, and the events where they were asked for.
  /// - Throws: `GibseyError.cannotCreate` for a place that cannot be written to.
  static func make(_ options: LogOptions, in context: ToolContext) throws -> EventLog {
    let now: @Sendable () -> Timestamp = { Timestamp.now() }
    let log = ServerLog(
      lines: try LineWriter(.standardError, named: "standard error"), format: options.logFormat,
      tool: context.diagnostics.tool, isVerbose: context.diagnostics.isVerbose, now: now)
    let diagnostics = log.diagnostics
    let lines = try options.events?.open()
    return EventLog(
      lines: try lines.map { lines in
        try LineWriter(lines.descriptor, named: lines.name) { error in
          let outcome = error == .readerLeft ? "no more events" : "events are lost"
          diagnostics.warning("\(outcome): \(error.message)")
        }
      }, isTerminal: lines?.descriptor.isTerminal ?? false, log: log, now: now)
  }
}
