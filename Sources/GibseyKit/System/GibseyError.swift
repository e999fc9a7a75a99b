// The catalogue of every way to fail: a case carries facts, its words stand beside it in GibseyError+Words.swift.

/// Everything that can go wrong, as facts. The sentence, the hint, the exit status and the stable code are computed.
public enum GibseyError: Error, Equatable, Sendable {
  // Input
  case noSuchFile(path: String)
  case cannotRead(path: String, reason: String)
  case nothingToRead(path: String)
  case malformedInput(source: String, line: Int?, reason: String)
  case lineTooLong(source: String, line: Int, limitBytes: Int)
  case wrongRecord(type: String, wanted: String, hint: String)
  /// What is wrong with the request on one line.
  indirect case ofLine(source: String, line: Int, GibseyError)
  /// An `error` record came in place of what was wanted.
  case upstreamFailed(message: String, isRetryable: Bool)
  case emptyQuestion
  case usage(String, hint: String?)

  // Database
  case noDatabase(path: String)
  case notADatabase(path: String, reason: String)
  /// It says that it is ours, and its tables are not.
  case damagedSchema(path: String, reason: String)
  case newerDatabase(path: String, version: Int, supported: Int)
  /// Who only reads brings no schema up to date.
  case olderDatabase(path: String, version: Int, supported: Int)
  case emptyDatabase(path: String)
  case databaseReadOnly(path: String)
  case databaseBusy(path: String)
  case databaseFull(path: String)
  case databaseFailed(path: String, reason: String)
  case cannotCreate(path: String, reason: String)
  case syncRefused(source: String, reason: String)
  case dimensionsChanged(embedder: String, was: Int, now: Int)
  case embedderMisbehaved(embedder: String, reason: String)
  case embedderDiffers(path: String, active: String, asked: String, askedFingerprint: String)

  // Embedding
  case noEmbeddingModel(path: String)
  case badEmbeddingModel(path: String, reason: String)
  case otherEmbeddingModel(path: String, version: Int, supported: Int)
  /// The pages came with their vectors, and the question came without one.
  case questionWithoutVector(embedder: String)
  /// A text that no server takes, and that is too short to be parted.
  case textTooLong(embedder: String, bytes: Int, reason: String)

  // Prompts
  case unknownCharacter(id: String, known: [String])
  case knowledgeOfNobody(knowledge: String)
  case unknownPage(id: String, example: String?)
  case budgetTooSmall(budgetTokens: Int, neededTokens: Int)
  case questionTooLong(questionTokens: Int, roomTokens: Int)
  /// The prompt as a record is longer than a line may be.
  case promptBeyondLine(bytes: Int, limitBytes: Int)

  // Conversations
  case unknownSession(id: String)
  /// The session went while its answer was made.
  case sessionForgotten(id: String)
  case unknownTurn(id: Int, sessionID: String)
  /// `characterID` is nil for the narrator.
  case turnOfAnotherCharacter(id: Int, characterID: String?)
  case nothingToRetry(sessionID: String, characterID: String?)

  // Settings
  case badSetting(name: String, value: String, origin: String, wanted: String)
  /// `isNeverInFile`: the key is named by a setting that `./.env` cannot hold.
  case keyWithheld(
    provider: String, urlName: String, keyName: String, urlOrigin: String = "./.env", isNeverInFile: Bool = false)
  case keyUnavailable(provider: String, name: String, reason: String)
  case unsafeSettingsFile(path: String, reason: String)

  // Providers
  /// What became of each provider of the chain, in its order.
  indirect case noProvider(failures: [GibseyError])
  case cannotReach(provider: String, address: String, reason: String, hint: String?)
  case timedOut(provider: String, waitedFor: String, seconds: Double)
  case keyMissing(provider: String, keyName: String)
  /// `keyName` is nil for a provider whose keys are none of ours.
  case keyRefused(provider: String, keyName: String?, reason: String)
  case modelMissing(provider: String, model: String, reason: String)
  case requestRefused(provider: String, status: Int, reason: String)
  case rateLimited(provider: String, reason: String, retryAfterMilliseconds: Int?)
  case quotaExhausted(provider: String, reason: String)
  case providerFailed(
    provider: String, status: Int?, reason: String, retryAfterMilliseconds: Int? = nil)
  /// The provider read less than it was sent, and answered nevertheless.
  case promptCut(provider: String, readTokens: Int, sentTokens: Int, ratio: Double)
  case promptTooLong(provider: String, reason: String)
  case refusedToAnswer(provider: String, reason: String)
  case emptyAnswer(provider: String, thought: Bool)
  case streamCut(provider: String, reason: String)
  /// An answer that had begun ended with this: its provider told it inside, or it came after the first token. See `ofAnswer`.
  indirect case brokeOff(GibseyError)
  /// The answer is whole, and cites what is not so; `quote` is nil when the page was not in the prompt.
  case falseCitation(pageID: String, quote: String?)
  case libraryMissing(name: String, reason: String)

  // Output and ourselves
  case cannotWrite(what: String, reason: String)
  case readerLeft
  case interrupted(signal: Int32)
  /// The system lets the process open no more files and sockets.
  case tooFewDescriptors(limit: Int)
  /// The system gives the process no more threads, for want of memory or of numbers.
  case tooFewThreads(reason: String)
  case ourBug(String)
}
