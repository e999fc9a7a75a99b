// JSON in and out: RFC 8259, order kept, numbers kept.
import Testing

@testable import GibseyKit

@Suite struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONScanner.scan(text.utf8) { try $0.value() }
  }

  @Test(arguments: [
    (#"{"b":1,"a":[true,false,null]}"#, #"{"b":1,"a":[true,false,null]}"#),
    (#" [ 1.0 , 1e2 , 0.1 , -0.5 , 1E-7 ] "#, "[1,100,0.1,-0.5,1e-07]"),
    ("[12345678901234567890123,9007199254740993,1e400]", "[12345678901234567890123,9007199254740993,1e400]"),
    (#""a\u00e9\ud83d\ude00\/\"\\\n""#, #""aé😀/\"\\\n""#),
    (#""\u0001\u001f\u007f""#, "\"\\u0001\\u001f\u{7F}\""),
    ("{}", "{}"), ("[]", "[]"), (#""""#, #""""#), ("-0", "0"),
  ])
  func readsAndWritesTheShortestForm(text: String, written: String) throws {
    #expect(try parse(text).text == written)
    #expect(try parse(written).text == written)
  }

  @Test func whatIsKeptAsItCameKeepsItsNumbers() throws {
    let text = #"{"a":[1.10,-0,1e2,{"b":1.0}],"c":12345678901234567890123}"#
    #expect(try parse(text).asItCame.text == text)
    let number = try #require(try parse("1.10").asItCame.doubleValue)
    #expect(number == 1.1)
    #expect(try parse("1.0").integerValue == 1)
    #expect(try parse("1.0") == parse("1"))
  }

  @Test(arguments: [
    "", "{", "[1,]", #"{"a"}"#, #"{"a":1,}"#, "01", "1.", "1e", "+1", "nul", "truex", #""a"#, "\"\n\"",
    #""\x""#, #""\u12"#, "[1 2]", "1 2", "{1:2}", "NaN", "[\"\\", "-",
  ])
  func refusesWhatIsNotJSON(text: String) {
    #expect(throws: JSONError.self) { try parse(text) }
  }

  @Test func refusesInvalidUTF8AndNamesTheByte() {
    let bytes: [UInt8] = Array(#"{"a":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
    #expect(throws: JSONError(reason: "invalid UTF-8", offset: 5)) {
      try JSONScanner.scan(bytes) { try $0.value() }
    }
  }

  @Test func halfASurrogatePairBecomesTheReplacementCharacter() throws {
    #expect(try parse(#""\ud83dx\ude00""#) == .string("\u{FFFD}x\u{FFFD}"))
  }

  @Test func nestingHasALimitThatNoTextCanExhaust() throws {
    let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
    #expect(try parse(deep).text == deep)
    #expect(throws: JSONError(reason: "nested deeper than 128 levels", offset: 129)) {
      try parse("[" + deep + "]")
    }
    #expect(throws: JSONError.self) { try parse(String(repeating: "[{\"a\":", count: 1_000_000)) }
  }

  @Test func ofEqualKeysTheLastOneCounts() throws {
    let object = try #require(try parse(#"{"a":1,"b":2,"a":3}"#).objectValue)
    #expect(object["a"] == .number(JSONNumber(3)))
  }

  @Test func membersAreVisitedWithoutBeingBuilt() throws {
    var found: [String] = []
    try JSONScanner.scan(#"{"skip":{"a":[1,{"b":"}"}]},"k\u0065y":"v","n":null}"#.utf8) { scanner in
      try scanner.members { key, scanner in
        switch key {
        case "key": found.append(try scanner.string())
        case "n": found.append(try scanner.stringOrSkip() ?? "none")
        default: try scanner.skipValue()
        }
      }
    }
    #expect(found == ["v", "none"])
  }

  @Test func randomBytesNeverCrashTheScanner() {
    var generator = SeededGenerator(seed: 7)
    let alphabet = Array(#"{}[]",:\u0123eE+-.truefalsn "#.utf8) + [0xC3, 0xA9, 0xFF, 0x00, 0x0A]
    for _ in 0..<20_000 {
      let length = Int.random(in: 0...40, using: &generator)
      let bytes = (0..<length).map { _ in alphabet.randomElement(using: &generator)! }
      guard let value = try? JSONScanner.scan(bytes, { try $0.value() }) else { continue }
      let again = try? JSONScanner.scan(value.text.utf8) { try $0.value() }
      #expect(again == value, "seed 7: \(bytes)")
    }
  }

  @Test(arguments: [
    ("0", 0), ("9007199254740991", 9_007_199_254_740_991), ("9007199254740992", nil), ("9223372036854775807", nil),
    ("-1", nil), ("1e3", 1000), ("1.5", nil), ("\"1\"", nil), ("null", nil),
  ]) func aCountIsWhatCanBeCountedWith(_ text: String, _ count: Int?) throws {
    #expect(try JSONScanner.scan(Array(text.utf8)) { try $0.countOrSkip() } == count)
  }
}
