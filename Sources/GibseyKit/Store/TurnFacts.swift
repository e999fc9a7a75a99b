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

/// The facts of all turns of a session, by place, as they are packed: a prompt looks at some of each only.
struct TurnFacts {
  private var bytes: [UInt8] = []

  /// - Parameter capacity: about how many turns there will be.
  init(capacity: Int = 0) { bytes.reserveCapacity(capacity * TurnFact.stride) }

  var count: Int { bytes.count / TurnFact.stride }

  /// Appends a block; false when the bytes cannot be one.
  mutating func append(_ block: UnsafeRawBufferPointer) -> Bool {
    guard block.count % TurnFact.stride == 0 else { return false }
    bytes.append(contentsOf: block)
    return true
  }

  func id(of place: Int) -> Int { Int(number(Int64.self, of: place, at: 0)) }
  /// The place of the turn that it follows; -1 for none.
  func parent(of place: Int) -> Int { Int(number(UInt32.self, of: place, at: 16)) - 1 }
  func words(of place: Int) -> UInt32 { number(UInt32.self, of: place, at: 20) }
  func isTelling(_ place: Int) -> Bool { number(UInt32.self, of: place, at: 24) & 1 == 1 }

  /// Whether the gate lets the turn through, as it would a page.
  func isOpen(_ place: Int, gate: Int?) -> Bool {
    gate.map { Int(number(Int64.self, of: place, at: 8)) <= $0 } ?? true
  }

  private func number<Number: FixedWidthInteger>(_ type: Number.Type, of place: Int, at offset: Int) -> Number {
    precondition(place >= 0 && place < count, "a turn that the session does not have")
    return bytes.withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: place * TurnFact.stride + offset, as: type))
    }
  }
}

/// Reads and writes the blocks of one connection. Owns its statements.
final class TurnBlocks {
  static let turnsPerBlock = 256

  private let connection: Connection
  private var read: Statement
  private var put: Statement

  init(_ connection: Connection) throws {
    self.connection = connection
    read = try connection.prepare("SELECT facts FROM turn_block WHERE session_id = ?1 AND block = ?2")
    put = try connection.prepare("REPLACE INTO turn_block (session_id, block, facts) VALUES (?1, ?2, ?3)")
  }

  /// Writes the facts of a turn, a new one behind all others or one that is there.
  func write(_ fact: TurnFact, session: Int, place: Int) throws {
    var bytes = try block(place / Self.turnsPerBlock, of: session)
    let start = place % Self.turnsPerBlock * TurnFact.stride
    guard start <= bytes.count, bytes.count % TurnFact.stride == 0 else { throw damaged }
    var fresh: [UInt8] = []
    fact.append(to: &fresh)
    bytes.replaceSubrange(start..<min(bytes.count, start + TurnFact.stride), with: fresh)
    put.bind(1, session)
    put.bind(2, place / Self.turnsPerBlock)
    put.bind(3, bytes)
    try put.run()
  }

  /// Turns, in the order of their places, stand elsewhere in the book.
  func move(_ turns: [(place: Int, furthest: Int)], of session: Int) throws {
    var (number, bytes): (Int, [UInt8]) = (-1, [])
    func flush() throws {
      guard number >= 0 else { return }
      put.bind(1, session)
      put.bind(2, number)
      put.bind(3, bytes)
      try put.run()
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
    defer { read.reset() }
    read.bind(1, session)
    read.bind(2, block)
    return try read.step() ? read.bytes(0) : []
  }

  /// The facts of all turns of a session.
  func facts(of session: Int, count: Int) throws -> TurnFacts {
    let list = try connection.prepare("SELECT block, facts FROM turn_block WHERE session_id = ?1 ORDER BY block")
    list.bind(1, session)
    var facts = TurnFacts(capacity: min(count, 1 << 24))
    while try list.step() {
      let first = try Self.firstPlace(list.integer(0), connection.path)
      guard first == facts.count, list.withBytes(1, { facts.append($0) }) else { throw damaged }
    }
    guard facts.count == count else { throw damaged }
    return facts
  }

  /// What the other tables say of a session's turns, in blocks.
  func made(of session: Int) throws -> [[UInt8]] {
    let list = try connection.prepare(
      """
      SELECT turn.turn_id, ifnull(turn.furthest_page_index, 0), ifnull(parent.place + 1, 0), size.sz,
        turn.answer <> ''
      FROM turn LEFT JOIN turn AS parent ON parent.turn_id = turn.parent_turn
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
    let list = try connection.prepare("SELECT session_id FROM session ORDER BY session_id")
    var sessions: [Int] = []
    while try list.step() { sessions.append(list.integer(0)) }
    for session in sessions {
      for (block, bytes) in try made(of: session).enumerated() {
        put.bind(1, session)
        put.bind(2, block)
        put.bind(3, bytes)
        try put.run()
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
