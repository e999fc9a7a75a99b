// The sentence, the hint, the exit status and the code of every failure. No `default:`: a new case must choose its words.

extension GibseyError {
  /// One sentence that says what is wrong and where. No internals, no secrets.
  public var message: String {
    switch self {
    case .noSuchFile(let path): "\(path): no such file or folder"
    case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
    case .nothingToRead(let path): "\(path): nothing to read"
    case .malformedInput(let source, let line, let reason):
      line.map { "\(source): line \($0): \(reason)" } ?? "\(source): \(reason)"
    case .lineTooLong(let source, let line, let limit):
      "\(source): line \(line): longer than \(limit) bytes"
    case .ofLine(let source, let line, let error): "\(source): line \(line): \(error.message)"
    case .wrongRecord(let type, let wanted, _): "got a record of type \(type), wanted \(wanted)"
    case .upstreamFailed(let message, _): "upstream: \(message)"
    case .emptyQuestion: "the question is empty"
    case .usage(let what, _): what
    case .noDatabase(let path): "\(path): no such database"
    case .notADatabase(let path, let reason): "\(path): not a gibsey database: \(reason)"
    case .damagedSchema(let path, let reason): "\(path): a damaged database: \(reason)"
    case .newerDatabase(let path, let version, let supported):
      "\(path): made by a newer gibsey (schema \(version), this one knows \(supported))"
    case .olderDatabase(let path, let version, let supported):
      "\(path): made by an older gibsey (schema \(version), this one reads \(supported))"
    case .emptyDatabase(let path): "\(path): holds no pages"
    case .databaseReadOnly(let path): "\(path): cannot be written"
    case .databaseBusy(let path): "\(path): another program is writing to it"
    case .databaseFull(let path): "\(path): the disk is full"
    case .databaseFailed(let path, let reason): "\(path): \(reason)"
    case .cannotCreate(let path, let reason): "cannot create \(path): \(reason)"
    case .syncRefused(let source, let reason): "\(source): not synchronized: \(reason)"
    case .noEmbeddingModel(let path): "\(path): no such embedding model"
    case .badEmbeddingModel(let path, let reason): "\(path): cannot be used as embedding model: \(reason)"
    case .otherEmbeddingModel(let path, let version, let supported):
      "\(path): an embedding model of version \(version), this gibsey reads up to version \(supported)"
    case .questionWithoutVector(let embedder):
      "the question has no vector to compare with those of the pages, which are \(embedder)"
    case .textTooLong(let embedder, let bytes, let reason):
      "\(embedder): a text of \(bytes) bytes is too long for it: \(reason)"
    case .dimensionsChanged(let embedder, let was, let now):
      "\(embedder): gave vectors of \(was) dimensions before and of \(now) now"
    case .embedderMisbehaved(let embedder, let reason): "\(embedder): \(reason)"
    case .embedderDiffers(let path, let active, _, let fingerprint):
      "\(path): its vectors are of \(active), and cannot be compared with those of \(fingerprint)"
    case .unknownCharacter(let id, _): "unknown character \(id)"
    case .knowledgeOfNobody(let knowledge): "the knowledge \(knowledge) is of a character, and none is named"
    case .unknownPage(let id, _): "unknown page \(id)"
    case .budgetTooSmall(let budget, let needed):
      "a budget of \(budget) tokens is too small: the persona and the question need \(needed)"
    case .questionTooLong(let question, let room):
      "the question takes \(question) tokens, and the budget leaves \(room)"
    case .promptBeyondLine(let bytes, let limit):
      "the prompt takes \(bytes) bytes as a record, and a line holds \(limit)"
    case .unknownSession(let id): "unknown session \(id)"
    case .sessionForgotten(let id): "session \(id) was forgotten meanwhile: the answer is not kept"
    case .unknownTurn(let id, let session): "session \(session) has no turn \(id)"
    case .turnOfAnotherCharacter(let id, let character): "turn \(id) was answered by \(character ?? "the narrator")"
    case .nothingToRetry(let session, let character):
      "session \(session) has no question to \(character ?? "the narrator") to ask again"
    case .badSetting(let name, let value, let origin, let wanted):
      "\(name)=\(value) (from \(origin)): wanted \(wanted)"
    case .keyWithheld(_, let url, let key, let origin, _):
      "\(url) comes from \(origin) but \(key) does not: the key is not sent there"
    case .keyUnavailable(let provider, let name, let reason): "\(provider): no key from \(name): \(reason)"
    case .unsafeSettingsFile(let path, let reason): "\(path): not read: \(reason)"
    case .noProvider(let failures):
      failures.isEmpty
        ? "no provider can answer"
        : "no provider can answer: " + failures.map(\.message).joined(separator: "; ")
    case .cannotReach(_, let address, let reason, _): "cannot reach \(address): \(reason)"
    case .timedOut(let provider, let what, let seconds):
      "\(provider): no \(what) within \(plain(seconds)) s"
    case .keyMissing(let provider, let name): "\(provider): \(name) is not set"
    case .keyRefused(let provider, _, let reason): "\(provider) refused the key: \(reason)"
    case .modelMissing(let provider, let model, let reason):
      "\(provider) has no model \(model): \(reason)"
    case .requestRefused(let provider, let status, let reason):
      "\(provider) refused the request (\(status)): \(reason)"
    case .rateLimited(let provider, let reason, _): "\(provider): too many requests: \(reason)"
    case .quotaExhausted(let provider, let reason): "\(provider): no quota left: \(reason)"
    case .providerFailed(let provider, let status, let reason, _):
      "\(provider) failed\(status.map { " (\($0))" } ?? ""): \(reason)"
    case .promptCut(let provider, let read, let sent, let ratio):
      "\(provider) read \(read) tokens of a prompt of about \(sent) (a ratio of \(plain(ratio))): it was cut"
    case .promptTooLong(let provider, let reason): "\(provider): the prompt is too long: \(reason)"
    case .refusedToAnswer(let provider, let reason): "\(provider) refused to answer: \(reason)"
    case .emptyAnswer(let provider, let thought):
      thought ? "\(provider) only thought and gave no answer" : "\(provider) gave an empty answer"
    case .streamCut(let provider, let reason): "\(provider): the answer was cut off: \(reason)"
    case .brokeOff(let error): error.message
    case .falseCitation(let id, let quote):
      quote.map { "the answer quotes page \(id), where these words do not stand: \($0)" }
        ?? "the answer cites page \(id), which was not in the prompt"
    case .libraryMissing(let name, let reason): "cannot load \(name): \(reason)"
    case .cannotWrite(let what, let reason): "cannot write \(what): \(reason)"
    case .readerLeft: "the reader of the output left"
    case .interrupted: "interrupted"
    case .tooFewDescriptors(let limit): "too few descriptors: \(limit) files and sockets may be open"
    case .tooFewThreads(let reason): "no thread can be started: \(reason)"
    case .ourBug(let what): "a bug in gibsey: \(what)"
    }
  }

