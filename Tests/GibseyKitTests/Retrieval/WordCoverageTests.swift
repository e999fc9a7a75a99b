// How much of a question a page covers, word by word.
import Testing

@testable import GibseyKit

@Suite struct WordCoverageTests {
  /// Words whose nearness is written down.
  private struct WrittenWords: WordVectors {
    let vectors: [String: [Float]]
    func vector(ofWord word: String) -> [Float]? { vectors[word] }
    func cosines(ofWord word: String, with others: [Float], count: Int) -> [Float] {
      guard let vector = vectors[word] else { return [Float](repeating: 0, count: count) }
      return (0..<count).map { other in (0..<2).reduce(0) { $0 + vector[$1] * others[other * 2 + $1] } }
    }
  }

  /// Ten pages; "ferry" is in two of them, "walked" in four, by its stem in page 3.
  private let counts = TermCounts(
    terms: 2, rows: [3, 5, 6, 7, 8], counts: [0, 1, 1, 1, 1, 0, 0, 1, 0, 1], pages: 10, words: 100)

  private func close(_ counts: TermCounts, _ bits: [UInt64]) -> TermCounts {
    var counts = counts
    counts.close = bits
    return counts
  }

  @Test func aWordCountsInFullAFormOfItLessAndByItsRarity() {
    var coverage = WordCoverage(terms: ["ferry", "walks"], counts: counts, words: nil)
    let rarity = counts.rarity
    let (ferry, walks) = (rarity[0] / (rarity[0] + rarity[1]), rarity[1] / (rarity[0] + rarity[1]))
    func near(_ share: Double, _ wanted: Double) -> Bool { abs(share - wanted) < 1e-6 }
    #expect(near(coverage.share(ofPage: 5, text: "The FERRY walks."), 1))
    #expect(near(coverage.share(ofPage: 3, text: "She walked on."), 0.8 * walks))
    #expect(near(coverage.share(ofPage: 6, text: "A ferry, again: the ferry."), ferry))
    #expect(near(coverage.share(ofPage: 4, text: "Nothing of it."), 0))
    #expect(ferry > walks)
  }

  @Test func aWordOfNearlyTheSameMeaningCountsForHowNearItIs() {
    let words = WrittenWords(vectors: ["ferry": [1, 0], "boat": [0.6, 0.8], "stone": [-1, 0], "the": [1, 0]])
    var coverage = WordCoverage(terms: ["ferry"], counts: TermCounts(terms: 1, pages: 10), words: words)
    #expect(abs(coverage.share(ofPage: 1, text: "A boat left.") - 0.6) < 1e-6)
    // What is opposite counts nothing, and neither does a word of every question.
    #expect(coverage.share(ofPage: 2, text: "The stone.") == 0)
    #expect(coverage.share(ofPage: 3, text: "A boat; the ferry.") == 1)
    // A word that was met on another page is remembered.
    #expect(abs(coverage.share(ofPage: 4, text: "boat boat BOAT") - 0.6) < 1e-6)
  }

  @Test func neighboursThatStandCloseCountByTheCommonerOne() {
    let three = close(
      TermCounts(terms: 3, rows: [1, 2], counts: [1, 1, 1, 1, 1, 1], pages: 9, words: 90), [0b01, 0b11])
    let coverage = WordCoverage(terms: ["a", "b", "c"], counts: three, words: nil)
    #expect(abs(coverage.closeness(ofPage: 1) - 0.5) < 1e-6)
    #expect(coverage.closeness(ofPage: 2) == 1)
    #expect(coverage.closeness(ofPage: 7) == 0)
  }

  @Test func theScannersWordsAreThoseOfTheQuestion() {
    var generator = SeededGenerator(seed: 8)
    let parts = [
      "Ferry", "l'été", "x1", "—", "“Quoted”", " ", "\n", "ÉTÉ", "日本", "a-b", "don’t", "🙂", "it's", "ﬁn", "I", ".",
    ]
    for _ in 0..<500 {
      let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        parts.randomElement(using: &generator) ?? ""
      }.joined(separator: Bool.random(using: &generator) ? " " : "")
      var seen: [String] = []
      var wordOfHash: [UInt64: String] = [:]
      WordScanner.forEachWord(of: text) { hash, word in
        let word = word()
        #expect(wordOfHash[hash] == nil || wordOfHash[hash] == word)
        wordOfHash[hash] = word
        if !seen.contains(word) { seen.append(word) }
      }
      #expect(seen == KeywordQuery.words(of: text), "\(text)")
    }
  }

  @Test func manyWordsFindTheirPlaces() {
    var coverage = WordCoverage(terms: ["w9999"], counts: TermCounts(terms: 1, pages: 3), words: nil)
    let text = (0..<20_000).map { "w\($0)" }.joined(separator: " ")
    #expect(coverage.share(ofPage: 1, text: text) == 1)
    #expect(coverage.share(ofPage: 2, text: text) == 1)
    #expect(coverage.share(ofPage: 3, text: "w1 w2") == 0)
  }
}
