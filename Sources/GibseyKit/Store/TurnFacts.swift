// What is asked of every turn of a session, packed: 256 turns a row, derived from the other tables.
//
// A session may have a hundred thousand turns, and a prompt must know which of them are of its branch and behind its gate.
// Reading them one by one takes fifty times as long. A turn's place is its number in its session, from 0. A block holds for
// each turn, little-endian: 8 bytes of turn_id, 8 bytes of furthest_page_index (0: none), 4 bytes of its parent's place + 1
// (0: none), 4 bytes of the count of its words in the full-text index, 4 bytes of flags (1: its answer holds text).

/// The facts of one turn.
struct TurnFact: Equatable {
  static let stride = 28

  let id: Int
  /// 0 for none.
  let furthest: Int
  /// The place of the parent; nil for none.
  let parent: Int?
  let words: Int
  /// Whether it holds text: what was interrupted or failed before its first word is no part of what was said.
  let isTelling: Bool

  func append(to bytes: inout [UInt8]) {
    bytes.append(littleEndian: Int64(id))
    bytes.append(littleEndian: Int64(furthest))
    bytes.append(littleEndian: UInt32(clamping: parent.map { $0 + 1 } ?? 0))
    bytes.append(littleEndian: UInt32(clamping: words))
    bytes.append(littleEndian: UInt32(isTelling ? 1 : 0))
  }
}

/// The facts of a block's turns, as they are packed: a look at bytes that somebody else owns, who keeps them as long as it is
/// used.
struct TurnFacts {
  private let bytes: UnsafeRawBufferPointer

  /// - Returns: nil when the bytes cannot be a block.
  init?(_ block: UnsafeRawBufferPointer) {
    guard block.count % TurnFact.stride == 0, block.count <= TurnBlocks.turnsPerBlock * TurnFact.stride else {
      return nil
    }
    bytes = block
  }

  var count: Int { bytes.count / TurnFact.stride }

  /// The place in the session of the turn that it follows; -1 for none.
  func parent(of slot: Int) -> Int { Int(number(UInt32.self, of: slot, at: 16)) - 1 }
  func words(of slot: Int) -> UInt32 { number(UInt32.self, of: slot, at: 20) }
  func isTelling(_ slot: Int) -> Bool { number(UInt32.self, of: slot, at: 24) & 1 == 1 }

  /// Whether the gate lets the turn through, as it would a page.
  func isOpen(_ slot: Int, gate: Int?) -> Bool {
    gate.map { Int(number(Int64.self, of: slot, at: 8)) <= $0 } ?? true
  }

  private func number<Number: FixedWidthInteger>(_ type: Number.Type, of slot: Int, at offset: Int) -> Number {
    precondition(slot >= 0 && slot < count, "a turn that the block does not have")
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: slot * TurnFact.stride + offset, as: type))
  }
}

/// Reads and writes the blocks of one connection. Owns its statements.
final class TurnBlocks {
  static let turnsPerBlock = 256

  private let connection: Connection
  private let read: LateStatement
  private let put: LateStatement

  init(_ connection: Connection) {
    self.connection = connection
    read = LateStatement(connection, "SELECT facts FROM turn_block WHERE session_id = ?1 AND block = ?2")
    put = LateStatement(
      connection, "REPLACE INTO turn_block (session_id, block, facts) VALUES (?1, ?2, ?3)")
  }

  /// Writes the facts of a turn, a new one behind all others or one that is there.
  func write(_ fact: TurnFact, session: Int, place: Int) throws {
    var bytes = try block(place / Self.turnsPerBlock, of: session)
    let start = place % Self.turnsPerBlock * TurnFact.stride
    guard start <= bytes.count, bytes.count % TurnFact.stride == 0 else { throw damaged }
    var fresh: [UInt8] = []
    fact.append(to: &fresh)
    bytes.replaceSubrange(start..<min(bytes.count, start + TurnFact.stride), with: fresh)
    try write(bytes, session: session, block: place / Self.turnsPerBlock)
  }

  /// Notes that a turn's answer holds text.
  func noteTelling(session: Int, place: Int) throws {
    var bytes = try block(place / Self.turnsPerBlock, of: session)
    let flags = place % Self.turnsPerBlock * TurnFact.stride + 24
    guard flags + 4 <= bytes.count else { throw damaged }
    bytes[flags] |= 1
    try write(bytes, session: session, block: place / Self.turnsPerBlock)
  }

  private func write(_ bytes: [UInt8], session: Int, block: Int) throws {
    try put.use { put in
      put.bind(1, session)
      put.bind(2, block)
      put.bind(3, bytes)
      try put.run()
    }
  }