  /// What to do about it, where there is something to do.
  public var hint: String? {
    switch self {
    case .wrongRecord(_, _, let hint): hint
    case .ofLine(_, _, let error), .brokeOff(let error): error.hint
    case .usage(_, let hint): hint
    case .noDatabase: "make it with `gibsey-index --database FILE PATH…`"
    case .damagedSchema: "put a copy of the file in its place, or index the sources into a new file"
    case .emptyDatabase: "fill it with `gibsey-index --database FILE PATH…`"
    case .newerDatabase: "update gibsey, or index the story into a new file"
    case .olderDatabase: "bring it up to date with `gibsey-index --database FILE --upgrade`"
    case .databaseBusy: "wait for the other to end; `gibsey-index --wait SECONDS` waits itself"
    case .databaseFull: "free some space; what `gibsey-index` had written in whole batches is kept"
    case .databaseReadOnly: "check who owns the file and its folder"
    case .syncRefused: "mend the source, or run without --sync"
    case .noEmbeddingModel: "make it with `make model`; GIBSEY_MODEL names another place"
    case .badEmbeddingModel, .otherEmbeddingModel: "make it again with `make model`"
    case .questionWithoutVector: "give one as vector in an ai_chat_request, or search by --mode keywords"
    case .textTooLong: "take another model: --embedding-model names it"
    case .dimensionsChanged: "name the model that made them, or give this one another name with --embedding-model"
    case .embedderMisbehaved: nil
    case .embedderDiffers(let path, _, let asked, _):
      "run `gibsey-index --database \(path) --embedder \(asked)`"
    case .unknownCharacter(_, let known):
      known.isEmpty
        ? "there is no card: `gibsey-index --import-card FILE` keeps one"
        : "known are: " + known.joined(separator: ", ")
    case .unknownPage(_, let example):
      example.map { "pages are named as in \($0); `gibsey-index --export` lists them" }
    case .knowledgeOfNobody: "name one with --character or character_id, or take --knowledge reader"
    case .budgetTooSmall: "raise --budget"
    case .questionTooLong: "raise --budget, or ask a shorter question"
    case .promptBeyondLine: "lower --budget, or ask a shorter question"
    case .upstreamFailed: "the program before this one in the pipeline told it"
    case .tooFewDescriptors: "raise the limit, as with `ulimit -n 1024`"
    case .tooFewThreads: "raise the limits of memory and of processes, as with `ulimit -v unlimited` and `ulimit -u`"
    case .unknownSession: "`gibsey-index --sessions` lists them"
    case .unknownTurn(_, let session): "`gibsey-index --export-session \(session)` lists its turns"
    case .turnOfAnotherCharacter(_, let character): character.map { "ask with --character \($0)" }
    case .keyWithheld(_, let url, _, _, isNeverInFile: true): "set \(url) in the environment, too"
    case .keyWithheld(_, let url, let key, _, isNeverInFile: false):
      "set \(url) and \(key) in the same place, both in the environment or both in ./.env"
    case .noProvider(let failures): Self.chainHint(failures)
    case .cannotReach(_, _, _, let hint): hint
    case .timedOut: "see GIBSEY_CONNECT_TIMEOUT and its kin in gibsey-ask(1)"
    case .keyMissing(_, let name): "set \(name) in the environment or in ./.env"
    case .keyRefused(let provider, let name, _):
      name.map { "check \($0)" } ?? (provider == "ollama" ? "sign in with `ollama signin`" : nil)
    case .modelMissing(let provider, let model, _):
      provider == "ollama"
        ? "get it with `ollama pull \(model)`, or choose another model"
        : "choose another model"
    case .rateLimited(_, _, let wait): wait.map { "try again in \(Self.time($0))" } ?? "try again later"
    case .providerFailed(_, _, _, let wait): wait.map { "try again in \(Self.time($0))" }
    case .promptCut: "give the model a larger context window, or lower the --budget of gibsey-context"
    case .promptTooLong: "lower the --budget of gibsey-context"
    case .emptyAnswer(_, let thought): thought ? "raise the provider's MAX_TOKENS" : nil
    case .libraryMissing(let name, _): name == "libcurl" ? "install it: apt-get install libcurl4" : nil
    case .nothingToRead: "gibsey-index reads .jsonl, .json, .md and .txt, and folders of these"
    case .lineTooLong: "a record is one line; see gibsey-json(5)"
    case .databaseFailed: "see whether the disk is full, read-only, failing or gone"
    case .noSuchFile, .cannotRead, .malformedInput, .emptyQuestion, .notADatabase,
      .badSetting, .unsafeSettingsFile, .keyUnavailable, .requestRefused, .quotaExhausted,
      .refusedToAnswer, .streamCut, .falseCitation, .cannotWrite, .cannotCreate, .readerLeft, .interrupted, .ourBug,
      .sessionForgotten, .nothingToRetry:
      nil
    }
  }

