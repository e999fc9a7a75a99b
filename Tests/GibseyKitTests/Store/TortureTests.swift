// Databases that something went wrong with: damaged, of an older schema, left by a process that was killed.
import Foundation
import Testing

@testable import GibseyKit

/// A database with pages, vectors, words and a card, for tests that harm it.
struct TortureScene {
  static let pages = 60
  let path: String
  static let card = """
    {"spec":"chara_card_v2","data":{"name":"Ann","description":"A diver.","character_book":{"entries":[
    {"keys":["lamp"],"content":"The lamp is old."}]}}}
    """

  static func text(_ number: Int) -> String {
    "Page \(number). The lamp of the ferry \(number % 7) burned, word\(number) was said, and the keeper \(number % 5) left."
  }

  static func vector(_ number: Int) -> [Float] {
    var generator = SeededGenerator(seed: UInt64(number))
    return (0..<32).map { _ in Float.random(in: -1...1, using: &generator) }
  }

  /// - Parameter text: of the page of a number, from 1.
  init(_ path: String, text: (Int) -> String = TortureScene.text) throws {
    self.path = path
    let store = try PageStore(path: path, access: .readWrite)
    let writer = try store.writer()
    let vectors = try store.vectorWriter(writer)
    try writer.begin()
    let embedder = try vectors.embedder("given 32", coding: VectorCoding(dimensions: 32, precision: .int12))
    for number in 1...Self.pages {
      let page = Page(id: "p\(number)", title: nil, pageIndex: number, text: text(number))
      guard
        case .change(_, let row) = try writer.write(
          page, id: "p\(number)", pageIndex: number, source: "s", isDryRun: false),
        let vector = UnitVector(normalizing: Self.vector(number))
      else { continue }
      try vectors.write(vector, ofPage: row, embedder)
    }
    try vectors.activate(embedder)
    try writer.commit()
    try writer.finish()
    var importing = CardImporting(store: store)
    _ = try importing.add(CardFile(path: "card.json", bytes: Array(Self.card.utf8)))
    try writer.finish()
  }

  /// The verb on a store, in a mode, behind no gate of its own.
  static func building(_ store: PageStore, _ mode: Searching.Mode, isExact: Bool = false) throws -> ContextBuilding {
    var options = Searching.Options()
    options.mode = mode
    options.isExact = isExact
    let active = try store.activeEmbedder()
    return ContextBuilding(
      store: store, searching: try Searching(store: store, embedder: active, options: options),
      defaults: ContextBuilding.Defaults())
  }
}

@Suite struct TortureTests {
  private let folder = TemporaryFolder()

  @Test func aSoundDatabaseHasNothingAmiss() throws {
    let scene = try TortureScene(folder.path + "/sound.db")
    #expect(try PageStore(path: scene.path, access: .readOnly).check().isEmpty)
  }

  @Test func everyKindOfDamageIsTold() throws {
    for (number, (sql, words)) in [
      ("UPDATE page SET text = 'other' WHERE id = 'p3'", "page p3: its text is not what was indexed"),
      (
        "INSERT INTO page_text (page_text, rowid, text) VALUES ('delete', 4, 'lamp')",
        "the full-text index: its words are not those of the pages"
      ),
      ("UPDATE page SET page_index = 99 WHERE id = 'p3'", "the block of places 0 does not say what the pages say"),
      ("UPDATE vector SET vectors = x'00' WHERE vector_id = 3", "the vectors 3 of given 32: of the wrong length"),
      (
        "UPDATE vector SET vectors = (SELECT vectors FROM vector WHERE vector_id = 4) WHERE vector_id = 3",
        "the block of codes 0 of given 32 does not say what the vectors say"
      ),
      ("UPDATE vector SET embedder_id = 9 WHERE vector_id = 3", "1 vectors are of no embedder"),
      ("INSERT INTO place_block VALUES (7, x'00')", "1 blocks are of no page or embedder"),
      ("UPDATE page SET motifs = '[' WHERE id = 'p3'", "page p3: its motifs or metadata are no JSON"),
    ].enumerated() {
      let scene = try TortureScene(folder.path + "/\(number).db")
      let connection = try Connection(path: scene.path, access: .write(busyTimeoutMilliseconds: 0))
      try connection.execute(sql)
      let findings = try PageStore(path: scene.path, access: .readOnly).check()
      #expect(findings.contains(.damage(words)), "\(sql): \(findings)")
    }
  }

