// Lines, however the bytes are cut.
import Testing

@testable import GibseyKit

@Suite struct LineSplitterTests {
  private func lines(_ blocks: [[UInt8]], limit: Int = 100) -> [String] {
    var splitter = LineSplitter(limitBytes: limit)
    var found: [String] = []
    let visit: (LineSplitter.Line) -> Void = { line in
      switch line {
      case .whole(let bytes): found.append(String(decoding: bytes, as: UTF8.self))
      case .tooLong: found.append("<too long>")
      }
    }
    for block in blocks { splitter.consume(block, visit) }
    splitter.finish(visit)
    return found
  }

  @Test func everyCutGivesTheSameLines() {
    let bytes = Array("one\r\ntwo\n\nfour é\r\n\rfive\nlast".utf8)
    let expected = ["one", "two", "", "four é", "\rfive", "last"]
    for first in 0...bytes.count {
      for second in first...bytes.count {
        let blocks = [Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...])]
        #expect(lines(blocks) == expected)
      }
    }
  }

  @Test func aLineOverTheLimitIsReportedOnceAndTheNextOneIsRead() {
    let long = String(repeating: "x", count: 101)
    let exact = String(repeating: "y", count: 100)
    let bytes = Array("a\n\(long)\n\(exact)\nb\n".utf8)
    let expected = ["a", "<too long>", exact, "b"]
    #expect(lines([bytes]) == expected)
    #expect(lines(bytes.map { [$0] }) == expected)
  }

  @Test func anEndlessLineIsNotKept() {
    let block = [UInt8](repeating: 0x78, count: 64)
    #expect(lines(Array(repeating: block, count: 1000) + [Array("\nok".utf8)]) == ["<too long>", "ok"])
  }
}