  /// The status that a tool ends with when this is what ended it.
  public var exitStatus: ExitStatus {
    switch self {
    case .ofLine(_, _, let error): error.exitStatus
    case .usage, .emptyQuestion, .questionWithoutVector: .usage
    case .malformedInput, .lineTooLong, .wrongRecord, .syncRefused, .notADatabase, .damagedSchema, .newerDatabase,
      .olderDatabase, .badEmbeddingModel, .otherEmbeddingModel:
      .malformed
    case .noSuchFile, .cannotRead, .nothingToRead, .noDatabase, .emptyDatabase, .unknownPage,
      .noEmbeddingModel, .unknownSession, .sessionForgotten, .unknownTurn, .nothingToRetry:
      .noInput
    case .unknownCharacter, .knowledgeOfNobody, .turnOfAnotherCharacter, .budgetTooSmall, .questionTooLong,
      .promptBeyondLine:
      .usage
    case .upstreamFailed(_, let isRetryable): isRetryable ? .tryAgain : .unavailable
    case .dimensionsChanged, .embedderMisbehaved, .textTooLong: .protocolBroken
    case .embedderDiffers: .badSettings
    case .databaseReadOnly, .cannotCreate: .cannotCreate
    case .databaseFull, .databaseFailed, .cannotWrite: .cannotWrite
    case .databaseBusy, .rateLimited: .tryAgain
    case .badSetting, .keyWithheld, .unsafeSettingsFile: .badSettings
    case .noProvider(let failures): Self.chainStatus(failures)
    case .cannotReach, .timedOut, .providerFailed, .libraryMissing, .modelMissing, .quotaExhausted,
      .tooFewDescriptors, .tooFewThreads:
      .unavailable
    case .keyMissing, .keyUnavailable, .keyRefused: .notPermitted
    case .requestRefused, .promptCut, .promptTooLong, .refusedToAnswer, .emptyAnswer, .streamCut, .brokeOff:
      .protocolBroken
    case .falseCitation: .falseCitation
    case .readerLeft, .interrupted: .done  // the tool dies by the signal instead
    case .ourBug: .internalError
    }
  }

