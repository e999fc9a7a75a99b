// Looks through a database: whether it is sound, and whether every page has its vectors. Nothing is written.

/// What was found amiss in a database.
public enum StoreFinding: Sendable, Equatable {
  /// Something that contradicts itself, in words for a person.
  case damage(String)
  /// A card, or what was made of it, is not as it was imported.
  case damagedCard(id: String, String)
  /// So many pages have no vectors of the embedder that searches use, as this one.
  case withoutVectors(pages: Int, example: String, EmbedderRow)
  /// The words of the full-text index were not compared with the pages: that takes a lock for writing, and the file may not be
  /// written.
  case wordsNotCompared
}

extension PageStore {
  /// Looks through the whole file, and reads all of it; but for what is in the cards, which `CardInspection` reads.
  /// - Returns: what is amiss, the worst of it first; empty for a sound database.
  /// - Throws: `GibseyError.databaseBusy` when somebody writes for longer than ten seconds.
  public func check() throws -> [StoreFinding] {
    var inspection = StoreInspection(connection)
    try inspection.run()
    return inspection.findings
  }
}

/// One look through a file.
private struct StoreInspection {
  /// Damages of one kind are told up to here.
  private static let limit = 20

  private let connection: Connection
  private(set) var findings: [StoreFinding] = []

  init(_ connection: Connection) { self.connection = connection }

  mutating func run() throws {
    try part("the file") { try $0.lookAtFile() }
    try part("the pages") { try $0.lookAtPages() }
    try part("the full-text index") { try $0.lookAtWords() }
    var embedders: [EmbedderRow] = []
    try part("the embedders") {
      embedders = try $0.connection.embedders()
      if embedders.count(where: \.isActive) > 1 { $0.damage("several embedders are active") }
    }
    try part("the vectors") { inspection in
      for embedder in embedders { try inspection.lookAtVectors(of: embedder) }
      try inspection.lookAtVectorState()
    }
    try part("the blocks") { try $0.lookAtBlocks(embedders) }
    try part("the conversations") {
      try $0.lookAtTurns()
      for embedder in embedders { try $0.lookAtCodesOfTurns(embedder) }
    }
    if let active = embedders.first(where: \.isActive) {
      try part("the vectors") { try $0.lookForPagesWithout(active) }
    }
  }

  private mutating func damage(_ words: String) { findings.append(.damage(words)) }

  /// What SQLite itself cannot read is damage too.
  private mutating func part(_ name: String, _ look: (inout StoreInspection) throws -> Void) throws {
    do {
      try look(&self)
    } catch GibseyError.notADatabase(_, let reason) {
      damage("\(name): \(reason)")
    } catch GibseyError.damagedSchema(_, let reason) {
      damage("\(name): \(reason)")
    } catch GibseyError.databaseFailed(_, let reason) {
      damage("\(name): \(reason)")
    }
  }

  private mutating func lookAtFile() throws {
    let list = try connection.prepare("PRAGMA integrity_check(\(Self.limit))")
    while try list.step() {
      let words = list.text(0) ?? ""
      if words != "ok" { damage("the file: \(words)") }
    }
  }

  /// A flipped bit in a text is no contradiction to SQLite; to its hash it is.
  private mutating func lookAtPages() throws {
    let list = try connection.prepare("SELECT id, text, text_hash, motifs, metadata FROM page ORDER BY page_id")
    var count = 0
    while try list.step(), count < Self.limit {
      let id = list.text(0) ?? ""
      let fields = [3, 4].map { list.bytes($0) }
      if SHA256.digest(of: list.bytes(1)) != list.bytes(2) {
        damage("page \(id): its text is not what was indexed")
      } else if !fields.allSatisfy({ (try? JSONScanner.scan($0) { try $0.value() }) != nil }) {
        damage("page \(id): its motifs or metadata are no JSON")
      } else {
        continue
      }
      count += 1
    }
  }

