// Questions as FTS5 expressions.
import Testing

@testable import GibseyKit

@Suite struct KeywordQueryTests {
  @Test(arguments: [
    ("What is consciousness?", #""consciousness""#),
    ("Who is Jack Parlance's father?", #""jack" OR "parlance" OR "father""#),
    ("who are you", #""who" OR "are" OR "you""#),
    ("AND OR NOT NEAR(x) \"q\" a* ^b {c}: -d", #""near" OR "x" OR "q" OR "b" OR "c""#),
    ("Überfahrt im Eis, 1965!", #""überfahrt" OR "im" OR "eis" OR "1965""#),
    ("Ferry ferry FERRY", #""ferry""#),
  ])
  func wordsAreQuotedAndStopWordsDropped(question: String, expression: String) {
    #expect(KeywordQuery(question: question).matchExpression == expression)
  }

  @Test(arguments: ["", "?!", "…—«»", "🚢🚢", "\u{0}"]) func withoutWordsThereIsNoExpression(question: String) {
    #expect(KeywordQuery(question: question).matchExpression == nil)
  }

  @Test func aMegabyteOfWordsIsCutToTheLimit() {
    let question = (0..<150_000).map { "w\($0)" }.joined(separator: " ")
    #expect(KeywordQuery(question: question).terms.count == KeywordQuery.termLimit)
  }

  @Test func noQuestionIsASyntaxError() throws {
    let folder = TemporaryFolder()
    let store = try PageStore(path: folder.path + "/s.db", access: .readWrite)
    var random = SeededGenerator(seed: 5)
    let parts = [
      "AND", "OR", "NEAR(", "\"", "'", "*", "^", ":", "{", "}", "(", ")", "-", "+", ",", "x", "é", "\0", "🚢", "NOT",
    ]
    for _ in 0..<3_000 {
      let question = (0..<8).map { _ in parts.randomElement(using: &random)! }.joined(separator: " ")
      guard let match = KeywordQuery(question: question).matchExpression else { continue }
      #expect(throws: Never.self, "seed 5: \(question)") {
        try store.termCounts(match)
      }
    }
  }
}
