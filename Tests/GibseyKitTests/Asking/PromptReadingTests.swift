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

  private func counting(_ name: String, _ scripts: [ScriptedTransport.Script], budget: Int, isStrict: Bool = false)
    async throws -> (Telling, [String])
  {
    let transport = ScriptedTransport(scripts)
    var policy = AskingPolicy()
    policy.countsTokens = true
    policy.isBudgetStrict = isStrict
    var account = try Providers.account("http://localhost:8080/v1")
    account.model = "m"
    let provider: any ChatProvider = name == "openai" ? OpenAI(account: account) : try Providers.named(name)
    let asking = Asking(
      candidates: [.usable(provider)], transport: transport, policy: policy, clock: ScriptedClock().clock)
    var prompt = prompt(100)
    prompt.tokens = TokenShares(budget: budget, total: 100, persona: 0, pages: 0, history: 0, query: 100)
    return (await Telling.of(asking, prompt), transport.requested)
  }
  private static let count = ScriptedTransport.Script.answer(200, [#"{"input_tokens":321}"#])
  private static let answer = ScriptedTransport.Script.answer(200, [Answers.event("B"), Answers.done])

  @Test func `a counter is asked before the answer, at its own address`() async throws {
    let (telling, urls) = try await counting("openai", [Self.count, Self.answer], budget: 6000)
    #expect(telling.text == "B")
    #expect(telling.steps == ["openai counts 321"])
    #expect(urls == ["http://localhost:8080/v1/messages/count_tokens", "http://localhost:8080/v1/chat/completions"])
  }

  @Test func `a prompt beyond a strict budget is not sent`() async throws {
    let (telling, urls) = try await counting("anthropic", [Self.count], budget: 320, isStrict: true)
    #expect(
      telling.failure
        == .promptTooLong(provider: "anthropic", reason: "it has 321 tokens, its budget is 320"))
    #expect(urls == ["https://api.anthropic.com/v1/messages/count_tokens"])
  }

  @Test func `where there is no counter the estimate stands`() async throws {
    let (telling, _) = try await counting("openai", [.answer(404, ["no"]), Self.answer], budget: 6000)
    #expect(telling.steps == ["openai counts nothing"])
    let (other, urls) = try await counting("ollama", [.answer(200, [Answers.line("A"), Answers.end])], budget: 6000)
    #expect(other.steps.first == "ollama counts nothing")
    #expect(urls.count == 1)
  }

  @Test func `a count is a closer bound than words`() {
    let prompt = prompt(100)
    #expect(!PromptReading(of: prompt, readTokens: 150, countedTokens: nil).isCut)
    #expect(PromptReading(of: prompt, readTokens: 150, countedTokens: 200).isCut)
    #expect(!PromptReading(of: prompt, readTokens: 190, countedTokens: 200).isCut)
  }
}
