// The file's schema and its numbered migrations; gibsey-index(1) describes it for people.

/// The schema of a gibsey database. A migration, once released, is never edited: a change is a new one.
enum Schema {
  /// "gbsy": what `file`(1) and we know the file by.
  static let applicationID = 0x6762_7379

  /// The SQL that leads from version n to n + 1.
  ///
  /// Words wait in 16 MiB instead of 1 before FTS5 writes a segment, and segments are merged sixteen at a time instead of
  /// at every flush: a fifth to a quarter less time for 10,000 pages (`make bench`).
  static let migrations = [
    """
    CREATE TABLE source (
      source_id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE page (
      page_id INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      source_id INTEGER NOT NULL REFERENCES source,
      page_index INTEGER NOT NULL CHECK (page_index >= 1),
      title TEXT,
      character_id TEXT,
      section TEXT,
      motifs TEXT NOT NULL,
      metadata TEXT NOT NULL,
      text_hash BLOB NOT NULL,
      text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX page_by_order ON page (page_index, id);
    CREATE INDEX page_by_source ON page (source_id);
    CREATE VIRTUAL TABLE page_text USING fts5 (
      text, content='page', content_rowid='page_id', tokenize='porter unicode61'
    );
    INSERT INTO page_text (page_text, rank) VALUES ('hashsize', 16777216), ('automerge', 0);
    CREATE TABLE embedder (
      embedder_id INTEGER PRIMARY KEY,
      fingerprint TEXT NOT NULL UNIQUE,
      dimensions INTEGER NOT NULL,
      is_active INTEGER NOT NULL CHECK (is_active IN (0, 1))
    ) STRICT;
    CREATE TABLE vector (
      embedder_id INTEGER NOT NULL REFERENCES embedder,
      text_hash BLOB NOT NULL,
      vector BLOB NOT NULL,
      PRIMARY KEY (embedder_id, text_hash)
    ) STRICT;
    CREATE TABLE turn (
      turn_id INTEGER PRIMARY KEY,
      parent_turn INTEGER REFERENCES turn,
      session_id TEXT NOT NULL,
      character_id TEXT NOT NULL,
      question TEXT NOT NULL,
      answer TEXT NOT NULL,
      outcome TEXT NOT NULL CHECK (outcome IN ('complete', 'interrupted', 'failed')),
      furthest_page_index INTEGER,
      prompt_id TEXT NOT NULL,
      made_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX turn_by_session ON turn (session_id, character_id, turn_id);
    """,
    // Vectors. A text's vectors are kept once for each embedder, under the first 16 bytes of its SHA-256, whatever pages
    // have it. A block packs what every search reads of 1,024 pages: see SearchBlocks.swift.
    """
    DROP TABLE vector;
    DROP TABLE embedder;
    CREATE TABLE embedder (
      embedder_id INTEGER PRIMARY KEY,
      fingerprint TEXT NOT NULL UNIQUE,
      dimensions INTEGER NOT NULL CHECK (dimensions >= 1),
      encoding TEXT NOT NULL CHECK (encoding IN ('int4', 'int12')),
      is_active INTEGER NOT NULL CHECK (is_active IN (0, 1))
    ) STRICT;
    CREATE TABLE vector (
      vector_id INTEGER PRIMARY KEY,
      embedder_id INTEGER NOT NULL REFERENCES embedder,
      text_key BLOB NOT NULL,
      vectors BLOB NOT NULL,
      UNIQUE (embedder_id, text_key)
    ) STRICT;
    CREATE TABLE place_block (
      block INTEGER PRIMARY KEY,
      places BLOB NOT NULL
    ) STRICT;
    CREATE TABLE code_block (
      embedder_id INTEGER NOT NULL REFERENCES embedder,
      block INTEGER NOT NULL,
      codes BLOB NOT NULL,
      PRIMARY KEY (embedder_id, block)
    ) STRICT;
    """,
    // Character cards: the file as it came, the few members that a prompt wants, and the lore by the words that call it.
    """
    CREATE TABLE card (
      card_id INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      used TEXT NOT NULL,
      json BLOB NOT NULL,
      picture BLOB
    ) STRICT;
    CREATE TABLE lore (
      card_id INTEGER NOT NULL REFERENCES card,
      place INTEGER NOT NULL,
      is_constant INTEGER NOT NULL CHECK (is_constant IN (0, 1)),
      content_bytes INTEGER NOT NULL,
      entry TEXT NOT NULL,
      content TEXT NOT NULL,
      PRIMARY KEY (card_id, place)
    ) STRICT;
    CREATE TABLE lore_key (
      card_id INTEGER NOT NULL REFERENCES card,
      word TEXT NOT NULL,
      place INTEGER NOT NULL,
      PRIMARY KEY (card_id, word, place)
    ) STRICT, WITHOUT ROWID;
    """,
    // A character's own pages in reading order: its voice, and what it knows when it knows no more.
    """
    CREATE INDEX page_by_character ON page (character_id, page_index, id);
    """,
    // Conversations. A session's turns are numbered by place, from 0, and stand in the full-text index from row
    // session_id << 32 on, so that a search is of one session alone. `turn_block` packs what a prompt asks of every turn: see
    // TurnFacts.swift. Numbers of turns are never given twice: a prompt may name one that was forgotten meanwhile.
    """
    CREATE TABLE session (
      session_id INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      owner TEXT,
      made_at TEXT NOT NULL,
      seen_at TEXT NOT NULL,
      character_id TEXT,
      page_id TEXT,
      furthest_page_index INTEGER,
      turns INTEGER NOT NULL
    ) STRICT;
    INSERT INTO session (id, made_at, seen_at, turns)
      SELECT session_id, min(made_at), max(made_at), count(*) FROM turn GROUP BY session_id ORDER BY min(turn_id);
    ALTER TABLE turn RENAME TO old_turn;
    DROP INDEX turn_by_session;
    CREATE TABLE turn (
      turn_id INTEGER PRIMARY KEY AUTOINCREMENT,
      session_id INTEGER NOT NULL REFERENCES session,
      place INTEGER NOT NULL CHECK (place BETWEEN 0 AND 4294967295),
      parent_turn INTEGER REFERENCES turn,
      character_id TEXT NOT NULL,
      question TEXT NOT NULL,
      answer TEXT NOT NULL,
      outcome TEXT NOT NULL CHECK (outcome IN ('complete', 'interrupted', 'failed')),
      furthest_page_index INTEGER,
      prompt_id TEXT NOT NULL,
      made_at TEXT NOT NULL
    ) STRICT;
    INSERT INTO turn
      SELECT turn_id, session.session_id, row_number() OVER (PARTITION BY old_turn.session_id ORDER BY turn_id) - 1,
        parent_turn, old_turn.character_id, question, answer, outcome, old_turn.furthest_page_index, prompt_id,
        old_turn.made_at
      FROM old_turn JOIN session ON session.id = old_turn.session_id ORDER BY turn_id;
    DROP TABLE old_turn;
    CREATE UNIQUE INDEX turn_by_place ON turn (session_id, place);
    CREATE INDEX turn_by_character ON turn (session_id, character_id, place);
    CREATE VIEW turn_words AS
      SELECT session_id << 32 | place AS turn_row, question || char(10) || answer AS text FROM turn;
    CREATE VIRTUAL TABLE turn_text USING fts5 (
      text, content='turn_words', content_rowid='turn_row', tokenize='porter unicode61'
    );
    INSERT INTO turn_text (rowid, text) SELECT turn_row, text FROM turn_words ORDER BY turn_row;
    CREATE TABLE turn_block (
      session_id INTEGER NOT NULL REFERENCES session,
      block INTEGER NOT NULL,
      facts BLOB NOT NULL,
      PRIMARY KEY (session_id, block)
    ) STRICT;
    """,
    // Vectors of turns, and their signs packed for 256 turns of a session: see TurnVectors.swift.
    """
    CREATE TABLE turn_vector (
      embedder_id INTEGER NOT NULL REFERENCES embedder,
      turn_id INTEGER NOT NULL REFERENCES turn,
      vectors BLOB NOT NULL,
      PRIMARY KEY (embedder_id, turn_id)
    ) STRICT;
    CREATE INDEX turn_vector_by_turn ON turn_vector (turn_id);
    CREATE TABLE turn_code_block (
      embedder_id INTEGER NOT NULL REFERENCES embedder,
      session_id INTEGER NOT NULL REFERENCES session,
      block INTEGER NOT NULL,
      codes BLOB NOT NULL,
      PRIMARY KEY (embedder_id, session_id, block)
    ) STRICT;
    """,
    // What a turn has seen of the book, and a reader: pages by their ids, for their places change. See TurnPlaces.swift.
    """
    CREATE TABLE seen_page (
      seen_id INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      anchor TEXT,
      page_index INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX seen_page_by_anchor ON seen_page (anchor);
    CREATE TABLE turn_source (
      turn_id INTEGER PRIMARY KEY REFERENCES turn,
      least INTEGER NOT NULL,
      pages BLOB NOT NULL,
      turns BLOB NOT NULL
    ) STRICT;
    ALTER TABLE session ADD COLUMN furthest_page_id TEXT;
    CREATE INDEX session_by_page ON session (furthest_page_id);
    UPDATE turn SET answer = '' WHERE answer <> '' AND trim(answer, char(9, 10, 11, 12, 13, 32, 160)) = '';
    """,
    // What has come of answers that go on, and of those whose process is gone: see TurnDrafts.swift.
    """
    CREATE TABLE draft (
      turn_id INTEGER PRIMARY KEY REFERENCES turn,
      session_id INTEGER NOT NULL REFERENCES session,
      answer TEXT NOT NULL
    ) STRICT;
    CREATE INDEX draft_by_session ON draft (session_id);
    """,
    // What tells one state of the vectors, and of which page has which, from every other: drawn anew with each change, whoever makes
    // it. So who has read them all knows whether they are what they were: see KnownPages.swift.
    """
    CREATE TABLE vector_state (state BLOB NOT NULL) STRICT;
    INSERT INTO vector_state VALUES (randomblob(16));
    CREATE TRIGGER vector_added AFTER INSERT ON vector BEGIN UPDATE vector_state SET state = randomblob(16); END;
    CREATE TRIGGER vector_changed AFTER UPDATE ON vector BEGIN UPDATE vector_state SET state = randomblob(16); END;
    CREATE TRIGGER vector_removed AFTER DELETE ON vector BEGIN UPDATE vector_state SET state = randomblob(16); END;
    CREATE TRIGGER code_block_added AFTER INSERT ON code_block BEGIN UPDATE vector_state SET state = randomblob(16); END;
    CREATE TRIGGER code_block_changed AFTER UPDATE ON code_block BEGIN UPDATE vector_state SET state = randomblob(16); END;
    CREATE TRIGGER code_block_removed AFTER DELETE ON code_block BEGIN UPDATE vector_state SET state = randomblob(16); END;
    """,
  ]

