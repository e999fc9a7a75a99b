// Who has plenty of an answer waits for those who have nothing yet, and loses nothing by it.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct PlentyTests {
  private static let tokens = (0..<80).map { "t\($0) " }

  /// Works that hold all threads that build prompts, and more that wait for them; until it leaves.
  private final class Crowd: Sendable {
    private static let count = 16

    private let end: Signal
    private let task: Task<Void, Never>

    init(_ room: ReadingRoom) {
      let end = Signal()
      self.end = end
      task = Task {
        await withTaskGroup(of: Void.self) { group in
          for _ in 0..<Self.count { group.addTask { try? await room.read { _ in waitUntil { end.hasFired } } } }
        }
      }
      // All of them but those that have a thread.
      waitUntil { room.waitingCount >= Self.count - ReadingRoom.Options().readers }
    }

    deinit { end.fire() }

    func leave() async {
      end.fire()
      await task.value
    }
  }

  /// Plays an answer whose first block comes while prompts of others wait, and hears its first token.
  private static func withBlock(
    followedBy steps: [ScriptedProvider.Step],
    _ body: @escaping @Sendable (ReaderClient, ResponseStream, Crowd) async throws -> Void
  ) async throws {
    let go = Signal()
    let provider = ScriptedProvider([[.wait(go), .block(tokens)] + steps + [.end]])
    try await TestServer.with(TestServer.Wishes(transport: provider)) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server)
      try reader.ask("What?")
      waitUntil { !provider.requests.isEmpty }
      let crowd = Crowd(server.service.room)
      go.fire()
      let first = try reader.hearStream()
      #expect(first.token == tokens[0])
      try await body(reader, first, crowd)
      await crowd.leave()
    }
  }

  @Test func ofABlockTheFirstTokenComesAtOnceAndTheOthersAfterThePromptsOfOthers() async throws {
    try await Self.withBlock(followedBy: []) { reader, _, crowd in
      // Nothing of it stands before what is asked now.
      try reader.say("ping", "{\"timestamp\":1}")
      #expect(try reader.hearText() == "{\"type\":\"pong\",\"data\":{\"timestamp\":1}}")
      await crowd.leave()
      for (seq, token) in Self.tokens.enumerated().dropFirst() {
        let record = try reader.hearStream()
        #expect(record.seq == seq)
        #expect(record.token == token)
      }
      let end = try reader.hearStream()
      #expect(end.seq == Self.tokens.count)
      #expect(end.completion?.finishReason == .stop)
    }
  }

  @Test func whoStopsAnAnswerWhileItWaitsHasAllThatHadCome() async throws {
    try await Self.withBlock(followedBy: [.endless("x")]) { reader, first, _ in
      try reader.say("ai_chat_cancel", "{\"response_id\":\"\(first.responseID)\"}")
      var told = [first.token]
      while true {
        let record = try reader.hearStream()
        if let completion = record.completion {
          #expect(completion.finishReason == .cancelled)
          break
        }
        told.append(record.token)
      }
      #expect(told == Self.tokens)
    }
  }
}
