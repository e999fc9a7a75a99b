// How much of a question a page covers, word by word.
import Testing

@testable import GibseyKit

@Suite struct WordCoverageTests {
  /// Words whose nearness is written down, in two dimensions.
  private struct WrittenWords: WordVectors {
    let name = "written"
    let vectors: [String: [Float]]
    private var words: [String] { vectors.keys.sorted() }
    func vector(ofWord word: String) -> [Float]? { vectors[word] }
    func spelling(ofWord word: String) -> [Int32] { words.firstIndex(of: word).map { [Int32($0)] } ?? [] }
    func length(ofSpelling spelling: [Int32]) -> Float { spelling.isEmpty ? 0 : 1 }
    func cosines(of numbers: [Int32], in spelled: SpelledWords, with others: [Float], count: Int) -> [Float] {
      numbers.flatMap { place -> [Float] in
        guard let number = spelled[Int(place)].first, let vector = vectors[words[Int(number)]] else {
          return [Float](repeating: 0, count: count)
        }
        return (0..<count).map { other in (0..<2).reduce(0) { $0 + vector[$1] * others[other * 2 + $1] } }
      }
    }
  }

  private func coverage(
    _ terms: [String], _ counts: TermCounts, _ words: WrittenWords? = nil, usesMeaning: Bool = true
  ) -> WordCoverage {
    WordCoverage(terms: terms, counts: counts, vocabulary: Vocabulary(words), usesMeaning: usesMeaning)
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
    var coverage = coverage(["ferry", "walks"], counts)
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
    var coverage = coverage(["ferry"], TermCounts(terms: 1, pages: 10), words)
    #expect(abs(coverage.share(ofPage: 1, text: "A boat left.") - 0.6) < 1e-6)
    // What is opposite counts nothing, and neither does a word of every question.
    #expect(coverage.share(ofPage: 2, text: "The stone.") == 0)
    #expect(coverage.share(ofPage: 3, text: "A boat; the ferry.") == 1)
    // A word that was met on another page is remembered.
    #expect(abs(coverage.share(ofPage: 4, text: "boat boat BOAT") - 0.6) < 1e-6)
    var byLetters = self.coverage(["ferry"], TermCounts(terms: 1, pages: 10), words, usesMeaning: false)
    #expect(byLetters.share(ofPage: 1, text: "A boat left.") == 0)
    #expect(byLetters.share(ofPage: 2, text: "The ferry left.") == 1)
  }

  @Test func aWordIsTheTermHoweverItsCharactersAreWritten() {
    let (composed, apart) = ("caf\u{E9}", "cafe\u{301}")
    for (term, text) in [(composed, apart), (apart, composed), (composed, composed), (apart, apart)] {
      var coverage = coverage(["lamp", term], TermCounts(terms: 2, pages: 10))
      #expect(coverage.share(ofPage: 1, text: "The \(text)!") == 0.5, "\(term.unicodeScalars) \(text.unicodeScalars)")
    }
  }

  @Test func oneVocabularyServesManyQuestionsAndNumbersAWordOnce() {
    let vocabulary = Vocabulary(WrittenWords(vectors: ["ferry": [1, 0], "boat": [0.6, 0.8], "lamp": [0, 1]]))
    let page = vocabulary.numbers(of: "A boat, the boat; a lamp. BOAT")
    #expect(page == [0, 1, 2, 3], "a boat the lamp")
    #expect(vocabulary.numbers(of: "the lamp of the boat") == [2, 3, 4, 1])
    #expect(vocabulary.count == 5)
    for (term, share) in [("ferry", 0.6), ("lamp", 1.0), ("stone", 0)] {
      var coverage = WordCoverage(terms: [term], counts: TermCounts(terms: 1, pages: 10), vocabulary: vocabulary)
      #expect(abs(coverage.share(ofPage: 1, words: page) - share) < 1e-6)
    }
  }

  @Test func neighboursThatStandCloseCountByTheCommonerOne() {
    let three = close(
      TermCounts(terms: 3, rows: [1, 2], counts: [1, 1, 1, 1, 1, 1], pages: 9, words: 90), [0b01, 0b11])
    let coverage = coverage(["a", "b", "c"], three)
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
    var coverage = coverage(["w9999"], TermCounts(terms: 1, pages: 3))
    let text = (0..<20_000).map { "w\($0)" }.joined(separator: " ")
    #expect(coverage.share(ofPage: 1, text: text) == 1)
    #expect(coverage.share(ofPage: 2, text: text) == 1)
    #expect(coverage.share(ofPage: 3, text: "w1 w2") == 0)
  }
}