  @Test func everyDamageOfACardIsTold() throws {
    for (number, (sql, words)) in [
      ("UPDATE card SET used = '{'", "its character is not what the card says"),
      ("UPDATE card SET name = 'Bob'", "its character is not what the card says"),
      (
        "UPDATE card SET json = x'78'", "what it came as is no card any more: not JSON: wanted a value at byte 1"
      ),
      ("UPDATE card SET picture = x'00'", "it is not what its picture says"),
      ("UPDATE lore SET entry = '{'", "its lore is not what the card says"),
      ("UPDATE lore SET content = 'The lamp is new.'", "its lore is not what the card says"),
      ("UPDATE lore SET content_bytes = 9999", "its lore is not what the card says"),
      ("UPDATE lore SET is_constant = 1", "its lore is not what the card says"),
      ("DELETE FROM lore", "its lore is not what the card says"),
      ("INSERT INTO lore SELECT card_id, 7, 0, 1, entry, 'x' FROM lore", "its lore is not what the card says"),
      ("DELETE FROM lore_key", "its keys of lore are not what the card says"),
      ("UPDATE lore_key SET word = 'Lamp'", "its keys of lore are not what the card says"),
    ].enumerated() {
      let scene = try TortureScene(folder.path + "/\(number).db")
      #expect(try CardInspection(PageStore(path: scene.path, access: .readOnly)).findings().isEmpty)
      try Connection(path: scene.path, access: .write(busyTimeoutMilliseconds: 0)).execute(sql)
      let findings = try CardInspection(PageStore(path: scene.path, access: .readOnly)).findings()
      #expect(findings == [.damagedCard(id: "ann", words)], "\(sql): \(findings)")
    }
    let scene = try TortureScene(folder.path + "/strays.db")
    try Connection(path: scene.path, access: .write(busyTimeoutMilliseconds: 0)).execute("DELETE FROM card")
    #expect(
      try CardInspection(PageStore(path: scene.path, access: .readOnly)).findings() == [
        .damage("2 entries or keys of lore are of no card")
      ])
  }

  @Test func pagesWithoutVectorsAreNoDamage() throws {
    let scene = try TortureScene(folder.path + "/sound.db")
    let store = try PageStore(path: scene.path, access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    for id in ["x", "y"] {
      let page = Page(id: id, title: nil, pageIndex: 99, text: "New \(id).")
      _ = try writer.write(page, id: id, pageIndex: 99, source: "s", isDryRun: false)
    }
    try writer.commit()
    let active = try #require(try store.activeEmbedder())
    #expect(try store.check() == [.withoutVectors(pages: 2, example: "x", active)])
  }

  /// 500 databases with flipped bits, a third of them cut short too: whatever is asked of them is answered or refused.
  @Test func noDamagedDatabaseEverCrashesAnything() async throws {
    let sound = try Data(contentsOf: URL(fileURLWithPath: try TortureScene(folder.path + "/sound.db").path))
    var generator = SeededGenerator(seed: 23)
    let damaged = folder.path + "/damaged.db"
    var answered = 0
    for round in 0..<500 {
      await Task.yield()  // the servers of other tests answer on the same threads
      var bytes = sound
      if round % 3 == 0 { bytes = bytes.prefix(Int.random(in: 0..<sound.count, using: &generator)) }
      // The first page of the file is spared half the time, or little else would be tried.
      let first = round % 2 == 0 ? 0 : min(16384, bytes.count)
      for _ in 0..<Int.random(in: 1...30, using: &generator) where first < bytes.count {
        bytes[Int.random(in: first..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
      for name in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: damaged + name) }
      try bytes.write(to: URL(fileURLWithPath: damaged))
      if try use(damaged, round) { answered += 1 }
    }
    #expect(answered > 50, "so few were worth the name: \(answered)")
  }

  /// Searches, explains, exports and checks; true when the search was answered. Any error but ours, or a crash, fails the test.
  private func use(_ path: String, _ round: Int) throws -> Bool {
    func attempt(_ body: (PageStore) throws -> Void) throws -> Bool {
      do {
        try body(try PageStore(path: path, access: .readOnly))
        return true
      } catch is GibseyError {
        return false
      }
    }
    let mode = Searching.Mode.allCases[round % 3]
    let request = ChatRequest(
      prompt: "lamp word7 keeper", characterID: round % 4 == 0 ? "ann" : nil,
      currentPageID: round % 5 == 0 ? "p40" : nil,
      vector: TortureScene.vector(7))
    let isAnswered = try attempt { store in
      let building = try TortureScene.building(store, mode, isExact: round % 2 == 0)
      _ = try building.hits(for: request, limit: 10)
      let prompt = try building.prompt(for: request)
      _ = try building.candidates(for: request, in: prompt)
      _ = try building.whyNot("p50", for: request)
    }
    _ = try attempt { store in try store.forEachPage { _ in } }
    _ = try attempt { store in _ = try store.status() }
    _ = try attempt { store in _ = try store.check() }
    _ = try attempt { store in _ = try store.cardFile(id: "ann") }
    return isAnswered
  }

  @Test func aDatabaseOfTheFirstSchemaIsMigratedAndNothingIsLost() throws {
    let path = folder.path + "/old.db"
    do {
      let old = try Connection(path: path, access: .write(busyTimeoutMilliseconds: 0))
      try old.execute("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL")
      try old.execute(Schema.migrations[0])
      try old.execute("INSERT INTO source (name) VALUES ('s')")
      let page = try old.prepare(
        """
        INSERT INTO page (id, source_id, page_index, title, motifs, metadata, text_hash, text)
        VALUES (?1, 1, ?2, ?3, '["ice"]', '{"mood":"grey"}', ?4, ?5)
        """)
      let words = try old.prepare("INSERT INTO page_text (rowid, text) VALUES (?1, ?2)")
      for number in 1...TortureScene.pages {
        let text = TortureScene.text(number)
        page.bind(1, "p\(number)")
        page.bind(2, number)
        page.bind(3, "Title \(number)")
        page.bind(4, SHA256.digest(of: Array(text.utf8)))
        page.bind(5, text)
        try page.run()
        words.bind(1, number)
        words.bind(2, text)
        try words.run()
      }
      try old.execute(
        """
        INSERT INTO turn (session_id, character_id, question, answer, outcome, prompt_id, made_at)
          VALUES ('s', 'c', 'Who?', 'Nobody.', 'complete', 'p', '2026-01-01T00:00:00Z');
        PRAGMA application_id = \(Schema.applicationID); PRAGMA user_version = 1
        """)
    }
    #expect(throws: GibseyError.olderDatabase(path: path, version: 1, supported: Schema.version)) {
      try PageStore(path: path, access: .readOnly)
    }
    _ = try PageStore(path: path, access: .readWrite)
    let store = try PageStore(path: path, access: .readOnly)
    #expect(try store.check().isEmpty)
    #expect(try store.status().turns == 1)
    var pages: [StoredPage] = []
    try store.forEachPage { pages.append($0) }
    #expect(pages.map(\.id) == (1...TortureScene.pages).map { "p\($0)" })
    #expect(pages.map(\.text) == (1...TortureScene.pages).map { TortureScene.text($0) })
    #expect(pages.allSatisfy { $0.motifs == ["ice"] && $0.metadata["mood"] == .string("grey") && $0.title != nil })
    #expect(try store.found("word17") == ["p17"])
    #expect(try store.found("lamp", gate: 3).sorted() == ["p1", "p2", "p3"])
  }
}

