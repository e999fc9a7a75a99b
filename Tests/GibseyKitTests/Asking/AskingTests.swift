// The chain of providers, and what of an answer is kept when it fails.
import Testing

@testable import GibseyKit

@Suite struct AskingTests {
  private static let prompt = Prompt(
    prompt: "Who?", messages: [Message(role: .user, content: "Who?")], requestID: "r1")

  private static func line(_ token: String) -> String {
    "{\"message\":{\"role\":\"assistant\",\"content\":\"\(token)\"},\"done\":false}\n"
  }
  private static let end =
    "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9,\"eval_count\":2}\n"
  private static let openAI =
    "data: {\"choices\":[{\"delta\":{\"content\":\"Me\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

  /// Asks, and returns the records of the answer, one a line, and the failure.
  private func ask(
    _ transport: ScriptedTransport, choices: RequestOptions = RequestOptions(),
    unusable: [Asking.Candidate] = []
  ) async throws -> (lines: [String], failure: (any Error)?) {
    let asking = Asking(
      candidates: unusable + [
        .usable(try Providers.named("ollama")), .usable(try Providers.named("openai")),
      ], transport: transport, choices: choices, clock: ScriptedClock().clock)
    var records = AskingRecords(prompt: Self.prompt, responseID: "a1") {
      Timestamp(microseconds: 1_750_066_340_776_166)
    }
    var lines: [String] = []
    do {
      try await asking.run(Self.prompt) { part in
        lines += records.records(of: part).map { record in
          String(decoding: RecordCoder.encode(record).dropLast(), as: UTF8.self)
        }
      }
      return (lines, nil)
    } catch {
      return (lines, error)
    }
  }

  private func token(_ text: String, _ seq: Int) -> String {
    "{\"type\":\"ai_response_stream\",\"data\":{\"response_id\":\"a1\",\"token\":\"\(text)\","
      + "\"is_complete\":false,\"timestamp\":\"2025-06-16T09:32:20.776166Z\",\"seq\":\(seq),"
      + "\"request_id\":\"r1\"}}"
  }

  private func last(_ seq: Int, _ reason: String, _ provider: String, usage: String) -> String {
    "{\"type\":\"ai_response_stream\",\"data\":{\"response_id\":\"a1\",\"token\":\"\","
      + "\"is_complete\":true,\"timestamp\":\"2025-06-16T09:32:20.776166Z\",\"seq\":\(seq),"
      + "\"request_id\":\"r1\",\"finish_reason\":\"\(reason)\",\"provider\":\"\(provider)\","
      + "\"model\":\"m\",\"prompt_id\":\"\(Self.prompt.promptID)\",\(usage)\"citations\":[],"
      + "\"time_to_first_token_ms\":0,\"duration_ms\":0}}"
  }

  /// Asks somebody who waits behind some tokens; returns what was told and waited for, in order.
  private func taking(
    _ blocks: [String], waitingBehind: Set<String>, limitBytes: Int? = nil
  ) async throws -> [String] {
    var policy = AskingPolicy()
    policy.answerLimitBytes = limitBytes
    let asking = Asking(
      candidates: [.usable(try Providers.named("ollama"))],
      transport: ScriptedTransport([.answer(200, blocks, then: nil)]), policy: policy, clock: ScriptedClock().clock)
    var steps: [String] = []
    try await asking.run(Self.prompt) { part in
      switch part {
      case .batch(let batch): steps.append(batch.tokens.joined())
      case .completed(let completion): steps.append(completion.finishReason.rawValue)
      default: steps.append("\(part)")
      }
      return waitingBehind.contains(steps.last ?? "")
    } room: {
      steps.append("waited")
    }
    return steps
  }

