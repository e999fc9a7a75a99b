// A statement that not every run of a program wants.

/// A statement that is compiled when it is first used, and kept. Owns it; for one task at a time.
final class LateStatement {
  private final class Compiled {
    let statement: Statement
    init(_ statement: consuming Statement) { self.statement = statement }
  }

  private let connection: Connection
  private let sql: String
  private var compiled: Compiled?

  init(_ connection: Connection, _ sql: String) {
    self.connection = connection
    self.sql = sql
  }

  /// Runs `body` with the statement, which is ready to run again afterwards.
  func use<Result>(_ body: (borrowing Statement) throws -> Result) throws -> Result {
    let compiled = try self.compiled ?? Compiled(try connection.prepare(sql))
    self.compiled = compiled
    defer { compiled.statement.reset() }
    return try body(compiled.statement)
  }
}
