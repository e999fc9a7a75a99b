import Testing

@testable import GibseyKit

/// What is written quickly is what is written slowly.
@Suite struct TokenRecordsTests {
  private static let tokens: [[UInt8]] =
    [
      "", " word", "\"", "a\\b", "\n", "\u{1}", "\u{7F}", "–", " “Ja”, said she", "😀",
      String(repeating: "x\"", count: 300),
    ]
    .map { Array($0.utf8) } + [[0xFF], [0x61, 0xE2, 0x80], [0xED, 0xA0, 0x80]]

  @Test(arguments: [nil, "r1", #"a","token":"","is_complete":false,"timestamp":"","seq":0"#], [nil, "s.1"])
  func `a token's record has the bytes of the record`(requestID: String?, sessionID: String?) {
    let records = TokenRecords(responseID: #"id","token":""#, requestID: requestID, sessionID: sessionID)
    for (index, token) in Self.tokens.enumerated() {
      for seq in [index, 9, 10, 123_456_789] {
        var bytes: [UInt8] = []
        let stamp = "2026-01-02T03:04:05.000006Z"
        token.withUnsafeBufferPointer { records.append($0, at: Array(stamp.utf8), seq: seq, to: &bytes) }
        let record = ResponseStream(
          responseID: #"id","token":""#, token: String(decoding: token, as: UTF8.self), timestamp: stamp, seq: seq,
          requestID: requestID, sessionID: sessionID)
        #expect(bytes == RecordCoder.frame(.responseStream(record)))
      }
    }
  }
}
