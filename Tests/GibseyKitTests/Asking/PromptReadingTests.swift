// Whether a provider read all that it was sent.
import Testing

@testable import GibseyKit

@Suite struct PromptReadingTests {
  /// A prompt of so many words.
  private func prompt(_ words: Int) -> Prompt {
    let text = String(repeating: "word ", count: words)
    return Prompt(prompt: text, messages: [Message(role: .user, content: text)])
  }

  private func end(read: Int) -> String {
    #"{"message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":\#(read),"eval_count":1}"# + "\n"
  }

  private func tell(_ prompt: Prompt, read: Int, isStrict: Bool = false) async throws -> Telling {
    var policy = AskingPolicy()
    policy.isBudgetStrict = isStrict
    let transport = ScriptedTransport([.answer(200, [Answers.line("A"), end(read: read)])])
    let asking = Asking(
      candidates: [.usable(try Providers.named("ollama"))], transport: transport, policy: policy,
      clock: ScriptedClock().clock)
    return await Telling.of(asking, prompt)
  }

  @Test func `fewer tokens read than there are words is a cut, with both numbers`() async throws {
    let telling = try await tell(prompt(4000), read: 2050)
    #expect(telling.steps == ["ollama read 2050 of 4504, 0.46"])
    #expect(telling.completion?.finishReason == .stop)
  }

  @Test func `with a strict budget it is the failure`() async throws {
    let telling = try await tell(prompt(4000), read: 2050, isStrict: true)
    #expect(
      telling.failure == .promptCut(provider: "ollama", readTokens: 2050, sentTokens: 4504, ratio: 0.46))
    #expect(telling.failure?.exitStatus == .protocolBroken)
    #expect(telling.usage?.promptTokens == 2050)
    #expect(telling.completion == nil)
  }

  @Test func `a tokenizer better than the estimate is no cut`() async throws {
    #expect(try await tell(prompt(4000), read: 4010).steps.isEmpty)
  }

  @Test func `a short prompt is not judged`() async throws {
    #expect(try await tell(prompt(60), read: 2).steps.isEmpty)
  }

  @Test func `words are runs of letters in any script`() {
    #expect(TokenEstimate.words(in: "The fox, 12 foxes' Füchse — лиса 狐狸!") == 7)
    #expect(TokenEstimate.words(in: "") == 0)
  }

  @Test func `words are never more than the estimate`() {
    for text in ["a b c", "one, two", "don't", "狐狸 和 人", "é è"] {
      #expect(TokenEstimate.words(in: text) <= TokenEstimate.tokens(of: text))
    }
  }
}