  /// The stable `code` of an `error` record, UPPER_SNAKE; gibsey-json(5) lists them.
  public var code: String {
    switch self {
    case .noSuchFile, .cannotRead, .nothingToRead: "NO_INPUT"
    case .malformedInput, .lineTooLong: "MALFORMED_RECORD"
    case .wrongRecord: "UNKNOWN_MESSAGE_TYPE"
    case .ofLine(_, _, let error), .brokeOff(let error): error.code
    case .upstreamFailed: "UPSTREAM_FAILED"
    case .emptyQuestion, .usage, .questionWithoutVector, .promptBeyondLine: "BAD_REQUEST"
    case .noDatabase, .notADatabase, .damagedSchema, .newerDatabase, .olderDatabase, .emptyDatabase, .databaseReadOnly,
      .databaseFull, .databaseFailed, .cannotCreate, .syncRefused, .dimensionsChanged, .embedderMisbehaved,
      .textTooLong,
      .embedderDiffers:
      "DATABASE_FAILED"
    case .databaseBusy: "DATABASE_BUSY"
    case .noEmbeddingModel, .badEmbeddingModel, .otherEmbeddingModel: "NO_EMBEDDING_MODEL"
    case .unknownCharacter: "UNKNOWN_CHARACTER"
    case .knowledgeOfNobody: "KNOWLEDGE_OF_NOBODY"
    case .unknownPage: "UNKNOWN_PAGE"
    case .unknownSession, .sessionForgotten: "UNKNOWN_SESSION"
    case .unknownTurn, .turnOfAnotherCharacter, .nothingToRetry: "UNKNOWN_TURN"
    case .budgetTooSmall, .questionTooLong: "BUDGET_TOO_SMALL"
    case .badSetting, .keyWithheld, .unsafeSettingsFile: "BAD_SETTINGS"
    case .noProvider, .libraryMissing: "NO_PROVIDER"
    case .cannotReach: "PROVIDER_UNREACHABLE"
    case .timedOut: "PROVIDER_TIMEOUT"
    case .keyMissing, .keyUnavailable, .keyRefused: "PROVIDER_KEY_REFUSED"
    case .modelMissing: "MODEL_NOT_FOUND"
    case .requestRefused: "REQUEST_REFUSED"
    case .rateLimited: "RATE_LIMITED"
    case .quotaExhausted: "QUOTA_EXHAUSTED"
    case .providerFailed: "PROVIDER_FAILED"
    case .promptCut: "PROMPT_CUT"
    case .promptTooLong: "PROMPT_TOO_LONG"
    case .refusedToAnswer: "PROVIDER_REFUSED"
    case .emptyAnswer: "EMPTY_ANSWER"
    case .streamCut: "STREAM_CUT"
    case .falseCitation: "FALSE_CITATION"
    case .cannotWrite, .readerLeft: "OUTPUT_FAILED"
    case .interrupted: "INTERRUPTED"
    case .ourBug, .tooFewDescriptors, .tooFewThreads: "INTERNAL_ERROR"
    }
  }

