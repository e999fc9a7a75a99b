// Where windows begin and end, what a fingerprint says, and the mean of windows.
import Testing

@testable import GibseyKit

@Suite struct EmbeddingWindowsTests {
  @Test func aTextThatFitsIsOneWindow() {
    let windows = EmbeddingWindows(length: 12, stride: 5, limit: 9)
    #expect(windows.ranges(count: 0) == [0..<0])
    #expect(windows.ranges(count: 10) == [0..<10])
  }

  @Test func everyWindowOfALongTextIsFullAndTheLastEndsWithIt() {
    let windows = EmbeddingWindows(length: 12, stride: 5, limit: 9)
    #expect(windows.ranges(count: 11) == [0..<10, 1..<11])
    #expect(windows.ranges(count: 20) == [0..<10, 5..<15, 10..<20])
    #expect(windows.ranges(count: 22) == [0..<10, 5..<15, 10..<20, 12..<22])
  }

  @Test func theLimitCutsTheEnd() {
    #expect(EmbeddingWindows(length: 12, stride: 5, limit: 2).ranges(count: 100) == [0..<10, 5..<15])
    #expect(EmbeddingWindows.firstOnly.ranges(count: 1000) == [0..<254])
  }

  @Test func windowsWithoutAnOverlapAreAsEqualAsTheyCanBe() {
    let windows = EmbeddingWindows(length: 12, stride: 10, limit: 3)
    #expect(windows.ranges(count: 11) == [0..<5, 5..<11])
    #expect(windows.ranges(count: 30) == [0..<10, 10..<20, 20..<30])
    #expect(windows.ranges(count: 31) == [0..<10, 10..<20, 20..<30])
  }

  @Test func aWindowsPartsLeaveOutItsMarksAndComeNearTheSpan() {
    let parts = EmbeddingWindows(length: 128, stride: 126, limit: 9, span: 48)
    #expect(parts.bounds(count: 126) == [1, 43, 85, 127])
    #expect(parts.bounds(count: 71) == [1, 72])
    #expect(parts.bounds(count: 72) == [1, 37, 73])
    #expect(parts.bounds(count: 0) == [0, 2])
    #expect(EmbeddingWindows.firstOnly.bounds(count: 9) == [0, 11])
  }

  @Test func sizesThatCannotBeAreMovedToTheNearest() {
    #expect(EmbeddingWindows(length: 0, stride: 0, limit: 0) == EmbeddingWindows(length: 3, stride: 1, limit: 1))
    #expect(EmbeddingWindows(length: 10, stride: 99, limit: 1).stride == 8)
    #expect(EmbeddingWindows.standard.description == "128/126/128/126")
  }

  @Test func fingerprintsAreOneLineThatIsEqualOnlyWhenTheyAre() {
    func made(_ model: String, _ prefix: String) -> EmbeddingFingerprint {
      EmbeddingFingerprint(model: model, revision: "", dimensions: 3, windows: "", prefix: prefix)
    }
    #expect(made("m", "query: ").description == "m 3  query:%20")
    #expect(made("a b@%\n", "").description == "a%20b%40%25%0a 3")
    #expect(made("a ", "").description != made("a%20", "").description)
  }

  @Test func theWholeIsTheMeanOfTheWindowsByTheirPieces() throws {
    let x = try #require(UnitVector(normalizing: [5, 0]))
    let y = try #require(UnitVector(normalizing: [0, 0.1]))
    #expect(x.components == [1, 0] && y.components == [0, 1])
    let both = TextEmbedding(windows: [x, y], pieces: [4, 3], isTruncated: false)
    #expect(both.whole.components == [0.8, 0.6])
    let opposite = try #require(UnitVector(normalizing: [-1, 0]))
    #expect(TextEmbedding(windows: [x, opposite], pieces: [1, 1], isTruncated: false).whole == x)
  }

  @Test func numbersWithoutADirectionAreNoVector() {
    for numbers: [Float] in [[], [0, 0], [.nan, 1], [.infinity, 1], [1, -.infinity]] {
      #expect(UnitVector(normalizing: numbers) == nil)
    }
    #expect(UnitVector(normalizing: [1e30, 0])?.components == [1, 0])
    #expect(UnitVector(normalizing: [0, -1e-30])?.components == [0, -1])
  }
}