  /// FTS5's own check (sqlite.org/fts5.html §6.4) takes the lock for writing and writes nothing; it is rolled back.
  private mutating func lookAtWords() throws {
    let other: Connection
    do {
      other = try Connection(path: connection.path, access: .writeExisting(busyTimeoutMilliseconds: 10_000))
      // Opened so when it may not be written: the lock can be had even then, and the comparison cannot.
      guard !other.isReadOnly else { return findings.append(.wordsNotCompared) }
      try other.execute("BEGIN IMMEDIATE")
    } catch GibseyError.databaseReadOnly, GibseyError.cannotRead, GibseyError.databaseFailed, GibseyError.databaseFull {
      // The file was read all through by now: what is in the way is that it, or a file beside it, cannot be written.
      return findings.append(.wordsNotCompared)
    }
    defer { try? other.execute("ROLLBACK") }
    do {
      try other.execute("INSERT INTO page_text (page_text, rank) VALUES ('integrity-check', 1)")
    } catch GibseyError.notADatabase {
      damage("the full-text index: its words are not those of the pages")
    } catch GibseyError.databaseReadOnly, GibseyError.databaseFull {
      return findings.append(.wordsNotCompared)
    }
    do {
      try other.execute("INSERT INTO turn_text (turn_text, rank) VALUES ('integrity-check', 1)")
    } catch GibseyError.notADatabase {
      damage("the full-text index: its words are not those of the turns")
    }
  }

  private mutating func lookAtVectors(of embedder: EmbedderRow) throws {
    let stride = embedder.coding.stride
    let list = try connection.prepare("SELECT vector_id, text_key, vectors FROM vector WHERE embedder_id = ?1")
    list.bind(1, embedder.row)
    var count = 0
    while try list.step(), count < Self.limit {
      let bytes = list.bytes(2)
      let scales = Swift.stride(from: 0, to: bytes.count / stride * stride, by: stride).map {
        Float(bitPattern: bytes.littleEndian(UInt32.self, at: $0))
      }
      if bytes.isEmpty || bytes.count % stride != 0 || list.bytes(1).count != 16 {
        damage("the vectors \(list.integer(0)) of \(embedder.fingerprint): of the wrong length")
      } else if !scales.allSatisfy({ $0.isFinite && $0 > 0 }) {
        damage("the vectors \(list.integer(0)) of \(embedder.fingerprint): no numbers")
      } else {
        continue
      }
      count += 1
    }
    let strangers = try connection.integer(
      "SELECT count(*) FROM vector WHERE embedder_id NOT IN (SELECT embedder_id FROM embedder)")
    if strangers > 0 { damage("\(strangers) vectors are of no embedder") }
  }

  /// Whoever keeps vectors between questions is told by it when they change.
  private mutating func lookAtVectorState() throws {
    let watchers = try connection.integer(
      "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name IN ('vector', 'code_block')")
    if try connection.integer("SELECT count(*) FROM vector_state") != 1 || watchers != Schema.vectorTriggers {
      damage("the state of the vectors: nobody would see that they change")
    }
  }

  /// Blocks are made of the other tables: made again they are the same.
  private mutating func lookAtBlocks(_ embedders: [EmbedderRow]) throws {
    let blocks = try SearchBlocks(connection)
    let last = try connection.integer("SELECT max(page_id) FROM page") / SearchBlocks.pagesPerBlock
    let extra = try connection.integer(
      """
      SELECT (SELECT count(*) FROM place_block WHERE block NOT BETWEEN 0 AND \(last))
        + (SELECT count(*) FROM code_block WHERE block NOT BETWEEN 0 AND \(last)
          OR embedder_id NOT IN (SELECT embedder_id FROM embedder))
      """)
    if extra > 0 { damage("\(extra) blocks are of no page or embedder") }
    let places = try connection.prepare("SELECT places FROM place_block WHERE block = ?1")
    let codes = try connection.prepare("SELECT codes FROM code_block WHERE embedder_id = ?1 AND block = ?2")
    for block in 0...max(0, last) {
      places.bind(1, block)
      let isThere = try places.step()
      if try (isThere ? places.bytes(0) : []) != blocks.places(of: block) {
        damage("the block of places \(block) does not say what the pages say")
      }
      places.reset()
      for embedder in embedders {
        codes.bind(1, embedder.row)
        codes.bind(2, block)
        let isThere = try codes.step()
        if try (isThere ? codes.bytes(0) : []) != blocks.codes(of: block, embedder) {
          damage("the block of codes \(block) of \(embedder.fingerprint) does not say what the vectors say")
        }
        codes.reset()
      }
      if findings.count > 5 * Self.limit { return }
    }
  }

