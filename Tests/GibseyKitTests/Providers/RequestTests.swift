// What each provider is sent, and what its refusals mean.
import Testing

@testable import GibseyKit

@Suite struct RequestTests {
  private static let prompt = Prompt(
    prompt: "Who?",
    messages: [
      Message(role: .system, content: "You are the fox."),
      Message(role: .system, content: "Page 1."),
      Message(role: .user, content: "Hi"), Message(role: .assistant, content: "Yes?"),
      Message(role: .user, content: "Who?"),
    ])
  private static let joined =
    #""messages":[{"role":"system","content":"You are the fox.\n\nPage 1."},"#
    + #"{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"},"#
    + #"{"role":"user","content":"Who?"}]"#

  private func body(_ name: String, _ options: RequestOptions = RequestOptions()) throws -> String {
    let request = try Providers.named(name).request(for: Self.prompt, options: options, lessons: RequestLessons())
    return String(decoding: request.body, as: UTF8.self)
  }

  @Test func `Ollama is told a window and not to cut`() throws {
    #expect(
      try body("ollama")
        == #"{"model":"m",\#(Self.joined),"stream":true,"truncate":false,"shift":false,"#
        + #""options":{"num_ctx":8192}}"#)
    #expect(
      try body("ollama", RequestOptions(model: "x", temperature: 0.5, maxTokens: 4000))
        == #"{"model":"x",\#(Self.joined),"stream":true,"truncate":false,"shift":false,"#
        + #""options":{"num_ctx":10240,"num_predict":4000,"temperature":0.5}}"#)
  }

  @Test func `neighbours of one role are sent as one message`() throws {
    let prompt = Prompt(
      prompt: "Who?",
      messages: [
        Message(role: .system, content: "Rules."), Message(role: .user, content: "a"),
        Message(role: .user, content: "b"), Message(role: .assistant, content: "c"),
        Message(role: .assistant, content: "d"), Message(role: .user, content: "Who?"),
      ])
    let sent =
      #"{"role":"user","content":"a\n\nb"},{"role":"assistant","content":"c\n\nd"},"#
      + #"{"role":"user","content":"Who?"}]"#
    for name in ["ollama", "openai", "anthropic"] {
      let request = try Providers.named(name).request(
        for: prompt, options: RequestOptions(), lessons: RequestLessons())
      #expect(String(decoding: request.body, as: UTF8.self).contains(sent), "\(name)")
    }
  }

  @Test func `OpenAI's own server and the others name the limit differently`() throws {
    let options = RequestOptions(maxTokens: 9)
    #expect(
      try body("openai", options)
        == #"{"model":"m",\#(Self.joined),"stream":true,"stream_options":{"include_usage":true},"#
        + #""max_completion_tokens":9}"#)
    let other = OpenAI(account: try Providers.account("http://localhost:8080/v1"))
    let request = other.request(for: Self.prompt, options: options, lessons: RequestLessons())
    #expect(
      String(decoding: request.body, as: UTF8.self)
        == #"{"model":"m",\#(Self.joined),"stream":true,"stream_options":{"include_usage":true},"#
        + #""max_tokens":9}"#)
    #expect(request.url == "http://localhost:8080/v1/chat/completions")
    #expect(!request.headers.contains { $0.name == "Authorization" })
  }

  @Test func `Anthropic takes system text apart and wants a limit`() throws {
    #expect(
      try body("anthropic")
        == #"{"model":"m","max_tokens":1024,"system":[{"type":"text","text":"You are the fox."},"#
        + #"{"type":"text","text":"Page 1."}],"messages":[{"role":"user","content":"Hi"},"#
        + #"{"role":"assistant","content":"Yes?"},{"role":"user","content":"Who?"}],"stream":true}"#
    )
    let request = try Providers.named("anthropic").request(
      for: Self.prompt, options: RequestOptions(), lessons: RequestLessons())
    #expect(request.url == "https://api.anthropic.com/v1/messages")
    #expect(
      request.headers == [
        HTTPHeader("Content-Type", "application/json"),
        HTTPHeader("anthropic-version", "2023-06-01"),
        HTTPHeader("x-api-key", "sk-secret"),
      ])
  }

  @Test func `a key is in no description`() throws {
    let account = try Providers.account("https://api.openai.com/v1", key: "sk-secret")
    #expect(!"\(account)\(String(reflecting: account))".contains("sk-secret"))
    var dumped = ""
    dump(account, to: &dumped)
    #expect(!dumped.contains("sk-secret"))
  }

  private func failure(
    _ status: Int, _ body: String, _ headers: [HTTPHeader] = []
  ) throws -> GibseyError {
    try Providers.named("openai").failure(
      head: HTTPHead(status: status, headers: headers), body: Array(body.utf8))
  }

  @Test func `a status and its words become the failure that they mean`() throws {
    #expect(
      try failure(401, #"{"error":{"message":"Incorrect API key provided: sk-secret."}}"#)
        == .keyRefused(
          provider: "openai", keyName: "OPENAI_API_KEY", reason: "Incorrect API key provided: …"))
    #expect(
      try failure(
        404, #"{"error":{"message":"The model `m` does not exist","code":"model_not_found"}}"#)
        == .modelMissing(provider: "openai", model: "m", reason: "The model `m` does not exist"))
    #expect(
      try failure(404, "404 page not found")
        == .requestRefused(provider: "openai", status: 404, reason: "404 page not found"))
    #expect(
      try failure(429, #"{"error":{"message":"Slow down"}}"#, [HTTPHeader("Retry-After", "1.5")])
        == .rateLimited(provider: "openai", reason: "Slow down", retryAfterMilliseconds: 1500))
    #expect(
      try failure(429, #"{"error":{"message":"Pay up","code":"insufficient_quota"}}"#)
        == .quotaExhausted(provider: "openai", reason: "Pay up"))
    #expect(
      try failure(502, "<html><head><title>Bad Gateway</title></head><body>nginx</body></html>")
        == .providerFailed(provider: "openai", status: 502, reason: "Bad Gateway nginx"))
    #expect(
      try failure(500, "")
        == .providerFailed(provider: "openai", status: 500, reason: "no reason given"))
    #expect(
      try failure(302, "")
        == .requestRefused(
          provider: "openai", status: 302, reason: "a redirect, not followed"))
    #expect(
      try failure(400, #"{"error":"bad"}"#)
        == .requestRefused(provider: "openai", status: 400, reason: "bad"))
  }

  @Test func `an address is http or https, without user, query and fragment`() throws {
    #expect(try WebAddress("http://localhost:11434/").display == "localhost:11434")
    #expect(try WebAddress("https://api.openai.com/v1").display == "api.openai.com")
    #expect(try WebAddress("http://[::1]:8080").display == "[::1]:8080")
    #expect(try WebAddress("HTTPS://A.example/v1//").appending("/x") == "HTTPS://A.example/v1/x")
    let local = ["169.254.0.1", "2852039166", "[fe80::1]", "[febf::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"]
    for host in local { #expect(try WebAddress("http://\(host):80").isLinkLocal) }
    for host in ["169.253.0.1", "127.0.0.1", "[fec0::1]", "[::1]", "169.254.example", "localhost"] {
      #expect(try !WebAddress("http://\(host):80").isLinkLocal)
    }
    for text in [
      "ftp://a", "a", "http://", "http://u:p@a", "http://a/?q", "http://a/#f", "http://a:0",
      "http://a b", "http://a:99999",
    ] {
      #expect(throws: WebAddress.Problem.self) { try WebAddress(text) }
    }
  }
}
