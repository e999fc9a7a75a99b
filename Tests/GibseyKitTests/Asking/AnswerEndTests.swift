// When an answer is whole, and what it is when it is not.
import Testing

@testable import GibseyKit

@Suite struct AnswerEndTests {
  private static let finish = #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"# + "\n\n"
  private static let failed = #"data: {"error":{"message":"out of memory"}}"# + "\n\n"
  private static let limited = #"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#

  private func telling(
    _ scripts: [ScriptedTransport.Script], _ names: [String] = ["openai"], policy: AskingPolicy = AskingPolicy()
  ) async throws -> Telling {
    await Telling.of(
      Asking(
        candidates: try names.map { .usable(try Providers.named($0)) }, transport: ScriptedTransport(scripts),
        policy: policy, clock: ScriptedClock().clock))
  }

  @Test(arguments: [
    TransportFailure.cut(reason: "x"), .timedOut(.nextByte, .seconds(60)), .timedOut(.end, .seconds(9)), nil,
  ]) func `what is lost after the finish reason is no part of the answer`(loss: TransportFailure?) async throws {
    let told = try await telling([.answer(200, [Answers.event("A"), Self.finish], then: loss)])
    #expect(told.text == "A")
    #expect(told.failure == nil)
    #expect(told.completion?.finishReason == .stop)
    #expect(told.completion?.usage == Usage(promptTokens: 27, completionTokens: 1, isEstimated: true))
  }

  @Test func `Anthropic's stop reason is the end as well`() async throws {
    let stream = String(decoding: try Wire("anthropic/no-message-stop.txt").body, as: UTF8.self)
    let told = try await telling([.answer(200, [stream], then: .cut(reason: "x"))], ["anthropic"])
    #expect(told.text == "A fox")
    #expect(told.completion?.usage == Usage(promptTokens: 35, completionTokens: 3, cachedTokens: 20))
    #expect(told.failure == nil)
  }

  @Test func `a cut before the finish reason is a failure`() async throws {
    let told = try await telling([.answer(200, [Answers.event("A")], then: .cut(reason: "x"))])
    #expect(told.failure == .streamCut(provider: "openai", reason: "x"))
  }

  @Test func `a refusal stays one when its last frame is lost`() async throws {
    let refusal = #"data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}"# + "\n\n"
    let told = try await telling([.answer(200, [Answers.event("A"), refusal], then: .cut(reason: "x"))])
    #expect(told.failure?.code == "PROVIDER_REFUSED")
  }

  @Test func `an error after the first token breaks the answer off`() async throws {
    let told = try await telling([.answer(200, [Answers.event("A"), Self.failed])])
    #expect(
      told.failure == .brokeOff(.providerFailed(provider: "openai", status: nil, reason: "out of memory")))
    #expect(told.failure?.message == "openai failed: out of memory")
    #expect(told.failure?.code == "PROVIDER_FAILED")
    #expect(told.failure?.exitStatus == .protocolBroken)
    #expect(told.failure?.provider == "openai")
    #expect(told.usage == Usage(promptTokens: 27, completionTokens: 1, isEstimated: true))
  }

  @Test func `silence after the first token breaks it off, too`() async throws {
    let told = try await telling([.answer(200, [Answers.event("A")], then: .timedOut(.nextByte, .seconds(60)))])
    #expect(told.failure?.code == "PROVIDER_TIMEOUT")
    #expect(told.failure?.exitStatus == .protocolBroken)
  }

  @Test func `an error inside before the first token is tried again, then moves on`() async throws {
    let inside = ScriptedTransport.Script.answer(200, [Self.failed])
    let told = try await telling(
      [inside, inside, inside, .answer(200, [Answers.line("B"), Answers.end])], ["openai", "ollama"])
    #expect(told.text == "B")
    #expect(told.steps == ["openai again in 0.5 seconds", "openai again in 1.0 seconds", "openai to ollama"])
  }

  @Test func `alone it ends with its own code, and the status of an answer that is none`() async throws {
    let inside = ScriptedTransport.Script.answer(200, [Self.limited])
    let told = try await telling([inside, inside, inside])
    #expect(told.failure?.code == "RATE_LIMITED")
    #expect(told.failure?.isRetryable == true)
    #expect(told.failure?.exitStatus == .protocolBroken)
  }

  @Test func `the same error with its own status keeps that`() async throws {
    let limited = ScriptedTransport.Script.answer(429, [Self.limited])
    #expect(try await telling([limited, limited, limited]).failure?.exitStatus == .tryAgain)
  }
}
