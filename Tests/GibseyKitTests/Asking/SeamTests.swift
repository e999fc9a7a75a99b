// Where one provider broke off and another goes on.
import Testing

@testable import GibseyKit

@Suite struct SeamTests {
  /// What is left of a continuation that comes in these tokens.
  private func trimmed(after partial: String, _ tokens: [String]) -> String {
    var seam = AskingSeam(after: Array(partial.utf8))
    var text = ""
    for token in tokens {
      var batch = AnswerBatch()
      batch.token { $0 += token.utf8 }
      text += seam.trim(batch).tokens.joined()
    }
    return text + seam.finish().tokens.joined()
  }

  @Test(
    arguments: [
      ("The fox ran", " home.", " home."), ("The fox ran", "fox ran home.", " home."),
      ("The fox ran", "The fox ran home.", " home."), ("The fox ran", "ran", ""),
      ("The fox ran ", " home", "home"), ("He was consc", "conscious.", "ious."),
      ("This is the end", "d of it", "d of it"), ("no fox", "oxen", "oxen"), ("", "Hello", "Hello"),
      ("fährt 🦊", "🦊 heim", " heim"), ("aaaa aaaa", "aaaa aaaa b", " b"),
    ]) func `an exact overlap is left out, however it is cut`(partial: String, next: String, rest: String)
  {
    #expect(trimmed(after: partial, [next]) == rest)
    #expect(trimmed(after: partial, next.map(String.init)) == rest)
  }

  @Test func `an overlap of 200 characters is found, a longer one is not one`() {
    let text = (0..<60).map { "w\($0)" }.joined(separator: " ")
    #expect(trimmed(after: text, [String(text.suffix(200)) + " on"]) == " on")
    let longer = String(text.suffix(204)) + " on"
    #expect(trimmed(after: text, [longer]) == longer)
  }

  private func asking(_ scripts: [ScriptedTransport.Script]) throws -> (Asking, ScriptedTransport) {
    let transport = ScriptedTransport(scripts)
    var policy = AskingPolicy()
    policy.resumption = .continue
    let asking = Asking(
      candidates: [.usable(try Providers.named("ollama")), .usable(try Providers.named("openai"))],
      transport: transport, policy: policy, clock: ScriptedClock().clock)
    return (asking, transport)
  }

  @Test func `the next provider goes on from exactly there`() async throws {
    let (asking, transport) = try asking([
      .answer(200, [Answers.line("The"), Answers.line(" fox")], then: .cut(reason: "x")),
      .answer(200, [Answers.event("fox"), Answers.event(" ran"), Answers.done]),
    ])
    let telling = await Telling.of(asking)
    #expect(telling.text == "The fox ran")
    #expect(telling.steps == ["ollama to openai"])
    #expect(telling.failure == nil)
    #expect(telling.completion?.provider == "openai")
    #expect(telling.completion?.usage == Usage(promptTokens: 27, completionTokens: 4, isEstimated: true))
    #expect(transport.bodies[1].contains(#"{"role":"assistant","content":"The fox"},{"role":"user","content":"Your"#))
  }

  @Test func `the record of the switch tells the last token before the seam`() async throws {
    let (asking, _) = try asking([
      .answer(200, [Answers.line("The"), Answers.line(" fox")], then: .cut(reason: "x")),
      .answer(200, [Answers.event(" ran"), Answers.done]),
    ])
    let prompt = Prompt(prompt: "Who?", messages: [Message(role: .user, content: "Who?")])
    var records = AskingRecords(prompt: prompt, responseID: "a1") { Timestamp(microseconds: 0) }
    var seqs: [Int] = []
    try await asking.run(prompt) { part in
      for record in records.records(of: part) {
        if case .responseStream(let stream) = record { seqs.append(stream.seq) }
        if case .providerSwitched(let switched) = record { seqs.append(100 + switched.afterSeq) }
      }
    }
    #expect(seqs == [0, 1, 101, 2, 3])
  }

  @Test func `a refusal in the middle is not handed on`() async throws {
    let refusal = #"data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}"# + "\n\n"
    let transport = ScriptedTransport([.answer(200, [Answers.event("A"), refusal])])
    var policy = AskingPolicy()
    policy.resumption = .continue
    let asking = Asking(
      candidates: [.usable(try Providers.named("openai")), .usable(try Providers.named("ollama"))],
      transport: transport, policy: policy, clock: ScriptedClock().clock)
    #expect(await Telling.of(asking).failure?.code == "PROVIDER_REFUSED")
  }

  @Test func `nobody is asked to go on from an answer that is whole`() async throws {
    let (asking, transport) = try asking([])
    let whole = ScriptedTransport([
      .answer(
        200, [Answers.event("The fox."), #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"# + "\n\n"],
        then: .cut(reason: "x"))
    ])
    let openAIFirst = Asking(
      candidates: asking.candidates.reversed(), transport: whole, policy: asking.policy, clock: asking.clock)
    let telling = await Telling.of(openAIFirst)
    #expect(telling.completion?.finishReason == .stop)
    #expect(telling.failure == nil)
    #expect(whole.requested.count == 1)
    #expect(transport.requested.isEmpty)
  }

  @Test func `when nobody can go on the answer ends with what was spent`() async throws {
    let (asking, _) = try asking([
      .answer(200, [Answers.line("The")], then: .cut(reason: "x")), .answer(401, ["no"]),
    ])
    let telling = await Telling.of(asking)
    #expect(telling.text == "The")
    #expect(telling.failure?.code == "NO_PROVIDER")
    #expect(telling.failure?.exitStatus == .protocolBroken)
    #expect(telling.usage == Usage(promptTokens: 27, completionTokens: 1, isEstimated: true))
  }
}