  /// Turns follow older ones of their session, and the blocks say what the turns say.
  private mutating func lookAtTurns() throws {
    let strays = try connection.integer(
      """
      SELECT count(*) FROM turn LEFT JOIN session USING (session_id)
      LEFT JOIN turn AS parent ON parent.turn_id = turn.parent_turn
      WHERE session.session_id IS NULL OR turn.parent_turn IS NOT NULL AND (
        parent.turn_id IS NULL OR parent.session_id <> turn.session_id OR parent.place >= turn.place)
      """)
    if strays > 0 { damage("\(strays) turns are of no session, or follow none of theirs") }
    let lost = try connection.integer(
      """
      SELECT (SELECT count(*) FROM turn_vector WHERE turn_id NOT IN (SELECT turn_id FROM turn)
          OR embedder_id NOT IN (SELECT embedder_id FROM embedder))
        + (SELECT count(*) FROM turn_code_block WHERE session_id NOT IN (SELECT session_id FROM session)
          OR embedder_id NOT IN (SELECT embedder_id FROM embedder))
        + (SELECT count(*) FROM draft LEFT JOIN turn USING (turn_id) WHERE turn.session_id IS NOT draft.session_id)
      """)
    if lost > 0 { damage("\(lost) vectors, blocks or drafts are of no turn or embedder") }
    let stale = try connection.integer(
      """
      SELECT (SELECT count(*) FROM turn LEFT JOIN turn_source USING (turn_id) WHERE turn_source.turn_id IS NULL)
        + (SELECT count(*) FROM seen_page JOIN page ON page.id = seen_page.anchor
          WHERE page.page_index <> seen_page.page_index)
        + (SELECT count(*) FROM session JOIN page ON page.id = session.furthest_page_id
          WHERE page.page_index <> session.furthest_page_index)
      """)
    if stale > 0 { damage("\(stale) turns, sessions or pages that they saw are not where the pages are") }
    let blocks = TurnBlocks(connection)
    let kept = try connection.prepare("SELECT facts FROM turn_block WHERE session_id = ?1 ORDER BY block")
    let list = try connection.prepare(
      """
      SELECT session_id, id, turns = (SELECT count(*) FROM turn WHERE turn.session_id = session.session_id)
      FROM session ORDER BY session_id
      """)
    while try list.step(), findings.count < 5 * Self.limit {
      var bytes: [[UInt8]] = []
      kept.bind(1, list.integer(0))
      while try kept.step() { bytes.append(kept.bytes(0)) }
      if try list.integer(2) != 1 || bytes != blocks.made(of: list.integer(0)) {
        damage("session \(list.text(1) ?? ""): the block of its turns does not say what the turns say")
      }
    }
  }

  /// The signs of the vectors of turns, packed, say what the vectors say.
  private mutating func lookAtCodesOfTurns(_ embedder: EmbedderRow) throws {
    let list = try connection.prepare(
      """
      SELECT session.session_id, session.id, made.block, kept.codes
      FROM (
        SELECT turn.session_id, turn.place / \(TurnBlocks.turnsPerBlock) AS block
        FROM turn_vector JOIN turn USING (turn_id) WHERE turn_vector.embedder_id = ?1
        UNION SELECT session_id, block FROM turn_code_block WHERE embedder_id = ?1
      ) AS made JOIN session USING (session_id)
      LEFT JOIN turn_code_block AS kept
        ON kept.embedder_id = ?1 AND kept.session_id = made.session_id AND kept.block = made.block
      ORDER BY made.session_id, made.block
      """)
    list.bind(1, embedder.row)
    while try list.step(), findings.count < 5 * Self.limit {
      if try list.bytes(3) != connection.turnCodes(of: list.integer(2), of: list.integer(0), embedder) {
        damage(
          """
          session \(list.text(1) ?? ""): the block of codes \(list.integer(2)) of \(embedder.fingerprint) does not say what \
          the vectors of its turns say
          """)
      }
    }
  }

  private mutating func lookForPagesWithout(_ active: EmbedderRow) throws {
    let list = try connection.prepare(
      """
      SELECT count(*), min(id) FROM page WHERE NOT EXISTS (
        SELECT 1 FROM vector WHERE embedder_id = ?1 AND text_key = substr(page.text_hash, 1, 16))
      """)
    list.bind(1, active.row)
    guard try list.step(), list.integer(0) > 0 else { return }
    findings.append(.withoutVectors(pages: list.integer(0), example: list.text(1) ?? "", active))
  }
}
