// What a stranger may be told of a failure: no paths, no addresses, nothing of what a provider said of its own affairs.

extension GibseyError {
  /// The sentence for somebody who is not the one that runs the program.
  public var publicMessage: String {
    switch self {
    case .emptyQuestion, .unknownCharacter, .unknownPage, .budgetTooSmall, .questionTooLong, .promptBeyondLine,
      .wrongRecord, .timedOut, .upstreamFailed,
      .knowledgeOfNobody, .unknownSession, .sessionForgotten, .unknownTurn, .turnOfAnotherCharacter, .nothingToRetry,
      .questionWithoutVector,
      .emptyAnswer, .falseCitation, .interrupted:
      message
    case .ofLine(_, _, let error), .brokeOff(let error): error.publicMessage
    case .malformedInput(_, _, let reason): reason
    case .lineTooLong(_, _, let limit): "longer than \(limit) bytes"
    case .usage(let what, _): what
    case .noSuchFile, .cannotRead, .nothingToRead, .noDatabase, .notADatabase, .damagedSchema, .newerDatabase,
      .olderDatabase, .emptyDatabase, .textTooLong,
      .databaseReadOnly, .databaseFull, .databaseFailed, .cannotCreate, .syncRefused, .dimensionsChanged,
      .embedderMisbehaved, .embedderDiffers:
      "the story cannot be read now"
    case .databaseBusy: "the story is being written to; try again"
    case .noEmbeddingModel, .badEmbeddingModel, .otherEmbeddingModel: "pages cannot be found by meaning now"
    case .badSetting, .keyWithheld, .unsafeSettingsFile: "the server's settings are wrong"
    case .noProvider: "no provider can answer"
    case .libraryMissing, .cannotWrite, .readerLeft, .ourBug, .tooFewDescriptors, .tooFewThreads:
      "a fault of the server"
    case .cannotReach(let provider, _, _, _): "\(provider) cannot be reached"
    case .keyMissing(let provider, _), .keyUnavailable(let provider, _, _), .keyRefused(let provider, _, _):
      "\(provider) has no key that it takes"
    case .modelMissing(let provider, _, _): "\(provider) has no such model"
    case .requestRefused(let provider, _, _): "\(provider) refused the request"
    case .rateLimited(let provider, _, _): "\(provider): too many requests"
    case .quotaExhausted(let provider, _): "\(provider): no quota left"
    case .providerFailed(let provider, _, _, _): "\(provider) failed"
    case .promptCut(let provider, _, _, _): "\(provider) read only a part of the prompt"
    case .promptTooLong(let provider, _): "\(provider): the prompt is too long"
    case .refusedToAnswer(let provider, _): "\(provider) refused to answer"
    case .streamCut(let provider, _): "\(provider): the answer was cut off"
    }
  }
}
