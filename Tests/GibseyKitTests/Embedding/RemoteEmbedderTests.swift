// Embedders on servers: what is sent, what is believed, what is cut, what is tried again.
import Foundation
import Synchronization
import Testing

@testable import GibseyKit

/// A server that answers by what it was asked: a model of its own behind the wire of one of the services.
private final class AnsweringTransport: Transport {
  private let asked = Mutex<[[String]]>([])
  private let answer: @Sendable ([String]) -> (status: Int, body: String)

  init(_ answer: @escaping @Sendable ([String]) -> (status: Int, body: String)) { self.answer = answer }

  /// The texts of each request.
  var requests: [[String]] { asked.withLock { $0 } }

  func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let object = try JSONScanner.scan(request.body) { try $0.value() }.objectValue
    let texts = object?["input"]?.arrayValue?.compactMap(\.stringValue) ?? []
    asked.withLock { $0.append(texts) }
    let (status, body) = answer(texts)
    let rest = Mutex<[UInt8]?>(Array(body.utf8))
    let cell = Cell(rest.withLock { $0 })
    return HTTPResponse(head: HTTPHead(status: status, headers: []), body: HTTPBody { cell.take() })
  }

  private final class Cell: Sendable {
    private let bytes: Mutex<[UInt8]?>
    init(_ bytes: [UInt8]?) { self.bytes = Mutex(bytes) }
    func take() -> [UInt8]? {
      bytes.withLock { bytes in
        defer { bytes = nil }
        return bytes
      }
    }
  }
}

@Suite struct RemoteEmbedderTests {
  private func embedder(
    _ service: RemoteEmbedder.Service, _ transport: any Transport, dimensions: Int? = 2,
    clock: ScriptedClock = ScriptedClock(), longestWait: Duration = .seconds(60)
  ) async throws -> RemoteEmbedder {
    let account = ProviderAccount(baseURL: try WebAddress("http://127.0.0.1:1"), model: "m")
    let patience = RemoteEmbedder.Patience(
      deadlines: HTTPDeadlines(), retry: Retry(longestWait: longestWait), sleep: clock.clock.sleep,
      chance: clock.clock.chance)
    return try await RemoteEmbedder(
      service, account: account, dimensions: dimensions, transport: transport, patience: patience)
  }

  private static func openAI(_ vectors: [String], tokens: Int = 0) -> String {
    let data = vectors.enumerated().map { "{\"index\":\($0.offset),\"embedding\":\($0.element)}" }
    return "{\"data\":[\(data.joined(separator: ","))],\"usage\":{\"prompt_tokens\":\(tokens)}}"
  }

  @Test func vectorsComeInTheOrderOfTheTextsWhateverTheirOrderOnTheWire() async throws {
    let body = """
      {"data":[{"index":2,"embedding":[0,-3]},{"embedding":"AAAAQAAAAAA=","index":0},{"index":1,"embedding":[0,1]}]}
      """
    let embedder = try await embedder(.openai, ScriptedTransport([.answer(200, [body])]))
    let vectors = try await embedder.embed(["a", "b", "c"]).map { $0.windows.map(\.components) }
    #expect(vectors == [[[1, 0]], [[0, 1]], [[0, -1]]])
    #expect(embedder.fingerprint.description == "openai:m 2")
  }

  @Test func theDimensionsAreThoseOfTheAnswerToAWord() async throws {
    let transport = ScriptedTransport([.answer(200, ["{\"embeddings\":[[1,2,3]],\"prompt_eval_count\":1}"])])
    let embedder = try await embedder(.ollama, transport, dimensions: nil)
    #expect(embedder.fingerprint.description == "ollama:m 3")
    #expect(transport.bodies == ["{\"model\":\"m\",\"input\":[\"word\"],\"truncate\":false}"])
  }

