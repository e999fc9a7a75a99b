// What a terminal gets to see of foreign text, and times and ids.
import Testing

@testable import GibseyKit

@Suite struct TerminalFilterTests {
  @Test(arguments: [
    ("plain\ttext\n", "plain\ttext\n"), ("a\u{1B}[31mred\u{1B}[0m", "ared"),
    ("a\u{1B}]0;title\u{07}b", "ab"), ("a\u{1B}]8;;http://x\u{1B}\\b", "ab"),
    ("a\u{9B}31mb", "ab"), ("a\u{1B}(Bb", "ab"), ("over\rwrite\u{08}\u{7F}", "overwrite"),
    ("a\u{202E}b\u{2066}c\u{200F}", "abc"), ("Füchse 🦊", "Füchse 🦊"),
    ("a\u{1B}]0;never ended\nb", "a\nb"), ("a\u{1B}Pq\u{9C}b", "ab"),
  ])
  func `what drives a terminal is left out, however it is cut`(text: String, shown: String) {
    let bytes = Array(text.utf8)
    for size in 1...bytes.count {
      var filter = TerminalFilter()
      var output: [UInt8] = []
      var start = 0
      while start < bytes.count {
        let end = min(start + size, bytes.count)
        output += filter.consume(bytes[start..<end])
        start = end
      }
      #expect(String(decoding: output, as: UTF8.self) == shown)
    }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000000Z"), (1_750_066_340_776_166, "2025-06-16T09:32:20.776166Z"),
    (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"), (-1, "1969-12-31T23:59:59.999999Z"),
  ])
  func `a time stamp is UTC with six digits`(microseconds: Int, text: String) {
    #expect(Timestamp(microseconds: microseconds).text == text)
  }

  @Test func `a stamp behind others is that of its time alone`() {
    var generator = SeededGenerator(seed: 3)
    for start in [0, 1_750_066_340_776_166, -3_000_000, 253_402_300_799_000_000, -62_167_219_201_000_000] {
      var (stamps, time) = (TimestampText(), start)
      for _ in 0..<200 {
        stamps.stamp(Timestamp(microseconds: time))
        #expect(stamps.utf8 == Timestamp(microseconds: time).utf8)
        // Clocks are set back at times.
        time += Int.random(in: -200_000...400_000, using: &generator)
      }
    }
  }

  @Test func `a random id is a version 4 UUID`() {
    let id = Array(RandomID.make())
    #expect(id.count == 36)
    #expect(id[14] == "4")
    #expect("89ab".contains(id[19]))
    #expect([8, 13, 18, 23].allSatisfy { id[$0] == "-" })
  }
}
