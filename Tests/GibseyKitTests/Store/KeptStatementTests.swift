// Statements that a connection keeps compiled: whoever gets one gets it as new.
import Testing

@testable import GibseyKit

struct KeptStatementTests {
  private let connection: Connection

  init() throws { connection = try Connection(path: "kept", access: .memory) }

  /// One text in the program, and so one place.
  private func echo() throws -> Statement { try connection.kept("SELECT ?1 UNION ALL SELECT 2") }

  private func number(_ statement: borrowing Statement) throws -> Int? {
    try statement.step() && !statement.isNull(0) ? statement.integer(0) : nil
  }

  @Test func nothingIsLeftOfWhatItWasUsedFor() throws {
    do {
      let first = try echo()
      first.bind(1, 7)
      let told = try number(first)
      #expect(told == 7)
      #expect(connection.idleCount == 0)
      // Given back in the midst of its rows.
    }
    #expect(connection.idleCount == 1)
    let second = try echo()
    let rows = [try number(second), try number(second)]
    let isOver = try !second.step()
    #expect(connection.idleCount == 0)
    #expect(rows == [nil, 2])
    #expect(isOver)
  }

  @Test func whoeverWantsOneWhileItIsUsedGetsAnother() throws {
    func nested(_ depth: Int) throws {
      let statement = try echo()
      statement.bind(1, depth)
      let before = try number(statement)
      if depth > 0 { try nested(depth - 1) }
      let after = statement.integer(0)
      #expect(before == depth && after == depth)
    }
    try nested(3)
    try nested(5)
  }

  @Test func oneThatWaitsKeepsNoTransactionOpenAndNoTableInUse() throws {
    func list() throws -> String? {
      let list = try connection.kept("SELECT text FROM word ORDER BY rowid")
      return try list.step() ? list.text(0) : nil
    }
    try connection.execute("CREATE TABLE word (text TEXT); INSERT INTO word VALUES ('lantern'), ('ferry')")
    #expect(try list() == "lantern")
    try connection.execute(
      "DROP TABLE word; CREATE TABLE word (number INTEGER, text TEXT); INSERT INTO word VALUES (1, 'oar')")
    #expect(try list() == "oar")
  }
}
