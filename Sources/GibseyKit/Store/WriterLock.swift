// One indexer a file: the second waits for the first to end.
internal import Glibc

/// Holds the right to write a database from `init` until it goes. Readers do not ask for it.
///
/// flock(2) on the file itself: it goes with the process however that ends, and does not touch the byte-range locks of
/// SQLite, which closing this descriptor would drop: make it before the connection and let it go after.
public struct WriterLock: ~Copyable {
  private let descriptor: Int32

  /// - Parameters:
  ///   - limitSeconds: how long to wait for another indexer.
  ///   - willWait: called once, before waiting.
  /// - Throws: `GibseyError.databaseBusy`, `.databaseReadOnly`, `.cannotWrite`.
  public init(path: String, limitSeconds: Int, willWait: () -> Void) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      let number = errno
      if access(path, F_OK) == 0, number == EACCES || number == EROFS {
        throw GibseyError.databaseReadOnly(path: path)
      }
      throw GibseyError.cannotCreate(path: path, reason: SystemCall.reason(number))
    }
    var waitedMilliseconds = 0
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else {
        throw GibseyError.databaseFailed(path: path, reason: SystemCall.reason(errno))
      }
      guard waitedMilliseconds < limitSeconds * 1000 else { throw GibseyError.databaseBusy(path: path) }
      if waitedMilliseconds == 0 { willWait() }
      usleep(50_000)
      waitedMilliseconds += 50
    }
  }

  deinit { close(descriptor) }
}
