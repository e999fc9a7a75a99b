// Blocks of tokens, and parts of them.
import Testing

@testable import GibseyKit

struct AnswerBatchTests {
  private static func batch(_ tokens: [String]) -> AnswerBatch {
    var batch = AnswerBatch()
    for token in tokens { batch.token { $0 += Array(token.utf8) } }
    return batch
  }

  @Test func aDividedBlockIsTheSameTokensInTheSameOrder() {
    let tokens = ["A ", "lan", "tern", " é𝄞", "."]
    for count in 1...4 {
      let (first, rest) = Self.batch(tokens).divided(after: count)
      #expect(first.tokens == Array(tokens[..<count]))
      #expect(rest.tokens == Array(tokens[count...]))
    }
  }

  @Test(arguments: [0, -1, 5, 6]) func whatCannotBeDividedIsWhole(_ count: Int) {
    let tokens = ["A ", "lan", "tern", " é𝄞", "."]
    let (first, rest) = Self.batch(tokens).divided(after: count)
    #expect(first.tokens == tokens)
    #expect(rest.isEmpty)
  }

  @Test func whatIsNoTokenIsToldOnce() {
    var batch = Self.batch(["A ", "lantern."])
    batch.notices = ["odd"]
    batch.reasoning = "Hm."
    let (first, rest) = batch.divided(after: 1)
    #expect(first.notices == ["odd"] && first.reasoning == "Hm.")
    #expect(rest.notices.isEmpty && rest.reasoning.isEmpty)
  }
}
