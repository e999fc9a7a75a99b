// A program that runs beside the tests.
//
// Foundation's Process counts the open files of whoever starts a program by copying directory entries as if all were as long as
// the longest; where the last of a thousand lies at the end of its memory, it crashes the tests.
internal import Glibc
internal import CSpawn
internal import Foundation
internal import Synchronization

/// A child of this process; killed when this goes, if it still runs.
public final class ChildProcess: Sendable {
  /// How it ended: its exit status, or the signal that ended it.
  public enum Ending: Equatable, Sendable {
    case exit(Int32)
    case signal(Int32)

    /// One number for both, as a shell has it.
    public var shellStatus: Int32 {
      switch self {
      case .exit(let status): status
      case .signal(let number): 128 + number
      }
    }
  }

  /// Why there is no child: an error number of posix_spawn(3).
  public struct CannotStart: Error {
    public let program: String
    public let code: Int32
  }

  private struct State {
    var ending: Ending?
    var waiters: [CheckedContinuation<Ending, Never>] = []
  }

  public let pid: Int32
  private let shared: Shared

  /// What the thread that waits for the end keeps, too.
  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  /// Starts a program. Nothing of ours is open in it but what is given, and no signal is ignored or blocked.
  /// - Parameters:
  ///   - arguments: the path of the program, then its arguments.
  ///   - input: a descriptor for its standard input; without one, `/dev/null`. `output` and `errors` likewise.
  /// - Throws: `CannotStart`.
  public init(
    _ arguments: [String], in folder: String, environment: [String: String], input: Int32? = nil, output: Int32? = nil,
    errors: Int32? = nil
  ) throws {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (descriptor, number) in [(input, STDIN_FILENO), (output, STDOUT_FILENO), (errors, STDERR_FILENO)] {
      if let descriptor {
        posix_spawn_file_actions_adddup2(&actions, descriptor, number)
      } else {
        posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
      }
    }
    let refusal = cspawn_begin_in(&actions, folder, STDERR_FILENO + 1)
    guard refusal == 0 else { throw CannotStart(program: arguments[0], code: refusal) }
    var (all, none) = (sigset_t(), sigset_t())
    sigfillset(&all)
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var words = arguments.map { strdup($0) } + [nil]
    var settings = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + settings { free(text) } }
    var child = pid_t()
    let code = posix_spawn(&child, arguments[0], &actions, &attributes, &words, &settings)
    guard code == 0 else { throw CannotStart(program: arguments[0], code: code) }
    let (pid, shared) = (child, Shared())
    (self.pid, self.shared) = (pid, shared)
    Thread { Self.reap(pid, shared) }.start()
  }

  deinit { send(SIGKILL) }

  public var isRunning: Bool { shared.state.withLock { $0.ending == nil } }

  /// Sends a signal, unless it has ended: its number may be somebody else's then.
  public func send(_ signal: Int32) { shared.state.withLock { if $0.ending == nil { kill(pid, signal) } } }

  /// Waits for its end.
  public func ending() async -> Ending {
    await withCheckedContinuation { continuation in
      let ending = shared.state.withLock { state -> Ending? in
        if state.ending == nil { state.waiters.append(continuation) }
        return state.ending
      }
      if let ending { continuation.resume(returning: ending) }
    }
  }

  /// Waits on a thread of its own. It has ended before its number is given back.
  private static func reap(_ pid: pid_t, _ shared: Shared) {
    var facts = siginfo_t()
    while waitid(P_PID, id_t(pid), &facts, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    let (ending, waiters) = shared.state.withLock { state in
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0, errno == EINTR {}
      let number = status & 0x7F
      let ending: Ending = number == 0 ? .exit(status >> 8 & 0xFF) : .signal(number)
      state.ending = ending
      defer { state.waiters = [] }
      return (ending, state.waiters)
    }
    for waiter in waiters { waiter.resume(returning: ending) }
  }
}
