// A shell command whose output is wanted: bounded, ended with all that it started, and in front on the terminal meanwhile.
internal import Glibc

/// One command for sh(1).
struct Subprocess {
  /// The longest output.
  static let limitBytes = 64 << 10
  /// What a command gets to end by itself, when it is told to, in milliseconds.
  private static let graceMilliseconds = 500

  /// Why there is no output.
  struct Problem: Error {
    let reason: String
  }

  private let command: String
  private let isLeader: Bool

  /// - Parameter isLeader: whether it leads a process group of its own, so that what it started ends with it: for a program
  ///   that ends it when a signal comes. Another one shares its group with it, and with it the signals of the terminal.
  init(_ command: String, isLeader: Bool) {
    self.command = command
    self.isLeader = isLeader
  }

  /// What the command prints, and the status that `waitpid` tells. Its input is empty: ours is the prompt.
  ///
  /// A terminal on which we are in front is given to a leader meanwhile, as a shell does: it may ask its owner something
  /// there, who may interrupt it and with it us.
  /// - Throws: `Problem`; `CancellationError` when `stop` was told, after the group has ended.
  func output(until stop: Stop) throws -> ([UInt8], Int32) {
    guard let (readEnd, writeEnd) = SystemCall.pipe() else { throw Problem(reason: SystemCall.reason(errno)) }
    defer { close(readEnd) }
    let terminal = isLeader ? Self.ownTerminal() : nil
    defer { if let terminal { close(terminal) } }
    var child = pid_t()
    let problem = spawn(&child, output: writeEnd, hasTerminal: terminal != nil)
    close(writeEnd)
    guard problem == 0 else { throw Problem(reason: SystemCall.reason(problem)) }
    if let terminal {
      tcsetpgrp(terminal, child)
      // Should it have been stopped because it used the terminal before.
      kill(-child, SIGCONT)
    }
    // Only from the command may it be taken back; this thread blocks the signal that others would get for it.
    defer { if let terminal, tcgetpgrp(terminal) == child { tcsetpgrp(terminal, getpgrp()) } }
    do {
      let bytes = try collect(readEnd, until: stop)
      let status = try status(of: child, until: stop)
      // What the terminal would have done had we been in front.
      if terminal != nil, status & 0x7F == SIGINT { kill(0, SIGINT) }
      return (bytes, status)
    } catch {
      end(child, readEnd)
      throw error
    }
  }

  private func collect(_ descriptor: Int32, until stop: Stop) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      var waits = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stop.readEnd, events: Int16(POLLIN), revents: 0),
      ]
      while poll(&waits, 2, -1) < 0, errno == EINTR {}
      if waits[1].revents != 0 { throw CancellationError() }
      let block = try FileDescriptor(number: descriptor).read(limit: 4096, named: "what the command prints")
      if block.isEmpty { return bytes }
      bytes += block
      guard bytes.count <= Self.limitBytes else {
        throw Problem(reason: "it printed more than \(Self.limitBytes) bytes")
      }
    }
  }

  /// How the command ended. It closed its output, so it mostly has; else it is looked at now and then.
  private func status(of child: pid_t, until stop: Stop) throws -> Int32 {
    var status: Int32 = 0
    var pauseMilliseconds: Int32 = 1
    while true {
      let found = waitpid(child, &status, WNOHANG)
      if found == child { return status }
      // Where whoever started us ignores SIGCHLD nobody is told how children end: what it printed has to do.
      guard found == 0 || errno == EINTR else { return 0 }
      var wait = pollfd(fd: stop.readEnd, events: Int16(POLLIN), revents: 0)
      if poll(&wait, 1, pauseMilliseconds) > 0 { throw CancellationError() }
      pauseMilliseconds = min(2 * pauseMilliseconds, 64)
    }
  }

  /// Ends the group: asked first, for a terminal may have to be set right again, and then whether it wants or not. Its leader
  /// is waited for last, so that the number is its own until then.
  private func end(_ child: pid_t, _ output: Int32) {
    let target = isLeader ? -child : child
    kill(target, SIGTERM)
    kill(target, SIGCONT)
    let deadline = ContinuousClock.now + .milliseconds(Self.graceMilliseconds)
    while true {
      let rest = deadline - ContinuousClock.now
      guard rest > .zero else { break }
      // Whoever of the group is left still holds the output.
      var wait = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      let count = poll(&wait, 1, Int32(clamping: rest.milliseconds))
      if count > 0, (try? FileDescriptor(number: output).read(limit: 4096).isEmpty) ?? true { break }
    }
    kill(target, SIGKILL)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
  }

  /// The terminal of this process, open; nil when there is none, or another group is in front.
  private static func ownTerminal() -> Int32? {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
    guard terminal >= 0 else { return nil }
    guard tcgetpgrp(terminal) == getpgrp() else {
      close(terminal)
      return nil
    }
    return terminal
  }

  /// Signals that we ignore or block would be ignored and blocked by the command too.
  private func spawn(_ child: inout pid_t, output: Int32, hasTerminal: Bool) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for signal in [SIGINT, SIGTERM, SIGPIPE, SIGXFSZ] { sigaddset(&defaults, signal) }
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setpgroup(&attributes, 0)
    let group = isLeader ? POSIX_SPAWN_SETPGROUP : 0
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group))
    // Stopped at the terminal nobody would wake it: the shell before us knows our group alone.
    let words = ["/bin/sh", "-c", hasTerminal ? "trap '' TSTP\n\(command)" : command]
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    return posix_spawn(&child, "/bin/sh", &actions, &attributes, &arguments, environ)
  }
}
