// What is tried again, after which wait, who comes next, and when it is over.
import Testing

@testable import GibseyKit

@Suite struct FailureTests {
  private static let answer = ScriptedTransport.Script.answer(200, [Answers.line("A"), Answers.end])
  private static let other = ScriptedTransport.Script.answer(200, [Answers.event("B"), Answers.done])
  private static func status(_ status: Int, _ body: String = "", _ headers: [HTTPHeader] = [])
    -> ScriptedTransport.Script
  {
    .answer(status, [body], headers: headers)
  }

  private func asking(
    _ transport: ScriptedTransport, _ clock: ScriptedClock, _ names: [String] = ["ollama"],
    policy: AskingPolicy = AskingPolicy(), memory: AskingMemory = AskingMemory()
  ) throws -> Asking {
    Asking(
      candidates: try names.map { .usable(try Providers.named($0)) }, transport: transport, policy: policy,
      clock: clock.clock, memory: memory)
  }

  /// A provider whose key does not come before its task is cancelled.
  private static let keyless = Asking.Candidate.deferred(name: "openai") {
    // Ended by the deadline that its tests are about, never by the clock.
    try await Task.sleep(for: .seconds(3600))
    return try Providers.named("openai")
  }

  @Test func `a key that does not come as soon as a first token must is no longer waited for`() async throws {
    let asking = Asking(
      candidates: [Self.keyless, .usable(try Providers.named("ollama"))], transport: ScriptedTransport([Self.answer]),
      clock: ScriptedClock().clock)
    let telling = await Telling.of(asking)
    #expect(telling.steps == ["openai to ollama"])
    #expect(telling.text == "A")
  }

  @Test func `when the time for the whole is over before the key comes nobody else is asked`() async throws {
    let clock = ScriptedClock()
    let asking = Asking(
      candidates: [Self.keyless, .usable(try Providers.named("ollama"))], transport: ScriptedTransport([]),
      policy: AskingPolicy(deadlines: HTTPDeadlines(total: .seconds(2))), clock: clock.clock)
    let telling = await Telling.of(asking)
    #expect(telling.failure == .timedOut(provider: "openai", waitedFor: "key", seconds: 2))
    #expect(telling.completion == nil)
    #expect(clock.sleeps == [.seconds(2)])
  }

  @Test func `an answer that is cancelled while its key is fetched ends as cancelled`() async throws {
    let asking = Asking(
      candidates: [Self.keyless], transport: ScriptedTransport([]),
      clock: AskingClock(seconds: { 0 }, sleep: { _ in try await Task.sleep(for: .seconds(3600)) }, chance: { 0 }))
    let telling = Task { await Telling.of(asking) }
    telling.cancel()
    #expect(await telling.value.completion?.finishReason == .cancelled)
  }

  @Test(arguments: [408, 409, 429, 500, 502, 503, 529])
  func `a failure of the moment is tried again twice, each time after a longer wait`(status: Int) async throws {
    let transport = ScriptedTransport([Self.status(status), Self.status(status), Self.answer])
    let clock = ScriptedClock()
    let telling = await Telling.of(try asking(transport, clock))
    #expect(telling.text == "A")
    #expect(telling.failure == nil)
    #expect(clock.sleeps == [.milliseconds(500), .seconds(1)])
    #expect(telling.steps == ["ollama again in 0.5 seconds", "ollama again in 1.0 seconds"])
  }

