// How much may be asked at once with the files and sockets that the process may still open.
internal import Glibc

/// What the limit of open files (`ulimit -n`) leaves room for.
enum DescriptorRoom {
  /// What one request takes at most, while its name is looked up and two addresses are tried: a pair of sockets of the
  /// resolver, its files, and two connections.
  private static let perRequest = 6
  /// What is opened once: the poller and the alarm of the requests, those of the clock, a log of a database, a command that
  /// prints a key.
  private static let reserve = 14
  /// More are seldom open when a program starts; they are counted only where it matters.
  private static let usuallyOpen = 64

  /// Of the requests that are wanted at the same time, those for which there is room: the others wait for their turn. The
  /// limit is raised as far as the system lets everybody raise it.
  /// - Throws: `GibseyError.tooFewDescriptors` when there is none.
  static func width(_ wanted: Int) throws -> Int {
    var limits = rlimit()
    let needed = wanted * perRequest + reserve
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return wanted }
    if limits.rlim_cur < rlim_t(needed + usuallyOpen), limits.rlim_cur < limits.rlim_max {
      limits.rlim_cur = min(limits.rlim_max, rlim_t(needed + usuallyOpen))
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }
    guard limits.rlim_cur < rlim_t(needed + usuallyOpen) else { return wanted }
    let limit = Int(limits.rlim_cur)
    let free = (0..<Int32(limit)).count { fcntl($0, F_GETFD) < 0 }
    let width = min(wanted, (free - reserve) / perRequest)
    guard width > 0 else { throw GibseyError.tooFewDescriptors(limit: limit) }
    return width
  }
}

extension GibseyError {
  /// What it means that the system did not give us something.
  static func systemRefused(_ what: String, _ number: Int32) -> GibseyError {
    guard number == EMFILE || number == ENFILE else { return .ourBug("no \(what): \(SystemCall.reason(number))") }
    return .tooFewDescriptors(limit: Int(sysconf(Int32(_SC_OPEN_MAX))))
  }
}
