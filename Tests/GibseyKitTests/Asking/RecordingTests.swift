// What is recorded plays again as it was, whatever the cuts, and holds no key.
import Synchronization
import Testing

@testable import GibseyKit

@Suite struct RecordingTests {
  private final class Lines: Sendable {
    private let state = Mutex<[UInt8]>([])
    var bytes: [UInt8] { state.withLock { $0 } }
    func add(_ line: [UInt8]) { state.withLock { $0 += line } }
  }

  private func openAI(key: String?) throws -> OpenAI {
    OpenAI(
      account: ProviderAccount(
        baseURL: try WebAddress("http://127.0.0.1:1/v1"), key: key.flatMap { APIKey($0) }, model: "m"))
  }

  private func asking(
    _ transport: any Transport, _ clock: ScriptedClock, key: String? = nil
  ) throws -> Asking {
    Asking(candidates: [.usable(try openAI(key: key))], transport: transport, clock: clock.clock)
  }

  /// The same as told live and from its recording, and the recording.
  private func told(
    _ scripts: [ScriptedTransport.Script], key: String? = nil
  ) async throws -> (live: Telling, replayed: Telling, recording: String) {
    let (lines, clock) = (Lines(), ScriptedClock())
    let recording = RecordingTransport(ScriptedTransport(scripts), seconds: clock.clock.seconds) { lines.add($0) }
    let live = await Telling.of(try asking(recording, clock, key: key))
    let replay = ReplayTransport(
      try Recording(lines.bytes, source: "test"), speed: 1, sleep: ScriptedClock().clock.sleep)
    let replayed = await Telling.of(try asking(replay, ScriptedClock()))
    return (live, replayed, String(decoding: lines.bytes, as: UTF8.self))
  }

  @Test func aWholeAnswerPlaysAgain() async throws {
    let told = try await told([.answer(200, [Answers.event("A"), Answers.event(" fox"), Answers.done])])
    #expect(told.replayed.text == "A fox")
    #expect(told.replayed.completion == told.live.completion)
  }

  @Test func retriesAndFailuresPlayAgain() async throws {
    let told = try await told([
      .answer(503, ["busy"]), .answer(200, [Answers.event("A")], then: .timedOut(.nextByte, .seconds(60))),
    ])
    #expect(told.live.failure == .brokeOff(.timedOut(provider: "openai", waitedFor: "next token", seconds: 60)))
    #expect(told.replayed.failure == told.live.failure)
    #expect(told.replayed.text == "A")
    #expect(told.replayed.steps.count == 1)
  }

  @Test(arguments: [
    TransportFailure.badRequest(reason: "a"), .unknownHost(reason: "b"), .refused(reason: "c"),
    .unreachable(reason: "d"), .untrusted(reason: "e"), .timedOut(.connection, .seconds(5)),
    .timedOut(.firstByte, .seconds(0.5)), .timedOut(.nextByte, .seconds(1)), .timedOut(.end, .seconds(2)),
    .cut(reason: "f"), .headersTooLong(limitBytes: 9), .obstructed(reason: "g", hint: "h", mayPass: true),
    .obstructed(reason: "g", hint: "h", mayPass: false),
  ]) func everyFailureIsALine(failure: TransportFailure) throws {
    let line = RecordingLine(exchange: 3, milliseconds: 1.5, event: .failure(failure))
    #expect(try RecordingLine(line.encoded()) == line)
  }

  @Test func bytesThatAreNoTextByThemselvesAreKept() throws {
    for bytes: [UInt8] in [[0xC3], [0xA9, 0x0A], [0], Array("é\n\u{2028}".utf8)] {
      let line = RecordingLine(exchange: 1, milliseconds: 0, event: .block(bytes))
      #expect(try RecordingLine(line.encoded()) == line)
    }
  }

  @Test func whatACutLeavesOfAKeyIsMasked() async throws {
    let cut = ScriptedTransport.Script.answer(
      200, ["data: your key is sk-proj", "-abc", "d"], then: .cut(reason: "x"))
    let told = try await told([cut, cut, cut], key: "sk-proj-abcdefgh")
    #expect(!told.recording.contains("sk-proj"))
    #expect(told.recording.contains("data: your key is *******"))
  }

  @Test func aRepeatedKeyIsMaskedWhereverItIsCut() async throws {
    let key = "sk-sk-abc"
    let words = Array("no such key sk-\(key) here s")
    for cut in 0...words.count {
      for second in cut...words.count {
        let blocks = [String(words[..<cut]), String(words[cut..<second]), String(words[second...])]
        let told = try await told([.answer(401, blocks.filter { !$0.isEmpty })], key: key)
        let recording = try Recording(Array(told.recording.utf8), source: "test")
        let body = recording.exchanges[0].events.flatMap { line -> [UInt8] in
          if case .block(let bytes) = line.event { bytes } else { [] }
        }
        #expect(String(decoding: body, as: UTF8.self) == "no such key sk-********* here s")
      }
    }
  }
}