  /// Turns, in the order of their places, stand elsewhere in the book.
  func move(_ turns: [(place: Int, furthest: Int)], of session: Int) throws {
    var (number, bytes): (Int, [UInt8]) = (-1, [])
    func flush() throws {
      if number >= 0 { try write(bytes, session: session, block: number) }
    }
    for turn in turns {
      if turn.place / Self.turnsPerBlock != number {
        try flush()
        number = turn.place / Self.turnsPerBlock
        bytes = try block(number, of: session)
      }
      let start = turn.place % Self.turnsPerBlock * TurnFact.stride + 8
      guard start + 8 <= bytes.count else { throw damaged }
      var place: [UInt8] = []
      place.append(littleEndian: Int64(turn.furthest))
      bytes.replaceSubrange(start..<start + 8, with: place)
    }
    try flush()
  }

  private func block(_ block: Int, of session: Int) throws -> [UInt8] {
    try read.use { read in
      read.bind(1, session)
      read.bind(2, block)
      return try read.step() ? read.bytes(0) : []
    }
  }

  /// From a place on, reading a session's blocks fills more than SQLite's cache, which then only costs.
  private static let manyTurns = 1 << 14

  /// The branch that ends at a place of a session with so many turns.
  func walk(_ session: Int, from tip: Int, turns: Int, gate: Int?) throws -> TurnWalk {
    guard (0..<turns).contains(tip) else { throw damaged }
    return try tip < Self.manyTurns
      ? walked(session, from: tip, gate) : connection.readingOnce { try walked(session, from: tip, gate) }
  }

  /// Each block is read once, the last one first: a turn follows an older one.
  private func walked(_ session: Int, from tip: Int, _ gate: Int?) throws -> TurnWalk {
    var number = tip / Self.turnsPerBlock
    // As many as there must be: so what is kept of turns is bounded by what the file has of them.
    let count = try connection.integer(
      "SELECT count(*) FROM turn_block WHERE session_id = \(session) AND block BETWEEN 0 AND \(number)")
    guard count == number + 1 else { throw damaged }
    var walk = TurnWalk(tip: tip, gate: gate)
    let list = try connection.kept(
      "SELECT block, facts FROM turn_block WHERE session_id = ?1 AND block <= ?2 ORDER BY block DESC")
    list.bind(1, session)
    list.bind(2, number)
    while !walk.hasEnded, try list.step() {
      let first = try Self.firstPlace(list.integer(0), connection.path)
      let isSound = list.withBytes(1) { bytes in
        TurnFacts(bytes).map { walk.through($0, firstPlace: first) } ?? false
      }
      guard list.integer(0) == number, isSound else { throw damaged }
      number -= 1
    }
    guard walk.hasEnded else { throw damaged }
    return walk
  }

  /// What the other tables say of a session's turns, in blocks.
  func made(of session: Int) throws -> [[UInt8]] {
    let list = try connection.kept(
      """
      SELECT turn.turn_id, ifnull(turn.furthest_page_index, 0), ifnull(parent.place + 1, 0), size.sz,
        turn.answer <> '' OR draft.turn_id IS NOT NULL
      FROM turn LEFT JOIN draft ON draft.turn_id = turn.turn_id
      LEFT JOIN turn AS parent ON parent.turn_id = turn.parent_turn
      LEFT JOIN turn_text_docsize AS size ON size.id = (turn.session_id << 32 | turn.place)
      WHERE turn.session_id = ?1 ORDER BY turn.place
      """)
    list.bind(1, session)
    var blocks: [[UInt8]] = []
    var count = 0
    while try list.step() {
      if count % Self.turnsPerBlock == 0 { blocks.append([]) }
      count += 1
      let parent = list.integer(2)
      TurnFact(
        id: list.integer(0), furthest: list.integer(1), parent: parent > 0 ? parent - 1 : nil,
        words: SearchBlocks.wordCount(list.bytes(3)), isTelling: list.integer(4) != 0
      ).append(to: &blocks[blocks.count - 1])
    }
    return blocks
  }

  /// Packs everything anew.
  func repackAll() throws {
    try connection.execute("DELETE FROM turn_block")
    let list = try connection.kept("SELECT session_id FROM session ORDER BY session_id")
    var sessions: [Int] = []
    while try list.step() { sessions.append(list.integer(0)) }
    for session in sessions {
      for (block, bytes) in try made(of: session).enumerated() {
        try write(bytes, session: session, block: block)
      }
    }
  }

  /// The place of a block's first turn; places are below 2^32.
  static func firstPlace(_ block: Int, _ path: String) throws -> Int {
    guard (0..<1 << 24).contains(block) else {
      throw GibseyError.notADatabase(path: path, reason: "a damaged number of a block")
    }
    return block * turnsPerBlock
  }

  private var damaged: GibseyError { .notADatabase(path: connection.path, reason: "a damaged block of turns") }
}
