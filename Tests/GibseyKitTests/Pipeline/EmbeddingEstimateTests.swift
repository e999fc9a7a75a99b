// What a dry run counts.
import Testing

@testable import GibseyKit

@Suite struct EmbeddingEstimateTests {
  private let folder = TemporaryFolder()

  /// What is told of pages x1 (new, a text that has vectors), p2 (replaced), x3 and x4 (new, of one text), and those stored.
  private func estimate(of fingerprint: String?) throws -> EmbeddingEstimate {
    let scene = try TortureScene(folder.path + "/story.db")
    let store = try PageStore(path: scene.path, access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    let page = Page(id: "bare", title: nil, pageIndex: 99, text: "No vector came.")
    _ = try writer.write(page, id: "bare", pageIndex: 99, source: "s", isDryRun: false)
    try writer.commit()
    let row = try store.embedders().first { $0.fingerprint == fingerprint }
    var estimate = EmbeddingEstimate(store: store, embedder: row)
    for (id, text) in [("x1", TortureScene.text(1)), ("p2", "Changed."), ("x3", "Twice."), ("x4", "Twice.")] {
      try estimate.add(text, ofPage: id)
    }
    try estimate.addStored()
    return estimate
  }

  @Test func aTextIsCountedOnceAndOnlyIfItHasNoVectors() throws {
    let estimate = try estimate(of: "given 32")
    #expect(estimate.sample == ["Changed.", "Twice.", "No vector came."])
    #expect(estimate.texts == 3)
    #expect(estimate.characters == 29)
    #expect(estimate.tokens == estimate.sample.reduce(0) { $0 + TokenEstimate.tokens(of: $1) })
  }

  @Test func anEmbedderThatIsNewIsGivenEverythingThatStays() throws {
    let estimate = try estimate(of: nil)
    // Sixty pages, of which one is replaced and one has the text of x1; two new texts; one without a vector; x1's.
    #expect(estimate.texts == 59 + 2 + 1)
    #expect(estimate.sample.count == 8)
    #expect(!estimate.sample.contains(TortureScene.text(2)))
  }
}
