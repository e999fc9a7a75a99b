// The database: what is kept, what is refused, what a reader may see.
import Foundation
import Testing

@testable import GibseyKit

/// A folder that goes with the test.
final class TemporaryFolder {
  let path: String
  init() {
    path = NSTemporaryDirectory() + "gibsey-" + UUID().uuidString
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension PageStore {
  /// The ids of the pages found by keywords.
  func found(_ question: String, gate: Int? = nil, limit: Int = 9) throws -> [String] {
    try Searching(store: self).search(Searching.Query(text: question, gate: gate), limit: limit).map(\.page.id)
  }
}

@Suite struct PageStoreTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.path + "/story.db" }

  @discardableResult
  private func write(_ pages: [Page], source: String = "s") throws -> [PageWriter.Outcome] {
    let store = try PageStore(path: path, access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    let outcomes = try pages.map {
      try writer.write($0, id: $0.id!, pageIndex: $0.pageIndex!, source: source, isDryRun: false)
    }
    try writer.commit()
    return outcomes
  }

  private func page(_ id: String, _ index: Int, _ text: String, title: String? = nil) -> Page {
    Page(id: id, title: title, pageIndex: index, text: text)
  }

  /// Files are opened as nobody's on this thread: to root nothing is forbidden. For who is not root it changes nothing.
  private func asNobody<Result>(_ body: () throws -> Result) throws -> Result {
    typealias Change = @convention(c) (UInt32) -> Int32
    let change = unsafeBitCast(try #require(dlsym(nil, "setfsuid")), to: Change.self)
    let before = change(65534)
    defer { _ = change(UInt32(bitPattern: before)) }
    return try body()
  }

  @Test func whatOthersHaveOpenAndOneMayNotWriteIsLookedThroughButForItsWords() throws {
    let open = try PageStore(path: path, access: .readWrite)
    try write([page("a", 1, "one")])
    #expect(FileManager.default.fileExists(atPath: path + "-wal"))
    for name in ["", "-wal", "-shm"] { #expect(chmod(path + name, 0o444) == 0) }
    let findings = try asNobody { try PageStore(path: path, access: .readOnly).check() }
    #expect(findings == [.wordsNotCompared])
    #expect(try open.check() == [])
  }

  @Test func onlyWhatChangedIsWrittenAgain() throws {
    #expect(
      try write([page("a", 1, "one"), page("b", 2, "two")])
        == [.change(.added, row: 1), .change(.added, row: 2)])
    #expect(
      try write([page("a", 1, "one"), page("b", 2, "two", title: "T"), page("c", 3, "three")])
        == [.change(.unchanged, row: 1), .change(.relabelled, row: 2), .change(.added, row: 3)])
    #expect(try write([page("a", 1, "uno")]) == [.change(.updated, row: 1)])
    #expect(try write([page("a", 1, "mine")], source: "other") == [.foreign(source: "s")])
    let store = try PageStore(path: path, access: .readOnly)
    #expect(try store.page(id: "a")?.text == "uno")
    #expect(try store.page(id: "b")?.title == "T")
  }

  @Test func theFullTextIndexFollowsEveryChange() throws {
    try write([page("a", 1, "the ferry"), page("b", 2, "the lamp")])
    try write([page("a", 1, "the lighthouse")])
    let store = try PageStore(path: path, access: .readOnly)
    #expect(try store.found("ferry").isEmpty)
    #expect(try store.found("lighthouse") == ["a"])
    try PageStore(path: path, access: .readWrite).connection.execute(
      "INSERT INTO page_text (page_text, rank) VALUES ('integrity-check', 1)")
  }

  @Test func nothingBehindTheGateIsFound() throws {
    try write((1...9).map { page("p\($0)", $0, "canary \($0)") })
    let store = try PageStore(path: path, access: .readOnly)
    #expect(try store.found("canary", gate: 3) == ["p1", "p2", "p3"])
    #expect(try store.found("canary", limit: 2) == ["p1", "p2"])
  }

  @Test func aSourcesMissingPagesAreRemovedAndNoOthers() throws {
    try write([page("a", 1, "x"), page("b", 2, "y")])
    try write([page("z", 1, "z")], source: "other")
    let store = try PageStore(path: path, access: .readWrite)
    let writer = try store.writer()
    #expect(try writer.removePages(of: "s", except: [1], isDryRun: true) == ["b"])
    #expect(try store.pageCount() == 3)
    try writer.begin()
    #expect(try writer.removePages(of: "s", except: [1], isDryRun: false) == ["b"])
    try writer.commit()
    var ids: [String] = []
    try store.forEachPage { ids.append($0.id) }
    #expect(ids == ["a", "z"])
  }

  @Test func aBatchThatIsNotCommittedIsNotThere() throws {
    try write([page("a", 1, "x")])
    do {
      let writer = try PageStore(path: path, access: .readWrite).writer()
      try writer.begin()
      _ = try writer.write(page("b", 2, "y"), id: "b", pageIndex: 2, source: "s", isDryRun: false)
    }
    #expect(try PageStore(path: path, access: .readOnly).pageCount() == 1)
  }

  @Test func aReaderSeesTheLastBatchWhileAnotherIsWritten() throws {
    try write([page("a", 1, "x")])
    let store = try PageStore(path: path, access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    _ = try writer.write(page("b", 2, "y"), id: "b", pageIndex: 2, source: "s", isDryRun: false)
    #expect(try PageStore(path: path, access: .readOnly).pageCount() == 1)
    try writer.commit()
    #expect(try PageStore(path: path, access: .readOnly).pageCount() == 2)
  }

  @Test func whatIsNotOurDatabaseIsRefusedAndLeftAsItIs() throws {
    let text = Data(String(repeating: "not a database\n", count: 100).utf8)
    try text.write(to: URL(fileURLWithPath: path))
    #expect(throws: GibseyError.notADatabase(path: path, reason: "file is not a database")) {
      try PageStore(path: path, access: .readWrite)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == text)
    #expect(throws: GibseyError.noDatabase(path: path + "x")) {
      try PageStore(path: path + "x", access: .readOnly)
    }
  }

