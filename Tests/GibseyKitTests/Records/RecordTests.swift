// The grammar: what is read, what is written, what is refused.
import Testing

@testable import GibseyKit

@Suite struct RecordTests {
  private func decode(_ line: String, bare: RecordCoder.BareObject? = nil) throws -> Record {
    try RecordCoder.decode(Array(line.utf8), bare: bare)
  }

  private func encode(_ record: Record) -> String { String(decoding: RecordCoder.encode(record), as: UTF8.self) }

  @Test func theExampleThatMustKeepWorking() throws {
    let line =
      #"{"type":"ai_chat_request","data":{"prompt":"What is consciousness?","character_id":"london-fox","current_page_id":"012"}}"#
    let record = try decode(line)
    #expect(
      record
        == .chatRequest(
          ChatRequest(prompt: "What is consciousness?", characterID: "london-fox", currentPageID: "012")))
    #expect(encode(record) == line + "\n")
  }

  @Test func aPagesUnknownFieldsGoIntoItsMetadataAndOldNamesAreRead() throws {
    let record = try decode(
      #"{"symbolId":"princhetta","text":"t","pageIndex":3,"mood":{"x":[1.50]},"metadata":{"k":"v"},"title":null}"#,
      bare: .page)
    #expect(
      encode(record)
        == #"{"type":"page","data":{"character_id":"princhetta","page_index":3,"metadata":{"k":"v","mood":{"x":[1.50]}},"text":"t"}}"#
        + "\n")
  }

  @Test func aPagesMetadataIsKeptAsItCameWhateverStandsBesideIt() throws {
    let record = try decode(#"{"text":"a","x":2,"metadata":{"x":1},"y":3,"y":4}"#, bare: .page)
    #expect(encode(record) == #"{"type":"page","data":{"metadata":{"x":1,"y":4},"text":"a"}}"# + "\n")
  }

  @Test(arguments: [
    #"{"type":"ai_chat_request","data":{"prompt":"x","request_id":"ID"}}"#,
    #"{"type":"ai_prompt","data":{"messages":[{"role":"user","content":"x"}],"request_id":"ID"}}"#,
    #"{"type":"ai_chat_cancel","data":{"request_id":"ID"}}"#, #"{"type":"ping","data":{"request_id":"ID"}}"#,
  ]) func aRequestIDHasAtMost256Bytes(_ line: String) throws {
    let id = String(repeating: "é", count: 128)
    _ = try decode(line.replacing("ID", with: id))
    #expect(throws: RecordProblem("request_id: wanted at most 256 bytes")) {
      try decode(line.replacing("ID", with: id + "x"))
    }
    #expect(RecordCoder.requestID(in: Array(line.replacing("ID", with: id).utf8)) == id)
    #expect(RecordCoder.requestID(in: Array(line.replacing("ID", with: id + "x").utf8)) == nil)
  }

  @Test func anUnknownTypePassesThroughByteByByte() throws {
    let line = #"{ "data": {"b": 1.50, "a": "\u00e9"} , "type":"from_the_future" }"#
    #expect(encode(try decode(line)) == line + "\n")
  }

  @Test(arguments: [
    ("[1]", "wanted a JSON object"),
    ("{", "not JSON: wanted a string at byte 2"),
    (#"{"type":"page"}"#, #"wanted "type" (a string) and "data" (an object)"#),
    (#"{"type":"page","data":{}}"#, "text: missing"),
    (#"{"type":"page","data":{"text":1}}"#, "text: wanted a string"),
    (#"{"type":"page","data":{"text":"t","page_index":0}}"#, "page_index: wanted 1 or more"),
    (#"{"type":"page","data":{"text":"t","motifs":["a",1]}}"#, "motifs: wanted an array of strings"),
    (
      #"{"type":"ai_chat_request","data":{"prompt":"q","history":[{"role":"system","content":"c"}]}}"#,
      "history: wanted the roles user and assistant"
    ),
    (#"{"type":"ai_prompt","data":{}}"#, "messages: missing"),
    (#"{"type":"ai_chat_cancel","data":{"x":1}}"#, "wanted response_id or request_id"),
    (#"{"type":"ai_response_resume","data":{"response_id":"r"}}"#, "after_seq: missing"),
  ])
  func aBrokenLineSaysWhatIsWrong(line: String, reason: String) {
    #expect(throws: RecordProblem(reason)) { try decode(line) }
  }

  @Test func framesAreWrittenInTheirFixedOrderAndAPingComesBackAsItCame() throws {
    #expect(
      encode(try decode(#"{"type":"vault_update","data":{"timestamp":"t","more":1,"vault_data":{"a":1}}}"#))
        == #"{"type":"vault_update","data":{"vault_data":{"a":1},"timestamp":"t"}}"# + "\n")
    #expect(
      encode(try decode(#"{"type":"pong","data":{"timestamp":[1e3,{"x":null}]}}"#))
        == #"{"type":"pong","data":{"timestamp":[1e3,{"x":null}]}}"# + "\n")
  }

  @Test func aPromptThatWasChangedOnItsWayIsAnotherPrompt() throws {
    let said = Prompt(prompt: "Hi", messages: [Message(role: .user, content: "Hi")])
    let line = String(decoding: RecordCoder.encode(.prompt(said)), as: UTF8.self)
    for (sent, messages) in [
      (line, said.messages),
      (line.replacing("\"content\":\"Hi\"", with: "\"content\":\"Ho\""), [Message(role: .user, content: "Ho")]),
    ] {
      guard case .prompt(let read) = try RecordCoder.decode(Array(sent.utf8)) else {
        Issue.record("no prompt")
        return
      }
      #expect(read.messages == messages)
      #expect(read.promptID == Prompt.identifier(of: messages))
    }
  }

  @Test func aPromptsIdentifierIsTheHashOfItsCanonicalMessages() {
    let messages = [Message(role: .user, content: "Hi \"you\"")]
    // printf '[{"role":"user","content":"Hi \\"you\\""}]' | sha256sum
    #expect(
      Prompt(prompt: "Hi", messages: messages).promptID
        == SHA256.hexadecimal(of: Array(#"[{"role":"user","content":"Hi \"you\""}]"#.utf8)))
  }

  @Test func aPromptThatGoesOnAfterASeamHasTheIdentifierThatItBeganWith() {
    let messages = [Message(role: .user, content: "Hi")]
    let prompt = Prompt(prompt: "Hi", messages: messages)
    // Asked of the longer one first: of both it is found once.
    let longer = prompt.continuing(after: Array("I".utf8))
    #expect(longer.messages.count == 3)
    #expect(longer.promptID == Prompt.identifier(of: messages))
    #expect(prompt.promptID == longer.promptID)
    #expect(longer != prompt)
  }

  @Test func aPromptAndAnAnswersEndComeBackAsTheyWent() throws {
    let prompt = Prompt(
      prompt: "Q?", characterID: "c", messages: [Message(role: .user, content: "Q?")],
      pages: [
        PromptPage(id: "1", title: nil, score: 1.5, tokens: 9, reasons: JSONObject(), isExcerpt: true)
      ],
      tokens: TokenShares(budget: 10, total: 9, persona: 1, pages: 2, history: 3, query: 3),
      leftOut: [LeftOut(kind: "page", id: "2", reason: "budget", tokens: 4)], gatePageID: "1",
      requestID: "r", sessionID: "s", options: RequestOptions(temperature: 0.5))
    #expect(try decode(encode(.prompt(prompt))) == .prompt(prompt))
    let end = ResponseStream(
      responseID: "r", token: "", timestamp: "2025-06-16T09:32:20.776166Z", seq: 4,
      completion: Completion(
        finishReason: .cancelled, provider: "ollama", model: "m", promptID: "p",
        usage: Usage(promptTokens: 1, completionTokens: nil, isEstimated: true), durationMilliseconds: 7))
    #expect(
      encode(.responseStream(end))
        == #"{"type":"ai_response_stream","data":{"response_id":"r","token":"","is_complete":true,"timestamp":"2025-06-16T09:32:20.776166Z","seq":4,"finish_reason":"cancelled","provider":"ollama","model":"m","prompt_id":"p","usage":{"prompt_tokens":1,"estimated":true},"citations":[],"duration_ms":7}}"#
        + "\n")
    #expect(try decode(encode(.responseStream(end))) == .responseStream(end))
  }
}