  @Test func `after two repetitions the failure stands`() async throws {
    let transport = ScriptedTransport([Self.status(503), Self.status(503), Self.status(503)])
    let telling = await Telling.of(try asking(transport, ScriptedClock()))
    #expect(
      telling.failure == .providerFailed(provider: "ollama", status: 503, reason: "no reason given"))
    #expect(transport.requested.count == 3)
  }

  @Test(
    arguments: [
      (400, "{}"), (401, "{}"), (403, "{}"), (404, "{}"), (413, "{}"),
      (429, #"{"error":{"code":"insufficient_quota","message":"no"}}"#),
    ]) func `what will not change is not tried again`(status: Int, body: String) async throws
  {
    let transport = ScriptedTransport([Self.status(status, body)])
    let clock = ScriptedClock()
    let telling = await Telling.of(try asking(transport, clock))
    #expect(telling.failure != nil)
    #expect(clock.sleeps.isEmpty)
  }

  @Test func `a lost connection is tried again, and no longer after a token`() async throws {
    let cut = TransportFailure.cut(reason: "x")
    let transport = ScriptedTransport([
      .failure(cut), .answer(200, [Answers.line("A")], then: cut),
    ])
    let clock = ScriptedClock()
    let telling = await Telling.of(try asking(transport, clock))
    #expect(telling.text == "A")
    #expect(telling.failure == .streamCut(provider: "ollama", reason: "x"))
    #expect(telling.usage == Usage(promptTokens: 27, completionTokens: 1, isEstimated: true))
    #expect(clock.sleeps == [.milliseconds(500)])
  }

  @Test func `what the server asks for is the least that is waited`() async throws {
    let transport = ScriptedTransport([
      Self.status(429, "", [HTTPHeader("Retry-After", "2")]),
      Self.status(503, "", [HTTPHeader("retry-after-ms", "100")]), Self.answer,
    ])
    let clock = ScriptedClock()
    _ = await Telling.of(try asking(transport, clock))
    #expect(clock.sleeps == [.seconds(2), .seconds(1)])
  }

  @Test func `a web page with status 200 is no answer`() async throws {
    let page = ScriptedTransport.Script.answer(
      200, ["<html><title>Sign in</title></html>"], headers: [HTTPHeader("Content-Type", "text/html; charset=utf-8")])
    let transport = ScriptedTransport([page, page, page])
    let telling = await Telling.of(try asking(transport, ScriptedClock()))
    #expect(telling.failure == .streamCut(provider: "ollama", reason: "a page came in place of it: Sign in"))
  }

  @Test func `a stream of unreadable lines is given up`() async throws {
    let lines = ScriptedTransport.Script.answer(200, [String(repeating: "no json\n", count: 9), Answers.end])
    let telling = await Telling.of(try asking(ScriptedTransport([lines, lines, lines]), ScriptedClock()))
    #expect(telling.failure == .streamCut(provider: "ollama", reason: "too many unreadable lines"))
  }

  @Test func `a longer wait than allowed is told instead`() async throws {
    let headers = [HTTPHeader("Retry-After", "6")]
    let alone = await Telling.of(try asking(ScriptedTransport([Self.status(503, "", headers)]), ScriptedClock()))
    #expect(alone.failure?.retryAfterMilliseconds == 6000)
    #expect(alone.failure?.isRetryable == true)
    let clock = ScriptedClock()
    let transport = ScriptedTransport([Self.status(503, "", headers), Self.other])
    let telling = await Telling.of(try asking(transport, clock, ["ollama", "openai"]))
    #expect(telling.text == "B")
    #expect(telling.steps == ["ollama to openai"])
    #expect(clock.sleeps.isEmpty)
  }

  @Test func `a server that says not to try again is obeyed`() async throws {
    let transport = ScriptedTransport([Self.status(503, "", [HTTPHeader("x-should-retry", "false")])])
    let telling = await Telling.of(try asking(transport, ScriptedClock()))
    #expect(telling.failure?.code == "PROVIDER_FAILED")
  }

  @Test func `where nobody listens the next is asked at once, and the last one again`() async throws {
    let refused = ScriptedTransport.Script.failure(.refused(reason: "connection refused"))
    let clock = ScriptedClock()
    let transport = ScriptedTransport([refused, refused, Self.other])
    let telling = await Telling.of(try asking(transport, clock, ["ollama", "openai"]))
    #expect(telling.text == "B")
    #expect(telling.steps == ["ollama to openai", "openai again in 0.5 seconds"])
  }

  @Test func `a host that does not answer costs its deadline once`() async throws {
    let transport = ScriptedTransport([.failure(.timedOut(.connection, .seconds(5))), Self.other])
    let clock = ScriptedClock()
    let telling = await Telling.of(try asking(transport, clock, ["ollama", "openai"]))
    #expect(telling.steps == ["ollama to openai"])
    #expect(clock.sleeps.isEmpty)
  }

  @Test func `every failure of a chain is told, those that were not tried too`() async throws {
    let withheld = GibseyError.keyWithheld(provider: "openai", urlName: "OPENAI_BASE_URL", keyName: "OPENAI_API_KEY")
    let missing = GibseyError.keyMissing(provider: "anthropic", keyName: "ANTHROPIC_API_KEY")
    let refused = GibseyError.cannotReach(
      provider: "ollama", address: "localhost:11434", reason: "connection refused",
      hint: "start Ollama with `ollama serve`")
    let failure = TransportFailure.refused(reason: "connection refused")
    let asking = Asking(
      candidates: [
        .usable(try Providers.named("ollama")), .unusable(name: "openai", withheld),
        .unusable(name: "anthropic", missing),
      ], transport: ScriptedTransport([.failure(failure), .failure(failure), .failure(failure)]),
      clock: ScriptedClock().clock)
    let telling = await Telling.of(asking)
    #expect(telling.failure == .noProvider(failures: [refused, withheld, missing]))
    #expect(
      telling.failure?.hint
        == "start Ollama with `ollama serve`, or set OPENAI_BASE_URL and OPENAI_API_KEY in the same place, both in the "
        + "environment or both in ./.env, or set ANTHROPIC_API_KEY")
  }

  @Test func `what was tried decides the status when it agrees`() {
    let missing = GibseyError.keyMissing(provider: "openai", keyName: "OPENAI_API_KEY")
    let limited = GibseyError.rateLimited(provider: "ollama", reason: "", retryAfterMilliseconds: 7000)
    let failed = GibseyError.providerFailed(provider: "anthropic", status: 500, reason: "")
    #expect(GibseyError.noProvider(failures: [limited, missing]).exitStatus == .tryAgain)
    #expect(GibseyError.noProvider(failures: [limited, missing]).retryAfterMilliseconds == 7000)
    #expect(GibseyError.noProvider(failures: [limited, failed]).exitStatus == .unavailable)
    #expect(GibseyError.noProvider(failures: [missing]).exitStatus == .unavailable)
    #expect(!GibseyError.noProvider(failures: [missing]).isRetryable)
  }

  @Test func `the fallback list is the order, and a provider's name overrules it`() async throws {
    let transport = ScriptedTransport([Self.other, Self.answer])
    var policy = AskingPolicy()
    policy.fallback = ["openai"]
    let asking = try asking(transport, ScriptedClock(), ["ollama", "openai"], policy: policy)
    #expect(await Telling.of(asking).text == "B")
    let named = Prompt(
      prompt: "x", messages: [Message(role: .user, content: "x")], options: RequestOptions(provider: "ollama"))
    #expect(await Telling.of(asking, named).text == "A")
    let unknown = Prompt(
      prompt: "x", messages: [Message(role: .user, content: "x")], options: RequestOptions(provider: "oracle"))
    #expect(
      await Telling.of(asking, unknown).failure
        == .usage("unknown provider oracle", hint: "known are: ollama, openai"))
  }

  @Test func `a provider that keeps failing is tried last for a while`() async throws {
    let scripts = Array(repeating: Self.status(500), count: 3) + [Self.other, Self.other, Self.answer]
    let transport = ScriptedTransport(scripts)
    let clock = ScriptedClock()
    let asking = try asking(transport, clock, ["ollama", "openai"])
    #expect(await Telling.of(asking).steps.last == "ollama to openai")
    #expect(await Telling.of(asking).steps.isEmpty)
    clock.advance(31)
    #expect(await Telling.of(asking).text == "A")
  }

  @Test func `a provider whose answers keep breaking off is failing, and tried last for a while`() async throws {
    let cut = ScriptedTransport.Script.answer(200, [Answers.line("A")], then: .cut(reason: "reset"))
    // More than one of the others, so that whoever asks the wrong one fails and does not crash.
    let transport = ScriptedTransport([cut, cut, Self.answer, cut, cut, cut] + Array(repeating: Self.other, count: 9))
    let asking = try asking(transport, ScriptedClock(), ["ollama", "openai"])
    for count in 1...6 {
      #expect(asking.providerStates()[0].state == .usable, "before answer \(count): a whole one clears the name")
      _ = await Telling.of(asking)
    }
    #expect(asking.providerStates().map(\.state) == [.failing, .usable])
    #expect(await Telling.of(asking).steps.isEmpty, "the other is asked at once")
  }

  @Test func `failures far apart do not count together`() {
    var breaker = CircuitBreaker()
    for time in [0.0, 30, 61] { breaker.noteFailure(of: "a", at: time) }
    #expect(breaker.order(["a", "b"], at: 62) == ["a", "b"])
    breaker.noteFailure(of: "a", at: 63)
    #expect(breaker.order(["a", "b"], at: 64) == ["b", "a"])
    #expect(breaker.order(["a"], at: 64) == ["a"])
    breaker.noteAnswer(of: "a")
    #expect(breaker.order(["a", "b"], at: 64) == ["a", "b"])
  }

  @Test func `the time for the whole answer shrinks with each try and ends it as cancelled`() async throws {
    var policy = AskingPolicy()
    policy.deadlines.total = .seconds(10)
    let transport = ScriptedTransport([
      Self.status(500), .answer(200, [Answers.line("A")], then: .timedOut(.end, .milliseconds(9500))),
    ])
    let telling = await Telling.of(try asking(transport, ScriptedClock(), policy: policy))
    #expect(transport.deadlines.map(\.total) == [.seconds(10), .milliseconds(9500)])
    #expect(telling.text == "A")
    #expect(telling.completion?.finishReason == .cancelled)
    #expect(telling.failure == .timedOut(provider: "ollama", waitedFor: "end of the answer", seconds: 10))
  }

  @Test func `bytes that never make a line are silence`() async throws {
    let clock = ScriptedClock()
    let transport = DrippingTransport(clock: clock, secondsApart: 7)
    var policy = AskingPolicy()
    policy.deadlines.firstByte = .seconds(20)
    let asking = Asking(
      candidates: [.usable(try Providers.named("ollama"))], transport: transport, policy: policy, clock: clock.clock)
    #expect(
      await Telling.of(asking).failure == .timedOut(provider: "ollama", waitedFor: "first token", seconds: 20))
  }

  /// One space after the other, for ever.
  private struct DrippingTransport: Transport {
    let clock: ScriptedClock
    let secondsApart: Double

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
      HTTPResponse(
        head: HTTPHead(status: 200, headers: []),
        body: HTTPBody {
          clock.advance(secondsApart)
          return [0x20]
        })
    }
  }
}