  static var version: Int { migrations.count }
  /// How many triggers draw a new state of the vectors.
  static let vectorTriggers = 6

  /// Makes sure that the file is ours and of this version, migrating an older one when it may be written.
  /// - Parameter mayMake: whether a file that is empty becomes one of ours.
  static func prepare(_ connection: Connection, mayWrite: Bool, mayMake: Bool = true) throws {
    let path = connection.path
    let application = try connection.integer("PRAGMA application_id")
    let version = try connection.integer("PRAGMA user_version")
    if application != applicationID {
      let isEmpty = try connection.integer("SELECT count(*) FROM sqlite_schema") == 0
      guard isEmpty, application == 0 else {
        throw GibseyError.notADatabase(path: path, reason: "it is another program's SQLite file")
      }
      guard mayWrite, mayMake else { throw GibseyError.emptyDatabase(path: path) }
    }
    guard version <= Self.version else {
      throw GibseyError.newerDatabase(path: path, version: version, supported: Self.version)
    }
    guard version < Self.version else { return }
    guard mayWrite else {
      throw GibseyError.olderDatabase(path: path, version: version, supported: Self.version)
    }
    try migrate(connection, from: version)
  }

  private static func migrate(_ connection: Connection, from version: Int) throws {
    // Pages of 16 KiB: of 4 KiB, a tenth more of the file is unused and indexing takes a fifth longer. What becomes free can be
    // given back: see `Connection.giveBack`.
    if version == 0 {
      try connection.execute("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL")
    }
    try connection.execute("BEGIN IMMEDIATE")
    do {
      let current = try connection.integer("PRAGMA user_version")
      for migration in migrations[min(current, Self.version)...] { try connection.execute(migration) }
      // The blocks of a database from before there were any.
      if current < 2 { try SearchBlocks(connection).repackAll() }
      if current < 7 { try TurnPlaces(connection: connection).adopt() }
      try connection.execute(
        "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(Self.version); COMMIT")
    } catch {
      try? connection.execute("ROLLBACK")
      throw error
    }
  }
}