  /// Whether the same request may succeed later without any change.
  public var isRetryable: Bool {
    switch self {
    case .ofLine(_, _, let error), .brokeOff(let error): error.isRetryable
    case .upstreamFailed(_, let isRetryable): isRetryable
    case .databaseBusy, .cannotReach, .timedOut, .rateLimited, .streamCut, .tooFewDescriptors, .tooFewThreads: true
    case .noProvider(let failures): failures.contains(where: \.isRetryable)
    case .providerFailed(_, let status, _, _): status.map { $0 >= 500 || $0 == 408 || $0 == 409 } ?? true
    case .noSuchFile, .cannotRead, .nothingToRead, .malformedInput, .lineTooLong, .wrongRecord,
      .emptyQuestion, .usage, .noDatabase, .notADatabase, .damagedSchema, .newerDatabase, .olderDatabase,
      .emptyDatabase,
      .databaseReadOnly, .databaseFull, .databaseFailed, .cannotCreate, .syncRefused, .noEmbeddingModel,
      .badEmbeddingModel, .otherEmbeddingModel, .unknownCharacter, .dimensionsChanged, .embedderMisbehaved,
      .embedderDiffers, .questionWithoutVector, .textTooLong,
      .knowledgeOfNobody, .unknownPage, .unknownSession, .sessionForgotten, .unknownTurn, .turnOfAnotherCharacter,
      .nothingToRetry,
      .budgetTooSmall, .questionTooLong, .promptBeyondLine, .badSetting, .keyWithheld,
      .unsafeSettingsFile, .keyMissing, .keyUnavailable, .keyRefused, .modelMissing, .requestRefused,
      .quotaExhausted, .promptCut, .promptTooLong, .refusedToAnswer, .emptyAnswer, .falseCitation, .libraryMissing,
      .cannotWrite, .readerLeft, .interrupted, .ourBug:
      false
    }
  }

  /// As in "17 s", "3 min", "5 h" or "23 days": rounded up.
  private static func time(_ milliseconds: Int) -> String {
    let seconds = (milliseconds + 999) / 1000
    if seconds <= 120 { return "\(seconds) s" }
    if seconds <= 120 * 60 { return "\((seconds + 59) / 60) min" }
    return seconds <= 48 * 3600 ? "\((seconds + 3599) / 3600) h" : "\((seconds + 86_399) / 86_400) days"
  }

  /// "5" for whole seconds, "0.25" for others.
  private func plain(_ seconds: Double) -> String { Int(exactly: seconds).map { "\($0)" } ?? "\(seconds)" }
}
