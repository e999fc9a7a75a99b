// What stands beside a database: the write-ahead log and its index, which SQLite finds by their names alone.
internal import Glibc
internal import Synchronization

/// Which files the path of a database and the names of its log and of the index of that lead to.
struct DatabasePlace: Equatable {
  let database: FileIdentity?
  /// The log and its index; nil where there is none.
  let logs: [FileIdentity?]

  init(path: String, logNames: [String]) {
    database = FileIdentity(path: path)
    logs = logNames.map { FileIdentity(path: $0) }
  }
}

/// Keeps the log of one file from another that takes its place (sqlite.org/howtocorrupt.html §1.4: SQLite reads whatever log has
/// the name, and folds it into whatever file has the path).
///
/// This process knows which log belongs to which file that it has open. A log whose file has not the path any more loses its
/// name: whoever has it open goes on with it, and the new file gets one of its own. A log that nobody here has open is left
/// alone: after a crash it holds what was written last.
enum DatabaseLog {
  /// Where the open connections of this process found their files, by connection.
  private static let open = Mutex<[ObjectIdentifier: DatabasePlace]>([:])

  /// The names of the log and its index. SQLite follows links before it makes them.
  static func names(of path: String) -> [String] {
    let place = realpath(path, nil)
    defer { free(place) }
    let base = place.map { String(cString: $0) } ?? path
    return [base + "-wal", base + "-shm"]
  }

  /// Call it before SQLite opens the path.
  /// - Parameter isMaking: whether a file is made when there is none. Whoever makes one holds the `WriterLock`.
  /// - Throws: `GibseyError.databaseFailed` when a foreign log cannot be taken away; `.databaseBusy` while the file is open here
  ///   with a log that has lost its name: with a second one it would be damaged.
  static func prepare(_ path: String, isMaking: Bool) throws {
    let names = names(of: path)
    try open.withLock { open in
      if isMaking, isMissingOrEmpty(path) {
        // SQLite takes away the log of such a file by itself, but not the index.
        for name in names { try remove(name, of: path) }
        return
      }
      try removeForeign(path, names, open.values)
      let place = DatabasePlace(path: path, logNames: names)
      guard let database = place.database else { return }
      let isSplit = open.values.contains {
        $0.database == database && $0.logs != place.logs && $0.logs != [nil, nil]
      }
      if isSplit { throw GibseyError.databaseBusy(path: path) }
    }
  }

  /// A connection is open, and has found its files there.
  static func enter(_ connection: Connection, at place: DatabasePlace) {
    open.withLock { $0[ObjectIdentifier(connection)] = place }
  }

  /// Closes a connection. Nobody else looks meanwhile: the numbers of files that are gone with it may be those of new ones at once.
  static func leave(_ connection: ObjectIdentifier, _ path: String, _ names: [String], close: () -> Void) {
    open.withLock { open in
      // What cannot be taken away is told to who opens the path.
      try? removeForeign(path, names, open.values)
      close()
      open[connection] = nil
    }
  }

  private static func removeForeign(
    _ path: String, _ names: [String], _ open: some Collection<DatabasePlace>
  ) throws {
    // Where no file has the path nothing has taken its place: it may come back.
    guard let database = FileIdentity(path: path) else { return }
    for name in names {
      guard let log = FileIdentity(path: name),
        open.contains(where: { $0.database != database && $0.logs.contains(log) })
      else { continue }
      try remove(name, of: path)
    }
  }

  private static func remove(_ name: String, of path: String) throws {
    guard unlink(name) != 0, errno != ENOENT else { return }
    let reason = "\(name) is the log of another file and cannot be removed: \(SystemCall.lastReason)"
    throw GibseyError.databaseFailed(path: path, reason: reason)
  }

  private static func isMissingOrEmpty(_ path: String) -> Bool {
    var facts = stat()
    return stat(path, &facts) != 0 ? errno == ENOENT : facts.st_size == 0
  }
}
