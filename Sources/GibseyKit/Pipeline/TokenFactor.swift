// A model whose tokenizer makes more, or fewer, tokens than the estimate: one factor on everything that is counted.

/// Tokens of a model for each token of our estimate. The builder works in its own tokens, within a smaller or larger budget;
/// what it tells is then put into the model's.
struct TokenFactor: Sendable, Equatable {
  let value: Double

  init(_ value: Double) { self.value = value }

  /// The budget in estimated tokens.
  func estimated(_ tokens: Int) -> Int { Int((Double(tokens) / value).rounded(.down)) }

  /// Estimated tokens in the model's own.
  func real(_ tokens: Int) -> Int { Int((Double(tokens) * value).rounded(.up)) }

  /// The account of a prompt in the model's tokens. The shares still add up to the total, and that stays in the budget.
  func real(_ prompt: Prompt, budgetTokens: Int) -> Prompt {
    var prompt = prompt
    if let shares = prompt.tokens {
      var sum = 0
      var sumReal = 0
      let all = [
        shares.persona, shares.pages, shares.history, shares.query, shares.lore ?? 0, shares.samples ?? 0,
      ]
      let parts = all.map { part in
        sum += part
        defer { sumReal = real(sum) }
        return real(sum) - sumReal
      }
      prompt.tokens = TokenShares(
        budget: budgetTokens, total: real(shares.total), persona: parts[0], pages: parts[1], history: parts[2],
        query: parts[3], lore: shares.lore.map { _ in parts[4] }, samples: shares.samples.map { _ in parts[5] })
    }
    for index in prompt.pages.indices { prompt.pages[index].tokens = real(prompt.pages[index].tokens) }
    for index in prompt.samples.indices { prompt.samples[index].tokens = real(prompt.samples[index].tokens) }
    for index in prompt.lore.indices { prompt.lore[index].tokens = real(prompt.lore[index].tokens) }
    for index in prompt.turns.indices { prompt.turns[index].tokens = real(prompt.turns[index].tokens) }
    for index in prompt.leftOut.indices { prompt.leftOut[index].tokens = prompt.leftOut[index].tokens.map { real($0) } }
    return prompt
  }

  /// A failure of the builder in the model's tokens.
  func real(_ error: any Error, budgetTokens: Int) -> any Error {
    switch error as? GibseyError {
    case .budgetTooSmall(_, let needed):
      GibseyError.budgetTooSmall(budgetTokens: budgetTokens, neededTokens: real(needed))
    case .questionTooLong(let question, let room):
      GibseyError.questionTooLong(questionTokens: real(question), roomTokens: real(room))
    default: error
    }
  }
}
