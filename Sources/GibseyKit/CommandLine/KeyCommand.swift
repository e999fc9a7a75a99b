// A command that prints a key, as keychains have them. Run once, when the provider is first asked.
internal import Glibc
internal import Synchronization

/// The key that a command prints. Its identity is the one run of it: a keychain may ask its owner.
final class KeyCommand: Sendable {
  private static let limitBytes = 64 << 10

  private let command: String
  private let provider: String
  private let name: SettingName
  private let run = Mutex<(task: Task<APIKey, any Error>?, waiters: Int)>((nil, 0))

  init(_ command: String, provider: String, name: SettingName) {
    self.command = command
    self.provider = provider
    self.name = name
  }

  /// When all who wait for it are cancelled, the command is ended; the next who asks runs it again.
  /// - Throws: `GibseyError.keyUnavailable`, which never tells what the command printed; `CancellationError`.
  func key() async throws -> APIKey {
    let task = run.withLock { run in
      let task = run.task ?? Task { [self] in try await read() }
      run = (task, run.waiters + 1)
      return task
    }
    return try await withTaskCancellationHandler {
      defer { run.withLock { $0.waiters -= 1 } }
      return try await task.value
    } onCancel: {
      run.withLock { run in
        guard run.task == task, run.waiters == 1 else { return }
        task.cancel()
        run.task = nil
      }
    }
  }

  private func failure(_ reason: String) -> GibseyError {
    .keyUnavailable(provider: provider, name: name.rawValue, reason: reason)
  }

  /// A pipe that tells a thread to stop waiting. Its identity is its two ends.
  private final class Stop: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init?() {
      guard let ends = SystemCall.pipe() else { return nil }
      (readEnd, writeEnd) = ends
    }

    deinit {
      close(readEnd)
      close(writeEnd)
    }

    func tell() { _ = write(writeEnd, [0], 1) }
  }

  /// Waits on a thread of its own: the command may take as long as its owner.
  private func read() async throws -> APIKey {
    guard let stop = Stop() else { throw failure(SystemCall.reason(errno)) }
    let (bytes, status) = try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        do {
          try WorkerThread.start { [self] in continuation.resume(with: Result { try output(until: stop) }) }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } onCancel: {
      stop.tell()
    }
    guard status == 0 else {
      throw failure(status & 0x7F == 0 ? "exit status \(status >> 8 & 0xFF)" : "ended by signal \(status & 0x7F)")
    }
    guard let text = String(validating: bytes, as: UTF8.self), let key = Settings.key(in: text) else {
      throw failure("it did not print one line with a key, without spaces")
    }
    return key
  }

  /// What the command prints, and the status that `waitpid` tells. Its input is empty: ours is the prompt.
  private func output(until stop: Stop) throws -> ([UInt8], Int32) {
    guard let (readEnd, writeEnd) = SystemCall.pipe() else { throw failure(SystemCall.reason(errno)) }
    defer { close(readEnd) }
    var child = pid_t()
    let problem = spawn(&child, output: writeEnd)
    close(writeEnd)
    guard problem == 0 else { throw failure(SystemCall.reason(problem)) }
    let bytes = Result { try collect(readEnd, until: stop) }
    if case .failure(let error) = bytes, error is CancellationError { kill(child, SIGTERM) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return (try bytes.get(), status)
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
      let block = try FileDescriptor(number: descriptor).read(limit: 4096, named: name.rawValue)
      if block.isEmpty || bytes.count > Self.limitBytes { return bytes }
      bytes += block
    }
  }

  /// Signals that we ignore or block would be ignored and blocked by the command too.
  private func spawn(_ child: inout pid_t, output: Int32) -> Int32 {
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
    for signal in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&defaults, signal) }
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    let words: [String] = ["/bin/sh", "-c", command]
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    return posix_spawn(&child, "/bin/sh", &actions, &attributes, &arguments, environ)
  }
}
