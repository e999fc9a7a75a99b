// One connection to one SQLite file. The unsafe pointers of libsqlite3 stay in this file and in Statement.swift.
internal import CSQLite
internal import Glibc

/// Owns one SQLite connection; closed when the last reference goes. Not for use by two tasks at once.
final class Connection {
  enum Access: Equatable {
    /// Reads only; the file must exist.
    case read
    /// Reads and writes; the file is made when it is missing.
    case write(busyTimeoutMilliseconds: Int32)
    /// Reads and writes a file that must exist.
    case writeExisting(busyTimeoutMilliseconds: Int32)
    /// Reads and writes what is gone with the connection; no file.
    case memory

    var makesFiles: Bool { if case .write = self { true } else { false } }
  }

  let path: String
  /// Counts the words of questions in the full-text indexes.
  let ranking = RankingFunction()
  private let handle: OpaquePointer
  /// Where it found its files; nil when there are none.
  private let place: DatabasePlace?
  /// Compiled statements that nobody uses, by where their text stands in the program.
  private var idle: [UnsafePointer<UInt8>: [OpaquePointer]] = [:]
  private var knownAPI: UnsafeMutablePointer<fts5_api>?

  /// - Throws: `GibseyError.noDatabase`, `.databaseReadOnly`, `.databaseBusy`, `.notADatabase`, `.cannotRead`.
  init(path: String, access: Access) throws {
    self.path = path
    let before = FileIdentity(path: path)
    if access != .memory {
      try Self.checkKind(of: path)
      try DatabaseLog.prepare(path, isMaking: access.makesFiles)
    }
    switch access {
    case .read:
      guard Glibc.access(path, F_OK) == 0 else { throw GibseyError.noDatabase(path: path) }
      handle = try Self.openForReading(path)
    case .writeExisting(let timeout):
      guard Glibc.access(path, F_OK) == 0 else { throw GibseyError.noDatabase(path: path) }
      handle = try Self.open(Self.fileName(path), SQLITE_OPEN_READWRITE, named: path)
      sqlite3_busy_timeout(handle, timeout)
    case .write(let timeout):
      let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      handle = try Self.open(Self.fileName(path), flags, named: path)
      sqlite3_busy_timeout(handle, timeout)
    case .memory:
      handle = try Self.open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, named: path)
    }
    gibsey_make_defensive(handle)
    guard access != .memory else {
      place = nil
      return
    }
    // At its first reading SQLite opens the log, if there is to be one. What else is wrong with the file is found by who reads it.
    let code = sqlite3_exec(handle, "SELECT 1 FROM sqlite_schema", nil, nil, nil)
    let place = DatabasePlace(path: path)
    // Another one came meanwhile: nobody knows which it is that is open.
    guard code & 0xFF != SQLITE_BUSY, before == nil || before == place.database else {
      sqlite3_close_v2(handle)
      throw GibseyError.databaseBusy(path: path)
    }
    self.place = place
    DatabaseLog.enter(self, at: place)
  }

  deinit {
    for handle in idle.values.joined() { sqlite3_finalize(handle) }
    guard let place else {
      sqlite3_close_v2(handle)
      return
    }
    DatabaseLog.leave(ObjectIdentifier(self), from: place) { sqlite3_close_v2(handle) }
  }

  /// What has the path now.
  var standing: DatabasePlace.Standing { place?.standing ?? .same }

  /// Which file is open; nil when there is none.
  var file: FileIdentity? { place?.database }

  /// What is no file is not opened: a named pipe would be waited for until somebody wrote to it.
  private static func checkKind(of path: String) throws {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return }
    switch facts.st_mode & S_IFMT {
    case S_IFREG: return
    case S_IFDIR: throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(EISDIR))
    default: throw GibseyError.notADatabase(path: path, reason: "it is no regular file")
    }
  }

  /// The path as no name that SQLite has a meaning for: `:memory:`, `file:…?mode=memory`.
  private static func fileName(_ path: String) -> String { path.hasPrefix("/") ? path : "./" + path }

  /// A file in write-ahead mode wants a shared-memory file beside it, which a folder that cannot be written refuses;
  /// without a log there is nothing that could change, so the file is then read as it stands (sqlite.org/wal.html §5).
  private static func openForReading(_ path: String) throws -> OpaquePointer {
    let handle = try open(fileName(path), SQLITE_OPEN_READONLY, named: path)
    let code = sqlite3_exec(handle, "SELECT 1 FROM sqlite_schema", nil, nil, nil)
    // On a full disk the file beside it cannot be made long enough: an input/output error.
    guard [SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_IOERR].contains(code & 0xFF), Glibc.access(path + "-wal", F_OK) != 0
    else {
      sqlite3_busy_timeout(handle, 5000)
      return handle
    }
    sqlite3_close_v2(handle)
    let escaped = path.utf8.map { byte -> String in
      let isPlain = byte > 0x20 && byte < 0x7F && !"%?#".utf8.contains(byte)
      return isPlain ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return try open(
      "file:" + escaped.joined() + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, named: path)
  }

  /// Once in a process, before its first connection.
  private static let isPrepared = gibsey_count_no_memory() == SQLITE_OK

  private static func open(_ name: String, _ flags: Int32, named path: String) throws -> OpaquePointer {
    _ = isPrepared
    var handle: OpaquePointer?
    // One task at a time: SQLite needs no lock for each call.
    let code = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let handle else {
      let number = handle.map { sqlite3_system_errno($0) } ?? 0
      sqlite3_close_v2(handle)
      if code == SQLITE_CANTOPEN {
        throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(number == 0 ? EISDIR : number))
      }
      throw error(code, String(cString: sqlite3_errstr(code)), path: path)
    }
    return handle
  }

  /// Runs statements that return nothing.
  func execute(_ sql: String) throws {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw lastError(code) }
  }

  /// Runs `body` with room for few of the file's pages: for reading much of it once. What is read and not looked at again need
  /// not be kept, and so little stays in the processor's cache. Pages that were kept before are let go.
  func readingOnce<Result>(_ body: () throws -> Result) throws -> Result {
    let usual = try integer("PRAGMA cache_size")
    try execute("PRAGMA cache_size = -256")
    defer { try? execute("PRAGMA cache_size = \(usual)") }
    return try body()
  }

  /// No run moves more of the file than that: 256 MiB of pages of 16 KiB.
  private static let givenBackAtOnce = 1 << 14

  /// Cuts off what is free in the file, having moved what lies behind it: full-text segments that were merged into one leave a
  /// twentieth of a file empty, pages that were removed as much as they took. A file from before this was prepared for stays
  /// as long as it is. What cannot be given back now is used again, or given back another time.
  func giveBack() {
    guard let free = try? integer("PRAGMA freelist_count"), free > 0 else { return }
    try? execute("PRAGMA incremental_vacuum(\(Self.givenBackAtOnce))")
  }

  /// Folds the write-ahead log into the file and empties it, as far as readers and writers let it.
  /// - Returns: whether all of it could be.
  @discardableResult
  func foldLog() throws -> Bool {
    let checkpoint = try prepare("PRAGMA wal_checkpoint(TRUNCATE)")
    return try checkpoint.step() && checkpoint.integer(0) == 0
  }

  /// From now on waits so long for other writers.
  func setBusyTimeout(_ milliseconds: Int32) { sqlite3_busy_timeout(handle, milliseconds) }

  /// Runs `body` in one transaction that has the right to write from its start: all of it is there in the end, or nothing.
  func immediately<Result>(_ body: () throws -> Result) throws -> Result {
    try execute("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      if isInTransaction { try? execute("ROLLBACK") }
      throw error
    }
  }

  /// Compiles one statement; keep it to run it again.
  func prepare(_ sql: String) throws -> Statement { Statement(handle: try compile(sql), connection: self) }

  /// A statement whose text stands in the program: it is compiled once, and whoever wants it next gets it when this one is done with
  /// it. Most take less time to run than to compile.
  func kept(_ sql: StaticString) throws -> Statement {
    let handle = try idle[sql.utf8Start]?.popLast() ?? compile(sql.description)
    return Statement(handle: handle, connection: self, place: sql.utf8Start)
  }

  /// How many statements wait for their next use; tests ask.
  var idleCount: Int { idle.values.reduce(0) { $0 + $1.count } }

  /// Takes back a statement of `kept`, with nothing of what it was used for.
  func putAway(_ statement: OpaquePointer, of place: UnsafePointer<UInt8>) {
    sqlite3_reset(statement)
    sqlite3_clear_bindings(statement)
    idle[place, default: []].append(statement)
  }

  private func compile(_ sql: String) throws -> OpaquePointer {
    var statement: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard code == SQLITE_OK, let statement else { throw lastError(code) }
    return statement
  }

  /// The first column of the first row as an integer; 0 when there is no row.
  func integer(_ sql: String) throws -> Int {
    let statement = try prepare(sql)
    return try statement.step() ? statement.integer(0) : 0
  }

  /// The same of a statement that is kept.
  func keptInteger(_ sql: StaticString) throws -> Int {
    let statement = try kept(sql)
    return try statement.step() ? statement.integer(0) : 0
  }

  /// FTS5's interface for functions of its own (sqlite.org/fts5.html §7): one for as long as the connection is open.
  func fullTextAPI() throws -> UnsafeMutablePointer<fts5_api> {
    if let knownAPI { return knownAPI }
    var statement: OpaquePointer?
    let code = sqlite3_prepare_v2(handle, "SELECT fts5(?1)", -1, &statement, nil)
    defer { sqlite3_finalize(statement) }
    guard code == SQLITE_OK else { throw lastError(code) }
    var api: UnsafeMutablePointer<fts5_api>?
    // SQLite keeps the address of the name, not its letters (sqlite.org/bindptr.html): they must be there when it is read.
    "fts5_api_ptr".withCString { name in
      withUnsafeMutablePointer(to: &api) { place in
        _ = sqlite3_bind_pointer(statement, 1, place, name, nil)
        sqlite3_step(statement)
      }
    }
    guard let api else { throw GibseyError.databaseFailed(path: path, reason: "SQLite was built without FTS5") }
    knownAPI = api
    return api
  }

  /// Whether the file can only be read: SQLite opens it so when it may not be written.
  var isReadOnly: Bool { sqlite3_db_readonly(handle, "main") == 1 }
  var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// What SQLite's result code means here. The message names the schema at most, never a value.
  func lastError(_ code: Int32) -> GibseyError {
    Self.error(code, String(cString: sqlite3_errmsg(handle)), path: path)
  }

  private static func error(_ code: Int32, _ reason: String, path: String) -> GibseyError {
    switch code & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED: .databaseBusy(path: path)
    case SQLITE_FULL: .databaseFull(path: path)
    case SQLITE_READONLY, SQLITE_PERM: .databaseReadOnly(path: path)
    case SQLITE_NOTADB, SQLITE_CORRUPT: .notADatabase(path: path, reason: reason)
    // Every statement is ours and runs on every schema that we make. What cannot be compiled meets another one; but a
    // library without FTS5 is no damage of the file.
    case SQLITE_ERROR where !reason.hasPrefix("no such module"): .damagedSchema(path: path, reason: reason)
    default: .databaseFailed(path: path, reason: reason)
    }
  }
}
