// gibsey-json(5) against the program: its examples are records, and its codes are the codes.
import Glibc
import Testing

@testable import GibseyKit

@Suite struct ManualTests {
  /// Every type of the grammar.
  private static let types = [
    "page", "page_indexed", "index_summary", "ai_chat_request", "ai_prompt", "hit", "candidate", "character",
    "session", "turn",
    "evaluation",
    "ai_response_stream", "provider_switched", "ask_summary", "provider_status", "provider_model",
    "error", "connection_established", "ping", "pong",
    "ai_chat_cancel", "ai_response_resume", "page_navigation", "vault_update", "prompt_selection",
    "prompt_selected", "page_update", "cluster_event", "event",
  ]

  private static func page(_ name: String) throws -> [Substring] {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let descriptor = open("/\(root)/man/\(name)", O_RDONLY)
    try #require(descriptor >= 0, "man/\(name) cannot be opened")
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      let block = try FileDescriptor(number: descriptor).read(limit: 1 << 16)
      if block.isEmpty { break }
      bytes += block
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The example lines as a reader of the rendered page sees them.
  private static func examples() throws -> [String] {
    try page("gibsey-json.5").filter { $0.hasPrefix("{\"type\":\"") && !$0.contains(" ... ") }
      .map { $0.split(separator: "\\e", omittingEmptySubsequences: false).joined(separator: "\\") }
  }

  @Test func everyExampleOfTheManualIsReadAndWrittenBackByteForByte() throws {
    for example in try Self.examples() {
      let record = try RecordCoder.decode(Array(example.utf8))
      #expect(String(decoding: RecordCoder.encode(record), as: UTF8.self) == example + "\n")
    }
  }

  @Test func everyTypeOfTheGrammarHasAnExampleAndAHeading() throws {
    let examples = try Self.examples().map { try RecordCoder.decode(Array($0.utf8)) }
    #expect(examples.count >= Self.types.count)
    #expect(Set(examples.map(\.type)) == Set(Self.types))
    let headings = try Self.page("gibsey-json.5").filter { $0.hasPrefix(".Ss ") }
      .flatMap { $0.dropFirst(4).split { $0 == " " || $0 == "," }.map(String.init) }
    #expect(headings.sorted() == Self.types.sorted())
  }

  @Test func noExampleIsOfATypeThatTheProgramDoesNotKnow() throws {
    for example in try Self.examples() {
      if case .unknown(let type, _) = try RecordCoder.decode(Array(example.utf8)) {
        Issue.record("the manual shows the unknown type \(type)")
      }
    }
    for type in FrameType.allCases { #expect(Self.types.contains(type.rawValue)) }
  }

  @Test func thePromptOfTheManualHasTheIdOfItsMessages() throws {
    for example in try Self.examples() {
      guard case .prompt(let prompt) = try RecordCoder.decode(Array(example.utf8)) else { continue }
      #expect(prompt.promptID == Prompt.identifier(of: prompt.messages))
    }
  }

  @Test func theTableOfCodesIsTheCatalogue() throws {
    let lines = try Self.page("gibsey-json.5")
    let start = try #require(lines.firstIndex(of: ".Sh ERROR CODES"))
    let listed = lines[start...].filter { $0.hasPrefix(".It Li ") }.map { String($0.dropFirst(7)) }
    #expect(listed == Set(Self.everyFailure.map(\.code)).sorted())
  }

  @Test func everyExitStatusOfAFailureIsInTheTable() throws {
    let text = try Self.page("gibsey.7").joined(separator: "\n")
    for failure in Self.everyFailure {
      let status = failure.exitStatus.rawValue
      #expect(text.contains(".It \(status)\n"), "exit status \(status) of \(failure.code)")
    }
  }

  /// One of each case of the catalogue.
  private static let everyFailure: [GibseyError] = [
    .noSuchFile(path: ""), .cannotRead(path: "", reason: ""), .nothingToRead(path: ""),
    .malformedInput(source: "", line: nil, reason: ""), .lineTooLong(source: "", line: 1, limitBytes: 1),
    .wrongRecord(type: "", wanted: "", hint: ""), .emptyQuestion, .usage("", hint: nil), .noDatabase(path: ""),
    .notADatabase(path: "", reason: ""), .newerDatabase(path: "", version: 2, supported: 1),
    .olderDatabase(path: "", version: 1, supported: 2),
    .emptyDatabase(path: ""), .databaseReadOnly(path: ""), .databaseBusy(path: ""), .databaseFull(path: ""),
    .databaseFailed(path: "", reason: ""), .damagedSchema(path: "", reason: ""),
    .textTooLong(embedder: "", bytes: 0, reason: ""),
    .questionWithoutVector(embedder: ""), .cannotCreate(path: "", reason: ""),
    .syncRefused(source: "", reason: ""), .noEmbeddingModel(path: ""),
    .badEmbeddingModel(path: "", reason: ""), .otherEmbeddingModel(path: "", version: 2, supported: 1),
    .unknownCharacter(id: "", known: []), .knowledgeOfNobody(knowledge: ""),
    .unknownPage(id: "", example: nil), .budgetTooSmall(budgetTokens: 1, neededTokens: 2),
    .questionTooLong(questionTokens: 2, roomTokens: 1),
    .unknownSession(id: ""), .sessionForgotten(id: ""), .unknownTurn(id: 1, sessionID: ""),
    .turnOfAnotherCharacter(id: 1, characterID: nil), .nothingToRetry(sessionID: "", characterID: nil),
    .badSetting(name: "", value: "", origin: "", wanted: ""),
    .keyWithheld(provider: "", urlName: "", keyName: ""), .keyUnavailable(provider: "", name: "", reason: ""),
    .unsafeSettingsFile(path: "", reason: ""),
    .noProvider(failures: []), .cannotReach(provider: "", address: "", reason: "", hint: nil),
    .timedOut(provider: "", waitedFor: "", seconds: 1), .keyMissing(provider: "", keyName: ""),
    .keyRefused(provider: "", keyName: "", reason: ""), .modelMissing(provider: "", model: "", reason: ""),
    .requestRefused(provider: "", status: 400, reason: ""),
    .rateLimited(provider: "", reason: "", retryAfterMilliseconds: nil),
    .quotaExhausted(provider: "", reason: ""), .providerFailed(provider: "", status: nil, reason: ""),
    .promptCut(provider: "", readTokens: 1, sentTokens: 2, ratio: 0.5), .promptTooLong(provider: "", reason: ""),
    .refusedToAnswer(provider: "", reason: ""),
    .emptyAnswer(provider: "", thought: false), .streamCut(provider: "", reason: ""),
    .brokeOff(.timedOut(provider: "", waitedFor: "", seconds: 1)),
    .falseCitation(pageID: "", quote: nil), .libraryMissing(name: "", reason: ""), .cannotWrite(what: "", reason: ""),
    .readerLeft,
    .interrupted(signal: 2), .ourBug(""), .tooFewDescriptors(limit: 1), .tooFewThreads(reason: ""),
    .upstreamFailed(message: "", isRetryable: false), .promptBeyondLine(bytes: 2, limitBytes: 1),
  ]
}
