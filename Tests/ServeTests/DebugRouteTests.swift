// Whether the models are there: told without a token being made, and without what is nobody's business.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct DebugRouteTests {
  private static func wishes(_ script: [ScriptedProvider.Step]) -> (TestServer.Wishes, ScriptedProvider) {
    let provider = ScriptedProvider([script])
    var wishes = Story.wishes
    wishes.transport = provider
    return (wishes, provider)
  }

  @Test func providersAreAskedAboutThemselvesAndTheirAddressIsNotTold() async throws {
    let (wishes, provider) = Self.wishes([.fail(.refused(reason: "no route from /secret"))])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let response = try server.get("/test-llm-debug")
      #expect(response.status == 200)
      #expect(response.member("ready") == .bool(false))
      #expect(response.strings("providers", "provider") == ["ollama"])
      #expect(response.strings("providers", "message") == ["ollama cannot be reached"])
      for secret in ["localhost", "127.0.0.1", "11434", "/secret", "address", "hint"] {
        #expect(!response.body.contains(secret), "\(secret)")
      }
      #expect(!provider.requests.isEmpty)
      #expect(provider.requests.allSatisfy { !$0.url.hasSuffix("/api/chat") })
    }
  }

  @Test(arguments: ["{}", #"{"character_id":"london-fox","current_page_id":"p05","session_id":"s1"}"#])
  func aCharacterAnswersAndNothingIsKept(_ body: String) async throws {
    let (wishes, provider) = Self.wishes([.token("I am "), .token("here."), .end])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let response = try server.post("/test-llm-debug", body)
      #expect(response.status == 200)
      #expect(response.member("answer") == .string("I am here."))
      #expect(response.member("provider") == .string("ollama"))
      #expect(response.member("prompt") == .string("Who are you? One sentence is enough."))
      #expect(provider.bodies.count == 1)
      #expect(try server.conversations().sessionCount() == 0)
    }
  }

  @Test func nothingIsShownBehindThePageOfTheSessionThatAsks() async throws {
    let answer: [ScriptedProvider.Step] = [.token("I am here."), .end]
    let provider = ScriptedProvider([answer, answer, answer])
    var wishes = Story.wishes
    wishes.transport = provider
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let question = #"{"prompt":"Who counts the boats by the lantern?","session_id":"s1"#
      #expect(try server.post("/test-llm-debug", question + #""}"#).status == 200)
      #expect(provider.bodies.last?.contains(Story.canary(12)) == true, "a session that is none has no page")
      #expect(try server.post("/api/v1/ask", question + #"","current_page_id":"p03"}"#).status == 200)
      #expect(try server.post("/test-llm-debug", question + #""}"#).status == 200)
      let asked = try #require(provider.bodies.last)
      #expect(asked.contains(Story.canary(3)))
      for secret in Story.secrets(after: 3) { #expect(!asked.contains(secret)) }
    }
  }

  @Test func whatGoesWrongIsToldWithoutInternals() async throws {
    let (wishes, _) = Self.wishes([.token("I"), .fail(.cut(reason: "10.1.2.3"))])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let response = try server.post("/test-llm-debug", "{}")
      #expect(response.status == 502)
      #expect(response.code == "STREAM_CUT")
      #expect(!response.body.contains("10.1.2.3"))
      #expect(try server.post("/test-llm-debug", "[]").code == "MALFORMED_RECORD")
      #expect(try server.post("/test-llm-debug", #"{"character_id":"nobody"}"#).status == 404)
    }
  }
}
