// What stands beside a database: the write-ahead log and its index, which SQLite finds by their names alone.
internal import Glibc
internal import Synchronization

/// Takes away logs that are those of another file (sqlite.org/howtocorrupt.html §1.4: SQLite reads whatever log has the name).
///
/// A file that was put in the place of a database, or made where one was, finds the log of the one before as long as somebody has
/// that one open. Taken from its name, the log is still there for whoever has it open, and the new file gets one of its own.
enum DatabaseLog {
  /// One connection at a time: what another one has just made is not foreign.
  private static let turn = Mutex(())

  /// Call it before SQLite opens the path.
  /// - Parameter isMaking: whether a file is made when there is none. Whoever makes one holds the `WriterLock`.
  /// - Throws: `GibseyError.databaseFailed` when one cannot be taken away.
  static func removeForeign(of path: String, isMaking: Bool) throws {
    try turn.withLock { _ in
      // In this order: a log is never made before its database has been opened.
      let logs = names(of: path).compactMap { name in FileIdentity(path: name).map { (name: name, file: $0) } }
      guard !logs.isEmpty else { return }
      let isNew = isMaking && isMissingOrEmpty(path)
      let open = isNew ? [] : FileIdentity.ofOpenFiles()
      if let database = FileIdentity(path: path), open.contains(database) { return }
      for log in logs where isNew || open.contains(log.file) {
        guard unlink(log.name) != 0, errno != ENOENT else { continue }
        let reason = "\(log.name) is the log of another file and cannot be removed: \(SystemCall.reason(errno))"
        throw GibseyError.databaseFailed(path: path, reason: reason)
      }
    }
  }

  /// The names of the log and its index. SQLite follows links before it makes them.
  static func names(of path: String) -> [String] {
    let place = realpath(path, nil)
    defer { free(place) }
    let base = place.map { String(cString: $0) } ?? path
    return [base + "-wal", base + "-shm"]
  }

  private static func isMissingOrEmpty(_ path: String) -> Bool {
    var facts = stat()
    return stat(path, &facts) != 0 ? errno == ENOENT : facts.st_size == 0
  }
}