  @Test(arguments: [
    ("{\"embeddings\":[[1,0]]}", "2 texts gave 1 vectors"),
    ("{\"embeddings\":[[1,0],[1,0],[0,1]]}", "2 texts gave 3 vectors"),
    ("{\"embeddings\":[[1,0],[null,1]]}", "a vector with numbers that are none (NaN)"),
    ("{\"embeddings\":[[1,0],[1e39,1]]}", "a vector with numbers that are none (NaN)"),
    ("{\"embeddings\":[[1,0],\"AADAfwAAgD8=\"]}", "a vector with numbers that are none (NaN)"),
    ("{\"embeddings\":[[1,0],[0,0]]}", "a vector of zeros"),
    ("{\"embeddings\":[[1,0],[]]}", "a vector without numbers"),
    ("{\"embeddings\":[[1,0],\"AAA\"]}", "a vector is neither numbers nor the base64 of floats"),
    ("{}", "2 texts gave 0 vectors"), ("<html>", "its answer is no JSON: wanted an object"),
  ]) func anAnswerThatIsNoneIsTold(body: String, reason: String) async throws {
    let embedder = try await embedder(.ollama, ScriptedTransport([.answer(200, [body])]))
    await #expect(throws: GibseyError.embedderMisbehaved(embedder: "ollama:m", reason: reason)) {
      try await embedder.embed(["a", "b"])
    }
  }

  @Test func vectorsThatAreNotNumberedOnceEachAreRefused() async throws {
    for indices in [[0, 0], [1, 2], [0, -1]] {
      let data = indices.map { "{\"index\":\($0),\"embedding\":[1,0]}" }.joined(separator: ",")
      let embedder = try await embedder(.openai, ScriptedTransport([.answer(200, ["{\"data\":[\(data)]}"])]))
      let reason = "its vectors are not numbered from 0, each once"
      await #expect(throws: GibseyError.embedderMisbehaved(embedder: "openai:m", reason: reason)) {
        try await embedder.embed(["a", "b"])
      }
    }
  }

  @Test func otherDimensionsThanBeforeAreRefused() async throws {
    let embedder = try await embedder(.ollama, ScriptedTransport([.answer(200, ["{\"embeddings\":[[1,2,3]]}"])]))
    await #expect(throws: GibseyError.dimensionsChanged(embedder: "ollama:m", was: 2, now: 3)) {
      try await embedder.embed(["a"])
    }
  }

  @Test func noRequestIsLargerThanTheServerTakes() async throws {
    let transport = AnsweringTransport { (200, Self.openAI($0.map { _ in "[1,0]" })) }
    let embedder = try await embedder(.openai, transport)
    let short = (0..<5000).map { "text \($0)" }
    #expect(try await embedder.embed(short).count == 5000)
    #expect(transport.requests.map(\.count) == [2048, 2048, 904])
    #expect(Array(transport.requests.joined()) == short)
    let long = (0..<7).map { _ in String(repeating: "lamp ", count: 60_000) }
    #expect(try await embedder.embed(long).count == 7)
    #expect(transport.requests.dropFirst(3).map(\.count) == [2, 2, 2, 1])
  }

  @Test(arguments: [
    (RemoteEmbedder.Service.ollama, 400, "{\"error\":\"the input length exceeds the context length\"}"),
    (.openai, 400, "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens\"}}"),
    (.openai, 500, "{\"error\":{\"message\":\"input is too large to process. increase the physical batch size\"}}"),
    (.openai, 413, "Request Entity Too Large"),
  ]) func aTextThatIsTooLongIsEmbeddedInParts(service: RemoteEmbedder.Service, status: Int, complaint: String)
    async throws
  {
    let transport = AnsweringTransport { texts in
      guard texts.reduce(0, { $0 + $1.utf8.count }) <= 700 else { return (status, complaint) }
      let vectors = texts.map { "[\($0.utf8.count),1]" }
      return (200, service == .openai ? Self.openAI(vectors) : "{\"embeddings\":[\(vectors.joined(separator: ","))]}")
    }
    let texts = ["short", String(repeating: "lighthouse keeper ", count: 100), "brief"]
    let embeddings = try await embedder(service, transport).embed(texts)
    #expect(embeddings.map(\.windows.count) == [1, 4, 1])
    #expect(embeddings.allSatisfy { !$0.isTruncated })
    // The parts are the text, and every one of them begins with a word.
    let parts = transport.requests.filter { $0.count == 1 && $0[0].utf8.count <= 700 && $0[0].count > 9 }.map { $0[0] }
    #expect(parts.joined() == texts[1])
    #expect(parts.allSatisfy { $0.hasPrefix("lighthouse") || $0.hasPrefix("keeper") })
  }

  @Test func aServerThatFindsEverythingTooLongIsGivenUp() async throws {
    let transport = AnsweringTransport { _ in (400, "{\"error\":\"the input length exceeds the context length\"}") }
    let embedder = try await embedder(.ollama, transport)
    await #expect(throws: GibseyError.self) { try await embedder.embed([String(repeating: "lamp ", count: 1000)]) }
    #expect(transport.requests.count < 10)
  }

  @Test func aTextThatCannotBePartedIsToldAsATextAndNotAsAPrompt() async throws {
    let transport = AnsweringTransport { _ in (400, "{\"error\":\"the input length exceeds the context length\"}") }
    let wanted = GibseyError.textTooLong(
      embedder: "ollama:m", bytes: 5, reason: "the input length exceeds the context length")
    await #expect(throws: wanted) { try await embedder(.ollama, transport).embed(["lamp."]) }
    #expect(wanted.hint == "take another model: --embedding-model names it")
  }

  @Test func aTextThatTheServerCutIsNamedAmongTheOthers() async throws {
    let transport = AnsweringTransport { texts in
      // It reads ten words of each text and says nothing of the others.
      let read = texts.reduce(0) { $0 + min(10, $1.split(separator: " ").count) }
      let vectors = texts.map { _ in "[1,0]" }.joined(separator: ",")
      return (200, "{\"embeddings\":[\(vectors)],\"prompt_eval_count\":\(read)}")
    }
    let texts = ["one two", String(repeating: "word ", count: 30), "three", "four five six"]
    #expect(try await embedder(.ollama, transport).embed(texts).map(\.isTruncated) == [false, true, false, false])
  }

  @Test func aServerIsAskedAgainAfterTheWaitThatItWants() async throws {
    let good = ScriptedTransport.Script.answer(200, ["{\"embeddings\":[[1,0]]}"])
    let later = ScriptedTransport.Script.answer(
      429, ["{\"error\":\"slow down\"}"], headers: [HTTPHeader("Retry-After", "30")])
    let clock = ScriptedClock()
    let transport = ScriptedTransport([later, .failure(.cut(reason: "gone")), good])
    #expect(try await embedder(.ollama, transport, clock: clock).embed(["a"]).count == 1)
    #expect(clock.sleeps == [.seconds(30), .seconds(1)])
    let impatient = try await embedder(.ollama, ScriptedTransport([later]), longestWait: .seconds(5))
    await #expect(
      throws: GibseyError.rateLimited(provider: "ollama", reason: "slow down", retryAfterMilliseconds: 30_000)
    ) { try await impatient.embed(["a"]) }
  }

  @Test func aRefusedKeyIsNotTriedAgain() async throws {
    let transport = ScriptedTransport([.answer(401, ["{\"error\":{\"message\":\"Incorrect API key\"}}"])])
    let embedder = try await embedder(.openai, transport)
    await #expect(
      throws: GibseyError.keyRefused(provider: "openai", keyName: "OPENAI_API_KEY", reason: "Incorrect API key")
    ) { try await embedder.embed(["a"]) }
  }

  @Test func blankTextsAreNeverSent() async throws {
    let transport = AnsweringTransport { (200, Self.openAI($0.map { _ in "[1,0]" })) }
    #expect(try await embedder(.openai, transport).embed(["", " \n"]).count == 2)
    #expect(transport.requests == [[".", "."]])
  }

  @Test(arguments: ["openai:text-embedding-3-small", "ollama:hf.co/a b@c%d", "given:é"])
  func aModelsNameComesBackOutOfItsFingerprint(model: String) {
    let fingerprint = EmbeddingFingerprint(model: model, revision: "r", dimensions: 2, windows: "", prefix: "")
    #expect(EmbeddingFingerprint.model(of: fingerprint.description) == model)
  }
}
