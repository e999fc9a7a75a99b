// What standard input holds, however it is cut.
import Testing

@testable import GibseyKit

@Suite struct AskingInputTests {
  private func items(_ text: String, lines: Bool = false, size: Int = 7) throws -> [AskingInput
    .Item]
  {
    try items(Array(text.utf8), lines: lines, size: size)
  }

  private func items(_ bytes: [UInt8], lines: Bool = false, size: Int = 7) throws -> [AskingInput
    .Item]
  {
    var input = AskingInput(source: "stdin", hasPromptLines: lines)
    var items: [AskingInput.Item] = []
    var start = 0
    while start < bytes.count {
      let end = min(start + size, bytes.count)
      items += try input.consume(Array(bytes[start..<end]))
      start = end
    }
    return items + (try input.finish())
  }

  private func prompt(_ text: String, line: Int? = nil) -> AskingInput.Item {
    .prompt(Prompt(prompt: text, messages: [Message(role: .user, content: text)]), line: line)
  }

  @Test(arguments: [1, 2, 3, 1000])
  func `text that is no record is one prompt`(size: Int) throws {
    #expect(try items("Who are you?\nReally?\n\n", size: size) == [prompt("Who are you?\nReally?")])
    #expect(try items("{\"a\": 1}\n{\n", size: size) == [prompt("{\"a\": 1}\n{")])
  }

  @Test func `with lines each line is a prompt`() throws {
    #expect(try items("One?\n\nTwo?", lines: true) == [prompt("One?", line: 1), prompt("Two?", line: 3)])
  }

  @Test(arguments: [1, 5, 1000])
  func `records are read line by line and broken ones told`(size: Int) throws {
    let text = """
      {"data":{"messages":[{"role":"user","content":"Who?"}]},"type":"ai_prompt"}
      {"type":"ai_prompt","data":{}}
      {"type":"weather","data":{"sun":true}}
      """
    let expected = Prompt(prompt: "Who?", messages: [Message(role: .user, content: "Who?")])
    #expect(
      try items(text, size: size) == [
        .prompt(expected, line: 1),
        .broken(.malformedInput(source: "stdin", line: 2, reason: "messages: missing")),
        .other(
          .unknown(type: "weather", line: "{\"type\":\"weather\",\"data\":{\"sun\":true}}"),
          line: Array("{\"type\":\"weather\",\"data\":{\"sun\":true}}".utf8), number: 3),
      ])
  }

  @Test(arguments: [1, 2, 3, 1000])
  func `a byte-order mark is no part of what it stands before`(size: Int) throws {
    #expect(try items("\u{FEFF}Who?", size: size) == [prompt("Who?")])
    let lines = try items("\u{FEFF}One?\nTwo?", lines: true, size: size)
    #expect(lines == [prompt("One?", line: 1), prompt("Two?", line: 2)])
    let record = #"{"type":"ai_prompt","data":{"messages":[{"role":"user","content":"Who?"}]}}"#
    let expected = Prompt(prompt: "Who?", messages: [Message(role: .user, content: "Who?")])
    #expect(try items("\u{FEFF}\(record)", size: size) == [.prompt(expected, line: 1)])
    #expect(throws: GibseyError.self) { try items("\u{FEFF}", size: size) }
  }

  @Test func `a first line that only starts like a record is a broken record`() throws {
    #expect(
      try items("{\"type\":\"ai_prompt\",\n") == [
        .broken(
          .malformedInput(source: "stdin", line: 1, reason: "not JSON: wanted a string at byte 21"))
      ])
  }

  @Test(arguments: ["", "\n \n"])
  func `an empty input is a usage error`(text: String) {
    #expect(throws: GibseyError.self) { try items(text) }
  }

  @Test func `what is no text is told`() throws {
    #expect(
      try items([0x61, 0xFF]) == [
        .broken(.malformedInput(source: "stdin", line: nil, reason: "not UTF-8: this is no text"))
      ])
    #expect(
      try items([0x61, 0x00]) == [
        .broken(.malformedInput(source: "stdin", line: nil, reason: "a NUL byte: this is no text"))
      ])
  }
}