  @Test func aNewerSchemaAndAnotherProgramsFileAreRefused() throws {
    try write([page("a", 1, "x")])
    let connection = try PageStore(path: path, access: .readWrite).connection
    try connection.execute("PRAGMA user_version = 99")
    #expect(throws: GibseyError.newerDatabase(path: path, version: 99, supported: 9)) {
      try PageStore(path: path, access: .readWrite)
    }
    let other = folder.path + "/other.db"
    try Connection(path: other, access: .write(busyTimeoutMilliseconds: 0)).execute("CREATE TABLE t (x)")
    #expect(throws: GibseyError.notADatabase(path: other, reason: "it is another program's SQLite file")) {
      try PageStore(path: other, access: .readWrite)
    }
  }

  @Test func anOlderSchemaIsBroughtUpByWhoeverWritesAndNamedByWhoeverReads() throws {
    do {
      let old = try Connection(path: path, access: .write(busyTimeoutMilliseconds: 0))
      for migration in Schema.migrations.prefix(6) { try old.execute(migration) }
      try old.execute("PRAGMA application_id = \(Schema.applicationID); PRAGMA user_version = 6")
    }
    let error = GibseyError.olderDatabase(path: path, version: 6, supported: 9)
    #expect(throws: error) { try PageStore(path: path, access: .readOnly) }
    #expect(error.message == "\(path): made by an older gibsey (schema 6, this one reads 9)")
    #expect(error.hint == "bring it up to date with `gibsey-index --database FILE --upgrade`")
    _ = try PageStore(path: path, access: .readWrite)
    #expect(try PageStore(path: path, access: .readOnly).pageCount() == 0)
  }

  @Test func whatPagesTookIsGivenBackWhenTheyAreGone() throws {
    func index(_ ids: ClosedRange<Int>) throws -> Int {
      let store = try PageStore(path: path, access: .readWrite)
      let writer = try store.writer()
      try writer.begin()
      var kept: Set<Int> = []
      for number in ids {
        let text = String(repeating: "word\(number) ", count: 300)
        let outcome = try writer.write(
          page("p\(number)", number, text), id: "p\(number)", pageIndex: number, source: "s", isDryRun: false)
        if case .change(_, let row) = outcome { kept.insert(row) }
      }
      _ = try writer.removePages(of: "s", except: kept, isDryRun: false)
      try writer.commit()
      try writer.finish()
      #expect(try store.connection.integer("PRAGMA freelist_count") == 0)
      #expect(try store.check().isEmpty)
      return try store.status().fileBytes
    }
    let (many, few) = (try index(1...2000), try index(1...100))
    #expect(few < many / 2, "\(few) of \(many) bytes are left")
  }

  @Test func flippedBitsGiveErrorsAndNeverACrash() throws {
    try write((1...40).map { page("p\($0)", $0, String(repeating: "word\($0) ", count: 40)) })
    let sound = try Data(contentsOf: URL(fileURLWithPath: path))
    var generator = SeededGenerator(seed: 11)
    let damaged = folder.path + "/damaged.db"
    for round in 0..<200 {
      var bytes = sound
      if round % 4 == 0 { bytes = bytes.prefix(Int.random(in: 0..<sound.count, using: &generator)) }
      for _ in 0..<Int.random(in: 1...20, using: &generator) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
      try bytes.write(to: URL(fileURLWithPath: damaged))
      do {
        let store = try PageStore(path: damaged, access: .readOnly)
        _ = try store.found("word3 word7", gate: 30, limit: 10)
        try store.forEachPage { _ in }
        _ = try store.status()
      } catch is GibseyError {}  // any other error, or a crash, fails the test
    }
  }
}
