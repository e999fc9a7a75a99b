// The line of speakers: order, limit, turn and cut.
import Synchronization
import Testing

@testable import GibseyKit

@Suite struct OrderedOutputTests {
  /// Collects what is written.
  private final class Sheet: Sendable {
    private let text = Mutex("")
    var written: String { text.withLock { $0 } }
    func line(limitBytes: Int = 1 << 20) -> OrderedOutput {
      OrderedOutput(limitBytes: limitBytes) { stream, bytes in
        let words = String(decoding: bytes, as: UTF8.self)
        self.text.withLock { $0 += stream == .output ? words : "[\(words)]" }
      }
    }
  }

  private func say(_ words: String, _ place: OrderedOutput.Place, to stream: OrderedOutput.Stream = .output) throws {
    try place.write(Array(words.utf8), to: stream)
  }

  @Test func theFirstWritesThroughAndTheOthersInTheirTurn() throws {
    let sheet = Sheet()
    let line = sheet.line()
    let (one, two, three) = (line.open(), line.open(), line.open())
    try say("c", three)
    try three.close()
    try say("b", two)
    try say("oops", two, to: .errors)
    try say("B", two)
    try say("a", one)
    #expect(sheet.written == "a")
    try say("A", one)
    try one.close()
    #expect(sheet.written == "aAb[oops]B")
    try say("b", two)
    #expect(sheet.written == "aAb[oops]Bb")
    try two.close()
    #expect(sheet.written == "aAb[oops]Bbc")
    let four = line.open()
    try say("d", four)
    #expect(sheet.written == "aAb[oops]Bbcd")
  }

  @Test func whoHoldsTooMuchWaitsForItsTurn() async throws {
    let sheet = Sheet()
    let line = sheet.line(limitBytes: 4096)
    let (one, two) = (line.open(), line.open())
    #expect(line.hasRoom)
    try say(String(repeating: "b", count: 4096), two)
    #expect(!line.hasRoom)
    let waiting = Task {
      try await two.awaitRoom()
      return sheet.written.count
    }
    for _ in 0..<100 { await Task.yield() }
    try await one.awaitRoom()
    try say("a", one)
    try one.close()
    // What it held was written before it may go on.
    #expect(try await waiting.value >= 1)
    #expect(line.hasRoom)
    #expect(sheet.written.count == 4097)
  }

  @Test func aCancelledSpeakerWaitsForNothing() async throws {
    let line = Sheet().line(limitBytes: 0)
    let (one, two) = (line.open(), line.open())
    let waiting = Task { try await two.awaitRoom() }
    waiting.cancel()
    try await waiting.value
    try one.close()
  }

  @Test func nothingAfterACutIsWritten() async throws {
    let sheet = Sheet()
    let line = sheet.line(limitBytes: 600)
    let (one, two, three) = (line.open(), line.open(), line.open())
    try say("c", three)
    let waiting = Task { try await three.awaitRoom() }
    try say("b", two)
    two.cutLine()
    try two.close()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(!line.isOver)
    try say("c", three)
    try three.close()
    try say("a", one)
    try one.close()
    #expect(line.isOver)
    #expect(sheet.written == "ab")
  }

  @Test(arguments: [1, 2, 3]) func theOrderHoldsHoweverTheSpeakersMix(seed: UInt64) async throws {
    let sheet = Sheet()
    let line = sheet.line(limitBytes: 4096)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        let place = line.open()
        group.addTask {
          var generator = SeededGenerator(seed: seed &* 1000 &+ UInt64(number))
          for _ in 0..<5 {
            for _ in 0..<Int.random(in: 0...3, using: &generator) { await Task.yield() }
            try place.write(Array("\(number),".utf8))
            try await place.awaitRoom()
          }
          try place.close()
        }
      }
      try await group.waitForAll()
    }
    let wanted = (0..<200).map { String(repeating: "\($0),", count: 5) }.joined()
    #expect(sheet.written == wanted, "seed \(seed)")
  }
}
