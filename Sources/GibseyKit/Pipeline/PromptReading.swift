// Whether a provider read all that it was sent: its count of tokens against ours.

/// What a provider says that it read of a prompt, beside what it was sent.
public struct PromptReading: Sendable, Equatable {
  /// A shorter prompt is never cut, and its template weighs more than its words.
  private static let leastWords = 64

  public let readTokens: Int
  /// Estimated as gibsey-context estimates, with a factor of 1; or counted by the provider.
  public let sentTokens: Int
  /// Fewer tokens than this cannot be the whole prompt.
  private let leastTokens: Int

  /// - Parameter countedTokens: what the provider's own counter said, if it was asked.
  init(of prompt: Prompt, readTokens: Int, countedTokens: Int?) {
    self.readTokens = readTokens
    sentTokens = countedTokens ?? prompt.plainEstimate
    let words = prompt.messages.reduce(0) { $0 + TokenEstimate.words(in: $1.content) }
    let least = countedTokens.map { $0 - $0 / 8 } ?? words
    leastTokens = words < Self.leastWords ? 0 : least
  }

  /// Tokens read for each token sent: what `--token-factor` takes, as long as nothing was cut.
  public var ratio: Double {
    (Double(readTokens) / Double(max(1, sentTokens)) * 100).rounded() / 100
  }

  /// Whether the ratio says something about the model: all of a prompt of some length was read.
  public var isMeasure: Bool { leastTokens > 0 && !isCut }

  /// Whether the provider cut the prompt: no tokenizer makes fewer tokens than there are words.
  public var isCut: Bool { readTokens < leastTokens }
}

extension Prompt {
  /// The tokens that the messages will be: what their maker told, or the estimate.
  var estimatedTokens: Int { tokens?.total ?? plainEstimate }

  /// The estimate for the messages, whatever their maker told.
  var plainEstimate: Int {
    messages.reduce(TokenEstimate.promptOverhead) {
      $0 + TokenEstimate.messageOverhead + TokenEstimate.tokens(of: $1.content)
    }
  }
}
