// Everything that is counted, in the tokens of another model.
import Testing

@testable import GibseyKit

@Suite struct TokenFactorTests {
  private func prompt(_ shares: TokenShares) -> Prompt {
    Prompt(
      prompt: "x", messages: [Message(role: .user, content: "x")],
      pages: [PromptPage(id: "1", title: nil, score: 0, tokens: 101, reasons: JSONObject(), isExcerpt: false)],
      tokens: shares, leftOut: [LeftOut(kind: "page", id: "2", reason: "no room", tokens: 10)])
  }

  @Test func `a factor of one changes nothing`() {
    let prompt = prompt(TokenShares(budget: 6000, total: 5999, persona: 1, pages: 5000, history: 7, query: 991))
    #expect(TokenFactor(1).estimated(6000) == 6000)
    #expect(TokenFactor(1).real(prompt, budgetTokens: 6000) == prompt)
  }

  @Test(arguments: [0.3, 0.87, 1.0, 1.1, 1.3, 2.5]) func `shares add up and stay in the budget`(value: Double) {
    let factor = TokenFactor(value)
    for budget in [800, 6000, 8191] {
      let total = factor.estimated(budget)
      let shares = TokenShares(
        budget: total, total: total, persona: total / 7, pages: total / 3, history: total / 5,
        query: total - total / 7 - total / 3 - total / 5)
      guard let real = factor.real(prompt(shares), budgetTokens: budget).tokens else { continue }
      #expect(real.budget == budget)
      #expect(real.total <= budget)
      #expect(real.persona + real.pages + real.history + real.query == real.total)
    }
  }

  @Test func `what is told about pages is in the same tokens`() {
    let shares = TokenShares(budget: 1, total: 1, persona: 1, pages: 0, history: 0, query: 0)
    let real = TokenFactor(1.5).real(prompt(shares), budgetTokens: 6000)
    #expect(real.pages[0].tokens == 152)
    #expect(real.leftOut[0].tokens == 15)
    #expect(
      TokenFactor(2).real(GibseyError.budgetTooSmall(budgetTokens: 50, neededTokens: 60), budgetTokens: 100)
        as? GibseyError == .budgetTooSmall(budgetTokens: 100, neededTokens: 120))
  }
}
