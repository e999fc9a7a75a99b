// What stands beside a database: the write-ahead log and its index, which SQLite finds by their names alone.
internal import Glibc
internal import Synchronization

/// Which files the path of a database and the names of its log and of the index of that led to when it was opened.
struct DatabasePlace {
  /// What has the path now.
  enum Standing {
    /// The file that is open, with its log.
    case same
    /// No file: it may come back.
    case missing
    /// Another file, or this one with another log: whoever is here lets go, and opens the path anew.
    case another
  }

  let path: String
  /// The path without links: SQLite follows them before it makes a log.
  let base: String
  let database: FileIdentity?
  /// The log and its index; nil where there is none.
  let logs: [FileIdentity?]

  init(path: String) {
    self.path = path
    let place = realpath(path, nil)
    defer { free(place) }
    base = place.map { String(cString: $0) } ?? path
    database = FileIdentity(path: base)
    logs = Self.logNames(base).map { FileIdentity(path: $0) }
  }

  var logNames: [String] { Self.logNames(base) }
  private static func logNames(_ base: String) -> [String] { [base + "-wal", base + "-shm"] }

  var standing: Standing {
    guard let now = FileIdentity(path: path) else { return .missing }
    return now == database && logNames.map { FileIdentity(path: $0) } == logs ? .same : .another
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

  /// Call it before SQLite opens the path.
  /// - Parameter isMaking: whether a file is made when there is none. Whoever makes one holds the `WriterLock`.
  /// - Throws: `GibseyError.databaseFailed` when a foreign log cannot be taken away; `.databaseBusy` while the file is open here
  ///   with a log that has lost its name: with a second one it would be damaged.
  static func prepare(_ path: String, isMaking: Bool) throws {
    try open.withLock { open in
      if isMaking, isMissingOrEmpty(path) {
        // SQLite takes away the log of such a file by itself, but not the index.
        for name in DatabasePlace(path: path).logNames { try remove(name, of: path) }
        return
      }
      try removeForeign(beside: DatabasePlace(path: path), open.values)
      let place = DatabasePlace(path: path)
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
  static func leave(_ connection: ObjectIdentifier, from place: DatabasePlace, close: () -> Void) {
    open.withLock { open in
      // What cannot be taken away is told to who opens the path.
      try? removeForeign(beside: place, open.values)
      close()
      open[connection] = nil
    }
  }

  /// Whether somebody here has a file open that had the path, where there is another one now.
  static func isAnybodyElsewhere(_ path: String) -> Bool {
    open.withLock { $0.values.contains { $0.path == path && $0.standing == .another } }
  }

  private static func removeForeign(beside place: DatabasePlace, _ open: some Collection<DatabasePlace>) throws {
    // Where no file has the path nothing has taken its place: it may come back.
    guard let database = FileIdentity(path: place.base) else { return }
    for name in place.logNames {
      guard let log = FileIdentity(path: name),
        open.contains(where: { $0.database != nil && $0.database != database && $0.logs.contains(log) })
      else { continue }
      try remove(name, of: place.path)
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
