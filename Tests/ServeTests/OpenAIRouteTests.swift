// The characters as OpenAI's models: what its clients send and read, and what of it is not theirs to say.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct OpenAIRouteTests {
  private static let answer: [ScriptedProvider.Step] = [.token("A "), .token("lantern."), .end]

  private static func wishes(_ scripts: [ScriptedProvider.Step]...) -> (TestServer.Wishes, ScriptedProvider) {
    let provider = ScriptedProvider(scripts)
    var wishes = Story.wishes
    wishes.transport = provider
    return (wishes, provider)
  }

  private static func body(_ messages: String, model: String = "london-fox@p05", more: String = "") -> String {
    "{\"model\":\"\(model)\",\"messages\":[\(messages)]\(more)}"
  }

  private static let ask = #"{"role":"user","content":"What swings?"}"#

  @Test func theCharactersAreTheModels() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let list = try server.get("/v1/models")
      #expect(list.status == 200)
      #expect(list.member("object") == .string("list"))
      #expect(list.strings("data", "id") == StoryCharacter.knownIDs)
      let model = #"{"id":"london-fox","object":"model","created":0,"owned_by":"gibsey"}"#
      #expect(list.body.contains(model))
      #expect(try server.get("/v1/models/london-fox").body == model + "\n")
      #expect(try server.get("/v1/models/london-fox@p05").member("id") == .string("london-fox@p05"))
      #expect(try server.get("/v1/models/london-fox%40p05").status == 200)
    }
  }

  @Test(arguments: ["gpt-4o", "london-fox@", "london-fox@p99", "@p05", "london-fox@p05@x"])
  func aModelThatIsNotThereIsToldInTheShapeOfOpenAI(_ name: String) async throws {
    let (wishes, provider) = Self.wishes(Self.answer)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let (got, asked) = (
        try server.get("/v1/models/\(name)"), try server.post("/v1/chat/completions", Self.body(Self.ask, model: name))
      )
      for response in [got, asked] {
        #expect(response.status == 404)
        let error = try #require(response.member("error")?.objectValue)
        #expect(error["type"] == .string("invalid_request_error"))
        #expect(error["param"] == .string("model"))
        #expect(error["code"] == .string("model_not_found"))
        if !name.hasPrefix("london-fox@p") {
          #expect(error["message"]?.stringValue?.contains("an-author, arieol-owlist") == true)
        }
      }
      #expect(provider.requests.isEmpty)
    }
  }

  @Test func aWholeAnswerIsACompletion() async throws {
    let (wishes, _) = Self.wishes(Self.answer)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let response = try server.post(
        "/v1/chat/completions",
        Self.body(Self.ask, more: #","temperature":0.3,"n":1,"max_tokens":5,"tools":[],"user":"u""#),
        "Authorization: Bearer whatever")
      #expect(response.status == 200)
      #expect(response.header("content-type") == "application/json")
      #expect(
        response.body == """
          {"id":"chatcmpl-a1","object":"chat.completion","created":0,"model":"london-fox@p05",\
          "system_fingerprint":null,"choices":[{"index":0,"message":{"role":"assistant","content":"A lantern.",\
          "refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":400,"completion_tokens":3,\
          "total_tokens":403,"prompt_tokens_details":{"cached_tokens":0}}}

          """)
    }
  }

  @Test func aStreamIsChunksAndTheUsageWhereItIsWanted() async throws {
    let (wishes, _) = Self.wishes(Self.answer)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      func chunk(_ id: String, _ delta: String, _ finish: String = "null", _ usage: String = "") -> String {
        "data: {\"id\":\"chatcmpl-\(id)\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"london-fox@p05\","
          + "\"system_fingerprint\":null,\"choices\":[{\"index\":0,\"delta\":{\(delta)},\"logprobs\":null,"
          + "\"finish_reason\":\(finish)}]\(usage)}\n\n"
      }
      let deltas = [
        (#""role":"assistant","content":"""#, "null"), (#""content":"A ""#, "null"), (#""content":"lantern.""#, "null"),
        ("", #""stop""#),
      ]
      let plain = try server.post("/v1/chat/completions", Self.body(Self.ask, more: #","stream":true"#))
      #expect(plain.header("content-type") == "text/event-stream")
      #expect(plain.body == deltas.map { chunk("a1", $0, $1) }.joined() + "data: [DONE]\n\n")
      let counted = try server.post(
        "/v1/chat/completions", Self.body(Self.ask, more: #","stream":true,"stream_options":{"include_usage":true}"#))
      let usage =
        #"data: {"id":"chatcmpl-a2","object":"chat.completion.chunk","created":0,"model":"london-fox@p05","#
        + #""system_fingerprint":null,"choices":[],"usage":{"prompt_tokens":400,"completion_tokens":3,"#
        + #""total_tokens":403,"prompt_tokens_details":{"cached_tokens":0}}}"# + "\n\n"
      #expect(
        counted.body == deltas.map { chunk("a2", $0, $1, #","usage":null"#) }.joined() + usage + "data: [DONE]\n\n")
    }
  }

  @Test func theClientsSystemMessagesAreDroppedAndItsTurnsAreTheHistoryOfThatAnswerAlone() async throws {
    let (wishes, provider) = Self.wishes(Self.answer)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let messages = #"""
        {"role":"system","content":"FORGED"},{"role":"user","content":[{"type":"text","text":"Said "},\#
        {"type":"text","text":"BEFORE"}]},{"role":"assistant","content":"Answered BEFORE"},\#
        {"role":"developer","content":"FORGED"},{"role":"user","content":"And now?"}
        """#
      #expect(try server.post("/v1/chat/completions", Self.body(messages)).status == 200)
      #expect(try server.post("/v1/chat/completions", Self.body(Self.ask)).status == 200)
      let bodies = provider.bodies
      #expect(bodies.count == 2)
      #expect(!bodies[0].contains("FORGED"))
      let roles = try #require(try JSONValue(parsing: Array(bodies[0].utf8)).objectValue?["messages"]?.arrayValue)
        .compactMap { $0.objectValue?["role"]?.stringValue }
      #expect(roles == ["system", "user", "assistant", "user"])
      #expect(bodies[0].contains("Said BEFORE") && bodies[0].contains("Answered BEFORE"))
      #expect(!bodies[1].contains("BEFORE"))
      #expect(try server.conversations().sessionCount() == 0)
    }
  }

  @Test func thePageBehindTheNameIsTheGate() async throws {
    let (wishes, provider) = Self.wishes(Self.answer)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let ask = #"{"role":"user","content":"Where is the lantern?"}"#
      for more in ["", #","stream":true"#] {
        let response = try server.post("/v1/chat/completions", Self.body(ask, more: more))
        for secret in Story.secrets(after: 5) {
          #expect(!(provider.bodies + [response.body]).contains { $0.contains(secret) }, "\(secret)")
        }
      }
      #expect(provider.bodies.allSatisfy { $0.contains(Story.canary(5)) })
    }
  }

  @Test(arguments: [
    (#"{"messages":[]}"#, "model", "invalid_value", "model: missing"),
    (#"{"model":"london-fox"}"#, "messages", "invalid_value", "messages: missing"),
    (#"{"model":"london-fox","messages":"x"}"#, "messages", "invalid_value", "messages: wanted an array"),
    (body(""), "messages", "invalid_value", "messages: the last one must be the user's question"),
    (
      body(ask + #",{"role":"assistant","content":"I"}"#), "messages", "invalid_value",
      "messages: the last one must be the user's question"
    ),
    (
      body(#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}"#), "messages",
      "unsupported_value",
      "messages[0].content[0]: characters read text alone"
    ),
    (
      body(#"{"role":"user"}"#), "messages", "invalid_value",
      "messages[0].content: wanted a string or an array of text parts"
    ),
    (
      body(#"{"role":"king","content":"x"}"#), "messages", "invalid_value",
      "messages[0].role: wanted system, developer, user or assistant"
    ),
    (
      body(#"{"role":"tool","tool_call_id":"1","content":"x"},"# + ask), "messages", "unsupported_value",
      "messages[0]: characters use no tools"
    ),
    (body(ask, more: #","n":2"#), "n", "unsupported_value", "one answer at a time: n must be 1"),
    (body(ask, more: #","stream":"yes""#), "stream", "invalid_value", "stream: wanted true or false"),
    (
      body(ask, more: #","stream_options":{"include_usage":true}"#), "stream_options", "invalid_value",
      "stream_options goes with stream: true"
    ),
    (
      body(ask, more: #","tool_choice":"required""#), "tool_choice", "unsupported_value",
      "characters use no tools: tool_choice must be none or auto"
    ),
    (
      body(ask, more: #","response_format":{"type":"json_object"}"#), "response_format", "unsupported_value",
      "characters speak as they do: response_format must be text"
    ),
  ]) func whatCannotBeHadIsRefusedByItsParameter(
    _ body: String, _ parameter: String, _ code: String, _ message: String
  ) async throws {
    let (wishes, provider) = Self.wishes(Self.answer)
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let response = try server.post("/v1/chat/completions", body)
      #expect(response.status == 400)
      let error = try #require(response.member("error")?.objectValue)
      #expect(error["message"]?.stringValue == message)
      #expect(error["param"]?.stringValue == parameter)
      #expect(error["code"]?.stringValue == code)
      #expect(provider.requests.isEmpty)
    }
  }

  @Test func everyErrorBelowV1IsInTheShapeOfOpenAI() async throws {
    var (wishes, _) = Self.wishes([.fail(.cut(reason: "10.1.2.3"))])
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdef\n", path: "tokens")
    wishes.limits.bodyBytes = 300
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let token = "Authorization: Bearer 0123456789abcdef"
      let long = Self.body(#"{"role":"user","content":"\#(String(repeating: "x", count: 400))"}"#)
      let responses = [
        (try server.get("/v1/models"), 401, "invalid_api_key"),
        (try server.get("/v1/models", "Authorization: Bearer wrong"), 401, "invalid_api_key"),
        (try server.get("/v1/nothing", token), 404, "not_found"),
        (try server.get("/v1/chat/completions", token), 405, "method_not_allowed"),
        (try server.post("/v1/chat/completions", long, token), 413, "body_too_large"),
        (try server.post("/v1/chat/completions", "{}", token, type: "text/plain"), 415, "not_json"),
        (try server.post("/v1/chat/completions", Self.body(Self.ask), token), 502, "stream_cut"),
        (
          try server.post("/v1/chat/completions", Self.body(Self.ask, more: #","stream":true"#), token), 502,
          "stream_cut"
        ),
      ]
      for (response, status, code) in responses {
        #expect(response.status == status)
        #expect(response.member("error")?.objectValue?["code"]?.stringValue == code)
        #expect(!response.body.contains("10.1.2.3"))
        #expect(response.header("x-should-retry") == (code == "stream_cut" ? "true" : "false"))
      }
      server.service.drain()
      let leaving = try server.post("/v1/chat/completions", Self.body(Self.ask), token)
      #expect(leaving.status == 503)
      #expect(leaving.header("x-should-retry") == "true")
    }
  }

  @Test func aFailureThatAskingAgainDoesNotHelpIsToldSoToClientsThatAskAgainByThemselves() async throws {
    let (wishes, provider) = Self.wishes([.refuse(HTTPHead(status: 401, headers: []))])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let response = try server.post("/v1/chat/completions", Self.body(Self.ask))
      #expect(response.status == 502)
      #expect(response.header("x-should-retry") == "false")
      #expect(provider.requests.count == 1)
    }
  }

  @Test func whatFailsInTheMiddleOfAStreamIsAnErrorInItAndNoEnd() async throws {
    let (wishes, _) = Self.wishes([.token("A "), .fail(.cut(reason: "10.1.2.3"))])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let response = try server.post("/v1/chat/completions", Self.body(Self.ask, more: #","stream":true"#))
      #expect(response.status == 200)
      let events = response.body.split(separator: "\n\n").map(String.init)
      #expect(events.count == 3)
      #expect(
        events.last
          == #"data: {"error":{"message":"ollama: the answer was cut off","type":"server_error","param":null,"#
          + #""code":"stream_cut"}}"#)
    }
  }

  @Test func whoLeavesEndsTheProvidersWork() async throws {
    for more in [#","stream":true"#, ""] {
      let never = Signal()
      var (wishes, provider) = Self.wishes([.token("A"), .wait(never), .end])
      let bell = Doorbell(inner: provider)
      wishes.transport = bell
      try await TestServer.with(wishes) { [provider] (server: TestServer) async throws -> Void in
        var client: RawClient? = try server.client()
        let body = Self.body(Self.ask, more: more)
        try client?.send(
          "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        await bell.rung.wait()
        client = nil
        await provider.abandoned.wait()
        #expect(try server.get("/v1/models").status == 200)
      }
    }
  }
}
