// Indexing as a whole: folders, batches, a kill in the middle; and that no page behind the gate gets out.
import Foundation
import Testing

@testable import GibseyKit

@Suite struct IndexingTests {
  private let folder = TemporaryFolder()

  private func write(_ name: String, _ text: String) throws {
    let path = folder.path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private func index(
    _ path: String, _ change: (inout Indexing.Options) -> Void = { _ in },
    page: @escaping (PageIndexed) throws -> Void = { _ in }
  ) throws -> IndexSummary {
    var options = Indexing.Options()
    change(&options)
    let store = try PageStore(path: folder.path + "/s.db", access: .readWrite)
    let listeners = Indexing.Listeners(page: page, problem: { _ in }, progress: { _ in })
    let indexing = try Indexing(store: store, options: options, listeners: listeners, now: { 0 })
    return try indexing.run([PageSource(path: folder.path + "/" + path, name: path)], reading: ReadingOptions()).summary
  }

  private func pages() throws -> [(id: String, index: Int, title: String?)] {
    var found: [(String, Int, String?)] = []
    try PageStore(path: folder.path + "/s.db", access: .readOnly).forEachPage {
      found.append(($0.id, $0.pageIndex, $0.title))
    }
    return found
  }

  @Test func aFolderIsReadInNaturalOrderAndAFileAddedRenamesNoOther() throws {
    try write("book/chapter-2.md", "---\nmood: grey\nmotifs: [ice, lamp]\n---\n# Two\nText two.")
    try write("book/chapter-10.md", "Text ten.")
    try write("book/README.md", "Not of the book.")
    try write("book/.hidden.md", "Hidden.")
    #expect(try index("book").counts[.added] == 2)
    #expect(try pages().map(\.id) == ["book/chapter-2.md/1", "book/chapter-10.md/1"])
    try write("book/chapter-1.txt", "Text one.")
    let summary = try index("book")
    #expect(summary.counts == [.added: 1, .relabelled: 2])
    #expect(try pages().map(\.id) == ["book/chapter-1.txt/1", "book/chapter-2.md/1", "book/chapter-10.md/1"])
    let page = try PageStore(path: folder.path + "/s.db", access: .readOnly).page(id: "book/chapter-2.md/1")
    #expect(page?.title == "Two")
    #expect(page?.motifs == ["ice", "lamp"])
    #expect(page?.metadata["mood"] == .string("grey"))
  }

  @Test func aRunThatIsCutOffKeepsWholeBatchesAndTheNextFinishes() throws {
    struct Cut: Error {}
    try write("s.jsonl", (1...25).map { "{\"id\":\"\($0)\",\"text\":\"t\($0)\"}\n" }.joined())
    var seen = 0
    #expect(throws: Cut.self) {
      try index("s.jsonl") {
        $0.batchPages = 10
      } page: { _ in
        seen += 1
        if seen == 17 { throw Cut() }
      }
    }
    let kept = try pages().count
    #expect(kept > 0 && kept < 17)
    let store = try PageStore(path: folder.path + "/s.db", access: .readOnly)
    let found = try (1...25).filter { try !store.found("t\($0)", limit: 1).isEmpty }.count
    #expect(found == kept)
    #expect(try index("s.jsonl").counts == [.added: 25 - kept, .unchanged: kept])
  }

  @Test func aSyncIsAllOrNothing() throws {
    try write("s.jsonl", "{\"id\":\"1\",\"text\":\"a\"}\n{\"id\":\"2\",\"text\":\"b\"}\n")
    _ = try index("s.jsonl")
    try write("s.jsonl", "{\"id\":\"1\",\"text\":\"changed\"}\n{\"id\":\"3\",\"text\":\"c\"}\nbroken\n")
    #expect(throws: GibseyError.syncRefused(source: "s.jsonl", reason: "1 of its pages could not be indexed")) {
      try index("s.jsonl") { $0.isSync = true }
    }
    #expect(try pages().map(\.id) == ["1", "2"])
    #expect(try PageStore(path: folder.path + "/s.db", access: .readOnly).page(id: "1")?.text == "a")
    try write("s.jsonl", "{\"id\":\"1\",\"text\":\"changed\"}\n{\"id\":\"3\",\"text\":\"c\"}\n")
    #expect(try index("s.jsonl") { $0.isSync = true }.counts == [.added: 1, .updated: 1, .removed: 1])
  }

  @Test func nothingOfAPageBehindTheGateIsInAnyPrompt() throws {
    let lines = (1...60).map { number in
      "{\"id\":\"p\(number)\",\"title\":\"Title\(number)\",\"text\":\"The lamp and the ferry. \(number > 30 ? "CANARY" : "open") \(number)\"}\n"
    }
    try write("s.jsonl", lines.joined())
    _ = try index("s.jsonl")
    let store = try PageStore(path: folder.path + "/s.db", access: .readOnly)
    let building = try ContextBuilding(
      store: store, searching: Searching(store: store), defaults: ContextBuilding.Defaults())
    for number in 1...30 {
      for question in ["lamp", "canary", "Title45 ferry", "What happens after page 30?"] {
        let request = ChatRequest(prompt: question, currentPageID: "p\(number)")
        let prompt = String(decoding: RecordCoder.encode(.prompt(try building.prompt(for: request))), as: UTF8.self)
        #expect(!prompt.contains("CANARY"))
        for later in (number + 1)...60 where !question.contains("\(later)") {
          #expect(!prompt.contains("\"p\(later)\"") && !prompt.contains("[page p\(later)]"))
        }
        #expect(try building.hits(for: request, limit: 60).allSatisfy { $0.pageIndex <= number })
      }
    }
    var defaults = ContextBuilding.Defaults()
    defaults.isWholeBook = true
    let whole = try ContextBuilding(store: store, searching: Searching(store: store), defaults: defaults)
    #expect(try whole.hits(for: ChatRequest(prompt: "canary", currentPageID: "p1"), limit: 60).count == 30)
  }
}
