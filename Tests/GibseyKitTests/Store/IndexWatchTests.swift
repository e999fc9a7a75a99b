// What became of the pages between two looks, and what of that a reader may know.
import Foundation
import Testing

@testable import GibseyKit

@Suite struct IndexWatchTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.path + "/story.db" }

  private func write(_ pages: [Page], to path: String? = nil, isWhole: Bool = false) throws {
    let writer = try PageStore(path: path ?? self.path, access: .readWrite).writer()
    try writer.begin()
    var kept: Set<Int> = []
    for page in pages {
      let outcome = try writer.write(page, id: page.id!, pageIndex: page.pageIndex!, source: "s", isDryRun: false)
      if case .change(_, let row) = outcome { kept.insert(row) }
    }
    if isWhole { _ = try writer.removePages(of: "s", except: kept, isDryRun: false) }
    try writer.commit()
  }

  private static func page(_ id: String, _ place: Int, _ text: String = "A lantern.", title: String? = nil) -> Page {
    Page(id: id, title: title, pageIndex: place, text: text)
  }

  /// As in `b updated`, as somebody sees it.
  private static func told(_ change: IndexChange?, _ sight: IndexChange.Sight = .wholeBook) -> [String] {
    (change?.pages ?? []).compactMap { page in page.seen(by: sight).map { "\(page.id) \($0.rawValue)" } }
  }

  @Test func whatAnIndexerDidIsToldOnceInReadingOrder() async throws {
    try write([Self.page("a", 1), Self.page("b", 2), Self.page("c", 3), Self.page("d", 4)])
    let watch = try IndexWatch(path: path)
    #expect(try await watch.look() == nil, "the first look only remembers")
    #expect(try await watch.look() == nil)
    try write(
      [Self.page("a", 1), Self.page("b", 2, "A boat."), Self.page("d", 4, title: "Boats"), Self.page("e", 5)],
      isWhole: true)
    let change = try await watch.look()
    #expect(Self.told(change) == ["b updated", "c removed", "d relabelled", "e added"])
    #expect(change?.pageCount == 4)
    #expect(change?.hasNewEmbedder == false)
    #expect(try await watch.look() == nil)
  }

  @Test(arguments: ["title", "character", "section", "motifs", "metadata", "place"])
  func everyLabelCounts(_ label: String) async throws {
    try write([Self.page("a", 1)])
    let watch = try IndexWatch(path: path)
    _ = try await watch.look()
    var page = Self.page("a", 1)
    switch label {
    case "title": page.title = "x"
    case "character": page.characterID = "x"
    case "section": page.section = "x"
    case "motifs": page.motifs = ["x"]
    case "metadata": page.metadata["x"] = .string("x")
    default: page.pageIndex = 2
    }
    try write([page])
    #expect(Self.told(try await watch.look()) == ["a relabelled"])
  }

  @Test func aConversationIsNoChangeOfTheIndex() async throws {
    try write([Self.page("a", 1)])
    let watch = try IndexWatch(path: path)
    _ = try await watch.look()
    let conversations = try ConversationStore(path: path, access: .readWrite)
    let session = try #require(SessionID("s1"))
    try conversations.advance(session, to: (id: "a", index: 1), owner: nil, at: Timestamp(microseconds: 0))
    #expect(try await watch.look() == nil)
  }

  @Test func anotherFileInItsPlaceIsSeen() async throws {
    try write([Self.page("a", 1), Self.page("b", 2)])
    let watch = try IndexWatch(path: path)
    _ = try await watch.look()
    let other = folder.path + "/other.db"
    try write([Self.page("a", 1), Self.page("c", 2)], to: other)
    for end in ["", "-wal", "-shm"] { unlink(path + end) }
    #expect(try await !watch.letGo())
    await #expect(throws: GibseyError.noDatabase(path: path)) { try await watch.look() }
    #expect(rename(other, path) == 0)
    for end in ["-wal", "-shm"] { rename(other + end, path + end) }
    #expect(try await watch.look() == nil, "whoever has the old file open is to let it go first")
    #expect(try await !watch.letGo(), "it has, and nobody else has to")
    #expect(Self.told(try await watch.look()) == ["b removed", "c added"])
  }

  @Test func aReaderIsToldOfNothingThatIsBehindTheGate() {
    let pages = [
      PageChange(id: "read", before: 2, now: 2, hasNewText: true),
      PageChange(id: "unread", before: 4, now: 4, hasNewText: true),
      PageChange(id: "comes", before: 9, now: 3, hasNewText: false),
      PageChange(id: "goes", before: 3, now: 9, hasNewText: false),
      PageChange(id: "new", before: nil, now: 4, hasNewText: true),
      PageChange(id: "lost", before: 4, now: nil, hasNewText: false),
    ]
    let change = IndexChange(pages: pages, pageCount: 9, hasNewEmbedder: false)
    #expect(Self.told(change, .upTo(before: 3, now: 3)) == ["read updated", "comes added", "goes removed"])
    #expect(Self.told(change, .upTo(before: 0, now: 0)) == [])
    #expect(
      Self.told(change) == [
        "read updated", "unread updated", "comes relabelled", "goes relabelled", "new added", "lost removed",
      ])
  }

  @Test func pagesThatShiftTellAReaderNothingOfTheNextOne() async throws {
    try write((1...5).map { Self.page("p\($0)", $0) })
    let watch = try IndexWatch(path: path)
    _ = try await watch.look()
    // One more at the front: all others go one further.
    try write([Self.page("p0", 1)] + (1...5).map { Self.page("p\($0)", $0 + 1) })
    let change = try #require(try await watch.look())
    // Somebody on p3, which is now the fourth; p4, which now stands where a gate of four would let it through, stays unknown.
    #expect(
      Self.told(change, change.sight(upTo: "p3", now: 4))
        == ["p0 added", "p1 relabelled", "p2 relabelled", "p3 relabelled"])
  }
}
