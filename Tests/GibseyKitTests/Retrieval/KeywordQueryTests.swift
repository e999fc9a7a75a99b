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

  @Test func aConnectionTellsFTS5OfItsFunctionOnceHoweverOftenItCounts() throws {
    let scene = try ConversationScene()
    try scene.say("Where is the ferry?", "Gone.", in: scene.store(), character: nil)
    let store = try PageStore(path: scene.path, access: .readOnly)
    #expect(store.connection.ranking.registrations == 0)
    for _ in 0..<3 { #expect(try store.termCounts("\"page\"").rows == [1, 2, 3]) }
    let turns = ConversationStore(store)
    let chain = try turns.chain(ChainQuery(sessionID: scene.session, characterID: nil))
    for _ in 0..<3 { #expect(try turns.termCounts("\"ferry\"", in: chain, chain.allTold).rows == [0]) }
    #expect(store.connection.ranking.registrations == 1)
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
