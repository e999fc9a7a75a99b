// Vectors of turns: made when a turn has ended, read when a question looks for what was said long ago.
//
// turn_code_block.codes holds for 256 turns of a session what code_block.codes holds for pages (SearchBlocks.swift), with the
// turn's number in the place of the row of its vectors.

/// A turn that has no vectors of an embedder yet.
public struct TurnWantingVectors: Sendable {
  public let id: Int
  let session: Int
  let place: Int
  public let question: String
  public let answer: String
}

extension ConversationStore {
  /// The embedder that searches use; nil when there is none.
  public func activeEmbedder() throws -> EmbedderRow? { try connection.embedders().first(where: \.isActive) }

  /// Turns with an answer that have no vectors, from after a number on.
  public func turnsWantingVectors(
    of embedder: EmbedderRow?, after id: Int, limit: Int
  ) throws -> [TurnWantingVectors] {
    let list = try connection.kept(
      """
      SELECT turn_id, session_id, place, question, answer FROM turn
      WHERE turn_id > ?2 AND answer <> '' AND NOT EXISTS (
        SELECT 1 FROM turn_vector WHERE embedder_id = ?1 AND turn_vector.turn_id = turn.turn_id)
      ORDER BY turn_id LIMIT ?3
      """)
    list.bind(1, embedder?.row ?? -1)
    list.bind(2, id)
    list.bind(3, limit)
    var turns: [TurnWantingVectors] = []
    while try list.step() {
      turns.append(
        TurnWantingVectors(
          id: list.integer(0), session: list.integer(1), place: list.integer(2), question: list.text(3) ?? "",
          answer: list.text(4) ?? ""))
    }
    return turns
  }

  /// Keeps the vectors of turns, all of them or none; of a turn that was forgotten meanwhile, or has another answer now, none are kept.
  public func write(_ vectors: [[UnitVector]], of turns: [TurnWantingVectors], _ embedder: EmbedderRow) throws {
    try connection.immediately {
      guard try connection.embedders().contains(where: { $0.row == embedder.row && $0.coding == embedder.coding })
      else { return }
      let put = try connection.kept(
        """
        INSERT OR REPLACE INTO turn_vector (embedder_id, turn_id, vectors)
        SELECT ?1, turn_id, ?3 FROM turn WHERE turn_id = ?2 AND answer = ?4
        """)
      var blocks: [Int: Set<Int>] = [:]
      for (turn, vectors) in zip(turns, vectors) {
        var bytes: [UInt8] = []
        for vector in vectors { embedder.coding.append(vector.components, to: &bytes) }
        put.bind(1, embedder.row)
        put.bind(2, turn.id)
        put.bind(3, bytes)
        put.bind(4, turn.answer)
        try put.run()
        blocks[turn.session, default: []].insert(turn.place / TurnBlocks.turnsPerBlock)
      }
      for (session, changed) in blocks.sorted(by: { $0.key < $1.key }) {
        for block in changed.sorted() { try packCodes(block, of: session, embedder) }
      }
    }
  }

  /// Lets the vectors of a turn go whose answer becomes another one: half an answer that was taken up goes on at times.
  func dropVectors(of turn: Int, _ session: Int, _ place: Int) throws {
    let find = try connection.kept("SELECT 1 FROM turn_vector WHERE turn_id = ?1 LIMIT 1")
    find.bind(1, turn)
    guard try find.step() else { return }
    find.reset()
    let drop = try connection.kept("DELETE FROM turn_vector WHERE turn_id = ?1")
    drop.bind(1, turn)
    try drop.run()
    for embedder in try connection.embedders() {
      try packCodes(place / TurnBlocks.turnsPerBlock, of: session, embedder)
    }
  }

  private func packCodes(_ block: Int, of session: Int, _ embedder: EmbedderRow) throws {
    let bytes = try connection.turnCodes(of: block, of: session, embedder)
    guard !bytes.isEmpty else {
      let drop = try connection.kept(
        "DELETE FROM turn_code_block WHERE embedder_id = ?1 AND session_id = ?2 AND block = ?3")
      drop.bind(1, embedder.row)
      drop.bind(2, session)
      drop.bind(3, block)
      return try drop.run()
    }
    let put = try connection.kept(
      "REPLACE INTO turn_code_block (embedder_id, session_id, block, codes) VALUES (?1, ?2, ?3, ?4)")
    put.bind(1, embedder.row)
    put.bind(2, session)
    put.bind(3, block)
    put.bind(4, bytes)
    try put.run()
  }

