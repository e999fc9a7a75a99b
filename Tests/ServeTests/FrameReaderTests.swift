// The reader of frames by itself: every way to cut the bytes, every way to break the rules.
import NIOCore
import Testing

@testable import gibsey_serve

@Suite struct FrameReaderTests {
  /// The events of bytes that come in pieces of a size, and how it ended.
  private func events(
    _ bytes: [UInt8], by size: Int = .max, limit: Int = 1000, fragments: Int = 10
  ) -> ([FrameReader.Event], SocketFault?) {
    var reader = FrameReader(limitBytes: limit, fragmentLimit: fragments)
    var events: [FrameReader.Event] = []
    for start in stride(from: 0, to: bytes.count, by: min(size, bytes.count)) {
      var buffer = ByteBuffer(bytes: bytes[start..<min(start + min(size, bytes.count), bytes.count)])
      do {
        while let event = try reader.next(&buffer) { events.append(event) }
      } catch { return (events, error) }
    }
    return (events, nil)
  }

  private static let frame = RawClient.frame(_:first:)

  @Test(arguments: [1, 2, 3, 5, 7, 64, 100_000]) func messagesAreWholeHoweverTheyAreCut(_ size: Int) {
    let long = Array(String(repeating: "äß€𝄞", count: 40).utf8)
    let bytes =
      RawClient.frame("Hello") + RawClient.frame([UInt8](0...255), first: 0x82)
      + RawClient.frame(Array(long[..<101]), first: 0x01) + RawClient.frame("ping", first: 0x89)
      + RawClient.frame(Array(long[101..<302]), first: 0x00) + RawClient.frame(Array(long[302...]), first: 0x80)
      + RawClient.frame("", first: 0x8A) + RawClient.frame([0x03, 0xE8] + Array("bye".utf8), first: 0x88)
    let (found, fault) = events(bytes, by: size)
    #expect(fault == nil)
    #expect(
      found == [
        .text(Array("Hello".utf8)), .binary([UInt8](0...255)), .ping(Array("ping".utf8)), .text(long), .pong([]),
        .close(1000, reason: Array("bye".utf8)),
      ])
  }

  @Test(
    arguments: [
      (RawClient.frame([1], first: 0xC1), 1002), (RawClient.frame([1], first: 0xA1), 1002),
      (RawClient.frame([1], first: 0x91), 1002), (RawClient.frame([1], first: 0x83), 1002),
      (RawClient.frame([1], first: 0x8B), 1002), (RawClient.frame([1], isMasked: false), 1002),
      (RawClient.frame([1], first: 0x09), 1002),
      (RawClient.frame([UInt8](repeating: 1, count: 126), first: 0x89), 1002),
      (RawClient.frame([1], first: 0x80), 1002), (RawClient.frame([1], first: 0x00), 1002),
      (RawClient.frame([0x41], first: 0x01) + RawClient.frame([0x41], first: 0x81), 1002),
      (RawClient.frame([0x03], first: 0x88), 1002), (RawClient.frame([0x03, 0xEC], first: 0x88), 1002),
      (RawClient.frame([0x03, 0xED], first: 0x88), 1002), (RawClient.frame([0x03, 0xEE], first: 0x88), 1002),
      (RawClient.frame([0x00, 0x00], first: 0x88), 1002), (RawClient.frame([0x03, 0xF7], first: 0x88), 1002),
      (RawClient.frame([0x07, 0xD0], first: 0x88), 1002), (RawClient.frame([0x13, 0x88], first: 0x88), 1002),
      (RawClient.frame([0x03, 0xE8, 0xFF], first: 0x88), 1007), (RawClient.frame([0x80]), 1007),
      (RawClient.frame([0xC0, 0x80]), 1007), (RawClient.frame([0xED, 0xA0, 0x80]), 1007),
      (RawClient.frame([0xF4, 0x90, 0x80, 0x80]), 1007), (RawClient.frame([0xE2, 0x82]), 1007),
      (RawClient.frame([0xE2], first: 0x01) + RawClient.frame([0x28], first: 0x80), 1007),
      (RawClient.frame([], announced: 1001), 1009), (RawClient.frame([], announced: 1 << 40), 1009),
      (RawClient.frame([], announced: .min), 1002),
      (
        RawClient.frame([UInt8](repeating: 1, count: 600), first: 0x02)
          + RawClient.frame([], first: 0x80, announced: 401), 1009
      ),
      ([0x82, 0xFE, 0x00, 0x05, 0, 0, 0, 0, 1, 2, 3, 4, 5], 1002),
      (
        [UInt8]([0x01, 0x80, 0, 0, 0, 0]) + [UInt8](repeatElement([0x00, 0x80, 0, 0, 0, 0], count: 10).joined()), 1008
      ),
    ] as [([UInt8], UInt16)]) func aBrokenRuleHasItsCode(_ bytes: [UInt8], _ code: UInt16)
  {
    #expect(events(bytes).1?.code == code)
    #expect(events(bytes, by: 1).1?.code == code)
  }

  @Test func textIsFoundToBeNoneBeforeItsFrameIsWhole() {
    let (found, fault) = events(Array(RawClient.frame([0x61, 0xFF] + [UInt8](repeating: 0x61, count: 90)).prefix(10)))
    #expect(found == [])
    #expect(fault == .notText)
  }

  @Test func everyCodeThatMayBeSentMayBeReceived() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
      let (found, fault) = events(RawClient.frame([UInt8(code >> 8), UInt8(code & 0xFF)], first: 0x88))
      #expect(found == [.close(UInt16(code), reason: [])])
      #expect(fault == nil)
    }
  }

  @Test func theCheckOfTextAgreesWithSwiftOnEveryTwoBytesAndOnRandomOnes() {
    func isText(_ bytes: [UInt8]) -> Bool {
      var check = UTF8Check()
      for byte in bytes { guard [byte].withUnsafeBytes({ check.consume($0) }) else { return false } }
      return check.isWhole
    }
    var wrong: [[UInt8]] = []
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max {
        let bytes = [first, second]
        if isText(bytes) != (String(validating: bytes, as: UTF8.self) != nil) { wrong.append(bytes) }
      }
    }
    var seed: UInt64 = 11
    for _ in 0..<20_000 {
      let bytes = (0..<5).map { _ -> UInt8 in
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return [0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4][
          Int(seed >> 60)]
      }
      if isText(bytes) != (String(validating: bytes, as: UTF8.self) != nil) { wrong.append(bytes) }
    }
    #expect(wrong == [])
  }

  @Test func theDigestOfTheHandshakeIsThatOfTheSpecification() {
    // FIPS 180-4's first example and RFC 6455 §1.3.
    #expect(
      SHA1.digest(of: Array("abc".utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        == "a9993e364706816aba3e25717850c26c9cd0d89d")
  }
}