@Suite struct CanaryTests {
  private let folder = TemporaryFolder()

  /// Pages after the gate have a word that no page before it has; a thousand questions in every mode, and not a byte of it.
  @Test func noByteOfAPageBehindTheGateIsInAThousandAnswers() async throws {
    let gate = 30
    let scene = try TortureScene(folder.path + "/story.db") { number in
      TortureScene.text(number) + (number > gate ? " CANARY\(number) zanzibar" : "")
    }
    let store = try PageStore(path: scene.path, access: .readOnly)
    let words = ["lamp", "ferry", "keeper", "word45", "zanzibar", "page", "left", "word12", "burned", "who", "secret"]
    var generator = SeededGenerator(seed: 31)
    var leaks: [String] = []
    for round in 0..<1000 {
      await Task.yield()  // the servers of other tests answer on the same threads
      let question = (0..<Int.random(in: 1...5, using: &generator)).compactMap { _ in
        words.randomElement(using: &generator)
      }
      .joined(separator: " ")
      // The vector of a page behind the gate: nothing is nearer to the question.
      let number = Int.random(in: gate + 1...TortureScene.pages, using: &generator)
      let building = try TortureScene.building(store, Searching.Mode.allCases[round % 3], isExact: round % 2 == 0)
      let current = Int.random(in: 1...gate, using: &generator)
      let request = ChatRequest(
        prompt: question, currentPageID: "p\(current)",
        vector: round % 4 == 0 ? nil : TortureScene.vector(number))
      let prompt = try building.prompt(for: request)
      var records = [Record.prompt(prompt), .candidate(try building.whyNot("p\(number)", for: request))]
      records += try building.candidates(for: request, in: prompt).map { .candidate($0) }
      records += try building.hits(for: request, limit: 60).map { .hit($0) }
      let told = String(decoding: records.flatMap { RecordCoder.encode($0) }, as: UTF8.self)
      let named = (current + 1...TortureScene.pages).filter { $0 != number && told.contains("\"p\($0)\"") }
      if told.contains("CANARY") || !named.isEmpty { leaks.append("\(round): \(question) at p\(current)") }
      if !RecordCoder.encode(records[1]).elementsEqual(
        Array("{\"type\":\"candidate\",\"data\":{\"id\":\"p\(number)\",\"verdict\":\"gated\"}}\n".utf8))
      {
        leaks.append("\(round): --why-not p\(number) says more than that it is gated")
      }
    }
    #expect(leaks.isEmpty)
  }
}
