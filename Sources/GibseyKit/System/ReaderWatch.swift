// Notices that the reader of a pipe left while nothing is written to it.
internal import Glibc

/// Watches a descriptor while it lives and tells once when nobody reads it any more. It costs nothing meanwhile: a thread
/// that sleeps in poll(2).
public final class ReaderWatch: Sendable {
  /// Closing it ends the thread.
  private let writeEnd: Int32

  /// Nil where nobody can leave: a file or a terminal, which sends a signal.
  public init?(_ output: FileDescriptor, left: @escaping @Sendable () -> Void) {
    var file = stat()
    guard fstat(output.number, &file) == 0, [S_IFIFO, S_IFSOCK].contains(file.st_mode & S_IFMT) else { return nil }
    guard let (readEnd, writeEnd) = SystemCall.pipe() else { return nil }
    self.writeEnd = writeEnd
    do {
      try WorkerThread.start {
        defer { close(readEnd) }
        if Self.hasLeft(output.number, unless: readEnd) { left() }
      }
    } catch {
      close(readEnd)
      close(writeEnd)
      return nil
    }
  }

  deinit { close(writeEnd) }

  /// Waits; false when the watch ended first. A pipe without readers is in error, whatever is asked (poll(2)).
  private static func hasLeft(_ output: Int32, unless ending: Int32) -> Bool {
    while true {
      var waits = [
        pollfd(fd: output, events: 0, revents: 0), pollfd(fd: ending, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&waits, 2, -1) >= 0 || errno == EINTR else { return false }
      if waits[1].revents != 0 { return false }
      if waits[0].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { return true }
    }
  }
}
