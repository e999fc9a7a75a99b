// What a model does not take is left out, once, and remembered.
import Testing

@testable import GibseyKit

@Suite struct ParameterTests {
  private static func refusal(_ words: String, parameter: String? = nil, status: Int = 400) -> ScriptedTransport.Script
  {
    let param = parameter.map { "\"\($0)\"" } ?? "null"
    return .answer(status, [#"{"error":{"message":"\#(words)","type":"invalid_request_error","param":\#(param)}}"#])
  }
  private static let openAI = ScriptedTransport.Script.answer(200, [Answers.event("B"), Answers.done])

  private func asking(_ name: String, _ transport: ScriptedTransport) throws -> Asking {
    Asking(
      candidates: [.usable(try Providers.named(name))], transport: transport,
      choices: RequestOptions(temperature: 0.5, maxTokens: 9), clock: ScriptedClock().clock)
  }

  @Test func `a refused temperature is left out, and stays so`() async throws {
    let transport = ScriptedTransport([
      Self.refusal("Unsupported value: 'temperature' does not support 0.5", parameter: "temperature"), Self.openAI,
      Self.openAI,
    ])
    let asking = try asking("openai", transport)
    let telling = await Telling.of(asking)
    #expect(telling.text == "B")
    #expect(telling.steps == ["openai without temperature"])
    #expect(await Telling.of(asking).steps.isEmpty)
    #expect(transport.bodies.map { $0.contains("temperature") } == [true, false, false])
  }

  @Test func `the limit of tokens takes its other name`() async throws {
    let words = "Unsupported parameter: 'max_completion_tokens' is not supported. Use 'max_tokens' instead."
    let transport = ScriptedTransport([Self.refusal(words, parameter: "max_completion_tokens"), Self.openAI])
    #expect(await Telling.of(try asking("openai", transport)).text == "B")
    #expect(transport.bodies[0].contains(#""max_completion_tokens":9"#))
    #expect(transport.bodies[1].contains(#""max_tokens":9"#))
  }

  @Test func `a server that names it only in its words is understood, also with 422`() async throws {
    let transport = ScriptedTransport([
      .answer(422, [#"{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}"#]),
      Self.openAI,
    ])
    #expect(await Telling.of(try asking("openai", transport)).steps == ["openai without stream_options"])
    #expect(!transport.bodies[1].contains("stream_options"))
  }

  @Test func `two parameters are learnt of one after the other`() async throws {
    let transport = ScriptedTransport([
      Self.refusal("no", parameter: "max_completion_tokens"), Self.refusal("no", parameter: "temperature"), Self.openAI,
    ])
    #expect(await Telling.of(try asking("openai", transport)).text == "B")
  }

  @Test func `the same complaint again is the failure, and nothing is remembered`() async throws {
    let refusal = Self.refusal("temperature is bad")
    let transport = ScriptedTransport([refusal, refusal, refusal, refusal])
    let asking = try asking("anthropic", transport)
    #expect(
      await Telling.of(asking).failure
        == .requestRefused(provider: "anthropic", status: 400, reason: "temperature is bad"))
    #expect(transport.requested.count == 2)
    #expect(await Telling.of(asking).steps == ["anthropic without temperature"])
  }

  @Test(arguments: [
    "max_tokens is too large: 99999. This model supports at most 4096", "max_completion_tokens must be less than 4097",
  ])
  func `a limit that is too large is told, and asked under no other name`(words: String) async throws {
    let transport = ScriptedTransport([Self.refusal(words, parameter: "max_tokens")])
    let telling = await Telling.of(try asking("openai", transport))
    #expect(telling.failure == .requestRefused(provider: "openai", status: 400, reason: words))
    #expect(telling.steps.isEmpty)
  }

  @Test(arguments: [(400, "messages are missing"), (401, "temperature"), (500, "temperature"), (400, "top_p is bad")])
  func `any other complaint is a failure`(status: Int, words: String) async throws {
    let refusal = Self.refusal(words, status: status)
    let telling = await Telling.of(try asking("anthropic", ScriptedTransport([refusal, refusal, refusal])))
    #expect(telling.failure != nil)
    #expect(!telling.steps.contains("anthropic without temperature"))
  }
}
