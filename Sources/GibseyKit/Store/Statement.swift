// One compiled statement: bound from values, read as values.
internal import CSQLite

/// Owns a compiled statement. Parameters and columns count as SQLite counts them: parameters from 1, columns from 0.
struct Statement: ~Copyable {
  private let handle: OpaquePointer
  private let connection: Connection
  /// Where its text stands in the program, if the connection keeps it; nil where it ends with its last use.
  private let place: UnsafePointer<UInt8>?

  init(handle: OpaquePointer, connection: Connection, place: UnsafePointer<UInt8>? = nil) {
    self.handle = handle
    self.connection = connection
    self.place = place
  }

  deinit {
    if let place { connection.putAway(handle, of: place) } else { sqlite3_finalize(handle) }
  }

  /// Makes ready to run again; bound values stay.
  borrowing func reset() { sqlite3_reset(handle) }

  /// Runs to the next row; false when there is none, and the statement is then ready to run again.
  borrowing func step() throws -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    let error = code == SQLITE_DONE ? nil : connection.lastError(code)
    sqlite3_reset(handle)
    if let error { throw error }
    return false
  }

  /// Runs a statement that returns no rows.
  borrowing func run() throws { while try step() {} }

  borrowing func bind(_ place: Int32, _ value: Int) { sqlite3_bind_int64(handle, place, Int64(value)) }
  borrowing func bind(_ place: Int32, _ value: Int64) { sqlite3_bind_int64(handle, place, value) }

  borrowing func bind(_ place: Int32, _ value: String?) {
    guard var value else {
      sqlite3_bind_null(handle, place)
      return
    }
    value.withUTF8 { utf8 in
      // An empty buffer may have no address, which SQLite would take for NULL.
      let base = utf8.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
      if let base {
        gibsey_bind_text(handle, place, base, Int32(utf8.count))
      } else {
        gibsey_bind_text(handle, place, "", 0)
      }
    }
  }

  borrowing func bind(_ place: Int32, _ value: [UInt8]) {
    value.withUnsafeBytes { bytes in
      _ = gibsey_bind_blob(handle, place, bytes.baseAddress, Int32(bytes.count))
    }
  }

  borrowing func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
  borrowing func integer(_ column: Int32) -> Int { Int(sqlite3_column_int64(handle, column)) }
  borrowing func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }

  borrowing func text(_ column: Int32) -> String? {
    guard let start = sqlite3_column_text(handle, column) else { return nil }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  borrowing func bytes(_ column: Int32) -> [UInt8] {
    guard let start = sqlite3_column_blob(handle, column) else { return [] }
    let count = Int(sqlite3_column_bytes(handle, column))
    return Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// A look at the bytes where SQLite has them; they are gone at the next step.
  borrowing func withBytes<Result>(
    _ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    let start = sqlite3_column_blob(handle, column)
    return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }
}