  /// The turns of a branch whose vectors look nearest to a query by their signs, as their places.
  /// - Parameters:
  ///   - places: which turns may be told.
  ///   - limit: how many vectors are wanted, and some more where they tie.
  func nearest(
    to query: [Float], in chain: TurnChain, _ places: PlaceTable, _ embedder: EmbedderRow, limit: Int
  ) throws -> Set<Int> {
    guard chain.told.count > Self.manyTurns else {
      return try scanned(for: query, in: chain, places, embedder, limit: limit)
    }
    return try connection.readingOnce { try scanned(for: query, in: chain, places, embedder, limit: limit) }
  }

  /// From so many turns on their codes are more than SQLite's cache holds, which then only costs.
  private static let manyTurns = 8 * TurnBlocks.turnsPerBlock

  private func scanned(
    for query: [Float], in chain: TurnChain, _ places: PlaceTable, _ embedder: EmbedderRow, limit: Int
  ) throws -> Set<Int> {
    let list = try connection.kept(
      "SELECT block, codes FROM turn_code_block WHERE embedder_id = ?1 AND session_id = ?2 ORDER BY block")
    list.bind(1, embedder.row)
    list.bind(2, chain.session)
    var nearest = NearestCodes(query: query, limit: limit, gate: nil)
    while try list.step() {
      let first = try TurnBlocks.firstPlace(list.integer(0), path)
      try list.withBytes(1) { bytes in
        guard let block = CodeBlock(bytes, coding: embedder.coding) else {
          throw GibseyError.notADatabase(path: path, reason: "a damaged block of codes")
        }
        nearest.add(block, firstRow: first, places: places)
      }
    }
    return Set(nearest.finish().map(\.pageRow))
  }

  /// The cosine of a query and the nearest vector of each turn that has one, by place.
  func nearness(
    of places: [Int], in chain: TurnChain, to query: [Float], _ embedder: EmbedderRow
  ) throws -> [(place: Int, cosine: Double)] {
    let read = try connection.kept(
      """
      SELECT vectors FROM turn_vector WHERE embedder_id = ?1
        AND turn_id = (SELECT turn_id FROM turn WHERE session_id = ?2 AND place = ?3)
      """)
    read.bind(1, embedder.row)
    read.bind(2, chain.session)
    let query = VectorQuery(query, coding: embedder.coding)
    return try places.compactMap { place in
      defer { read.reset() }
      read.bind(3, place)
      guard try read.step() else { return nil }
      return read.withBytes(0) { query.nearest($0) }.map { (place, $0) }
    }
  }
}

extension Connection {
  /// What the vectors say of a block of codes; empty without vectors.
  func turnCodes(of block: Int, of session: Int, _ embedder: EmbedderRow) throws -> [UInt8] {
    let list = try prepare(
      """
      SELECT turn.place, turn.turn_id, turn_vector.vectors FROM turn
      JOIN turn_vector ON turn_vector.embedder_id = ?1 AND turn_vector.turn_id = turn.turn_id
      WHERE turn.session_id = ?2 AND turn.place BETWEEN ?3 AND ?4 ORDER BY turn.place
      """)
    let first = try TurnBlocks.firstPlace(block, path)
    list.bind(1, embedder.row)
    list.bind(2, session)
    list.bind(3, first)
    list.bind(4, first + TurnBlocks.turnsPerBlock - 1)
    var packer = CodePacker(coding: embedder.coding)
    while try list.step() {
      let slot = list.integer(0) - first
      guard (0..<TurnBlocks.turnsPerBlock).contains(slot) else {
        throw GibseyError.notADatabase(path: path, reason: "turns out of their order")
      }
      packer.add(slot: UInt16(slot), row: list.integer(1), vectors: list.bytes(2))
    }
    return packer.count > 0 ? packer.bytes : []
  }
}