  @Test func `who need not wait is not waited for and who must is waited for before the next`() async throws {
    let blocks = [Self.line("A"), Self.line("B"), Self.line("C"), Self.end]
    #expect(try await taking(blocks, waitingBehind: []) == ["A", "B", "C", "stop"])
    #expect(
      try await taking(blocks, waitingBehind: ["B", "stop"]) == ["A", "B", "waited", "C", "stop", "waited"])
  }

  @Test func `an answer is cut at its limit once and the end is told and waited for as any other`() async throws {
    let blocks = [Self.line("A"), Self.line("B") + Self.line("C"), Self.line("D"), Self.end]
    for behind in [[], ["B"], ["length"]] as [Set<String>] {
      let steps = try await taking(blocks, waitingBehind: behind, limitBytes: 2)
      #expect(steps.filter { $0 != "waited" } == ["A", "B", "length"], "\(behind)")
      #expect(steps.last == (behind == ["length"] ? "waited" : "length"))
    }
    #expect(try await taking(blocks, waitingBehind: [], limitBytes: 1) == ["A", "length"])
  }

  @Test func `an answer is one record for each token and a last one`() async throws {
    let transport = ScriptedTransport([
      .answer(200, [Self.line("A") + Self.line(" fox"), Self.end], then: nil)
    ])
    let (lines, failure) = try await ask(transport)
    #expect(failure == nil)
    #expect(
      lines == [
        token("A", 0), token(" fox", 1),
        last(
          2, "stop", "ollama",
          usage: "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"estimated\":false},"),
      ])
    #expect(transport.requested == ["http://localhost:11434/api/chat"])
  }

  @Test func `before the first token a failure moves on`() async throws {
    let transport = ScriptedTransport([
      .failure(.refused(reason: "connection refused")), .answer(200, [Self.openAI], then: nil),
    ])
    let (lines, failure) = try await ask(transport)
    #expect(failure == nil)
    #expect(
      lines == [
        "{\"type\":\"provider_switched\",\"data\":{\"response_id\":\"a1\",\"from\":\"ollama\","
          + "\"to\":\"openai\",\"reason\":\"cannot reach localhost:11434: connection refused\","
          + "\"after_seq\":-1,\"request_id\":\"r1\"}}",
        token("Me", 0),
        last(
          1, "stop", "openai",
          usage: "\"usage\":{\"prompt_tokens\":27,\"completion_tokens\":1,\"estimated\":true},"),
      ])
  }

  @Test func `after the first token a failure ends the answer`() async throws {
    let transport = ScriptedTransport([
      .answer(200, [Self.line("A")], then: .cut(reason: "the connection closed in the middle"))
    ])
    let (lines, failure) = try await ask(transport)
    #expect(
      failure as? GibseyError
        == .streamCut(provider: "ollama", reason: "the connection closed in the middle"))
    #expect(
      lines == [
        token("A", 0),
        "{\"type\":\"error\",\"data\":{\"message\":\"ollama: the answer was cut off: the connection closed in "
          + "the middle\",\"code\":\"STREAM_CUT\",\"timestamp\":\"2025-06-16T09:32:20.776166Z\","
          + "\"retryable\":true,\"response_id\":\"a1\",\"request_id\":\"r1\",\"after_seq\":0,"
          + "\"usage\":{\"prompt_tokens\":27,\"completion_tokens\":1,\"estimated\":true}}}",
      ])
  }

  @Test func `a named provider means only that one`() async throws {
    let refused = ScriptedTransport.Script.failure(.refused(reason: "connection refused"))
    let transport = ScriptedTransport([refused, refused, refused])
    let (_, failure) = try await ask(transport, choices: RequestOptions(provider: "openai"))
    #expect(
      failure as? GibseyError
        == .cannotReach(
          provider: "openai", address: "api.openai.com", reason: "connection refused", hint: nil))
    #expect(Set(transport.requested) == ["https://api.openai.com/v1/chat/completions"])
  }

  @Test func `a named provider that cannot be used is its own failure`() async throws {
    let missing = GibseyError.keyMissing(provider: "anthropic", keyName: "ANTHROPIC_API_KEY")
    let (lines, failure) = try await ask(
      ScriptedTransport([]), choices: RequestOptions(provider: "anthropic"),
      unusable: [.unusable(name: "anthropic", missing)])
    #expect(failure as? GibseyError == missing)
    #expect(lines.count == 1)
  }

  @Test func `when all fail the failure names each`() async throws {
    let transport = ScriptedTransport([
      .failure(.refused(reason: "connection refused")),
      .answer(401, ["{\"error\":{\"message\":\"bad key sk-secret\"}}"], then: nil),
    ])
    let (_, failure) = try await ask(transport)
    #expect(
      failure as? GibseyError
        == .noProvider(failures: [
          .cannotReach(
            provider: "ollama", address: "localhost:11434", reason: "connection refused",
            hint: "start Ollama with `ollama serve`"),
          .keyRefused(provider: "openai", keyName: "OPENAI_API_KEY", reason: "bad key …"),
        ]))
  }

  @Test func `a cancelled answer is kept and says so`() async throws {
    let transport = ScriptedTransport([.endless([Self.line("A")])])
    let (started, continuation) = AsyncStream.makeStream(of: Void.self)
    let asking = Asking(
      candidates: [.usable(try Providers.named("ollama"))], transport: transport,
      clock: ScriptedClock().clock)
    let task = Task {
      var parts: [Asking.Part] = []
      do {
        try await asking.run(Self.prompt) { part in
          parts.append(part)
          continuation.yield()
        }
      } catch is CancellationError {}
      return parts
    }
    for await _ in started { break }
    task.cancel()
    let parts = try await task.value
    #expect(parts.count == 2)
    guard case .completed(let completion) = try #require(parts.last) else {
      Issue.record("the last part is \(parts)")
      return
    }
    #expect(completion.finishReason == .cancelled)
    #expect(completion.usage == Usage(promptTokens: 27, completionTokens: 1, isEstimated: true))
  }
}
