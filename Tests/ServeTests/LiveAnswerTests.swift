// An answer that is being made, and those who wait for more of it.
import GibseyKit
import Testing

@testable import gibsey_serve

@Suite struct LiveAnswerTests {
  @Test(.timeLimit(.minutes(5))) func `who is cancelled waits for no news, begun or not`() async {
    let live = LiveAnswer(responseID: "r", requestID: nil, sessionID: nil)
    for turns in 0..<100 {
      let reader = Task { await live.news(after: LiveAnswer.Place()) }
      for _ in 0..<turns { await Task.yield() }
      reader.cancel()
      await reader.value
    }
  }

  @Test(.timeLimit(.minutes(5))) func `one who is cancelled does not end the waiting of another`() async {
    let live = LiveAnswer(responseID: "r", requestID: nil, sessionID: nil)
    let stays = Task {
      var place = LiveAnswer.Place()
      while !live.hasEnded(at: place) {
        if live.next(&place) == nil { await live.news(after: place) }
      }
      return place
    }
    let leaves = Task { await live.news(after: LiveAnswer.Place()) }
    await Task.yield()
    leaves.cancel()
    await leaves.value
    live.add(.failed(.noProvider(failures: []), usage: nil))
    #expect(await stays.value == LiveAnswer.Place(token: 0, part: 1))
  }

  @Test(.timeLimit(.minutes(5))) func `an answer that has ended is ended by nobody who left`() async {
    let live = LiveAnswer(responseID: "r", requestID: nil, sessionID: nil)
    let active = ActiveAnswer(live, for: nil, isResumable: true)
    let never = Signal()
    let lingering = Task { await never.wait() }
    active.leave(turn: 0, mayGoOn: true) { isAwaited in
      #expect(isAwaited)
      return lingering
    }
    #expect(!lingering.isCancelled)
    // Somebody comes, and it ends before they leave.
    live.add(.failed(.noProvider(failures: []), usage: nil))
    active.told()
    await lingering.value
    #expect(lingering.isCancelled)
    active.leave(turn: 1, mayGoOn: true) { _ in
      Issue.record("nothing is to be ended")
      return lingering
    }
  }

  @Test func `who asked leaves a place for their answer or none, and whoever else leaves changes nothing`() {
    for mayGoOn in [true, false] {
      let live = LiveAnswer(responseID: "r", requestID: nil, sessionID: nil)
      let active = ActiveAnswer(live, for: nil, isResumable: true)
      active.join(turn: 1, nil)
      active.leave(turn: 0, mayGoOn: mayGoOn) { _ in
        Issue.record("somebody reads it")
        return Task {}
      }
      var wasAwaited: Bool?
      active.leave(turn: 1, mayGoOn: !mayGoOn) { isAwaited in
        wasAwaited = isAwaited
        return Task {}
      }
      #expect(wasAwaited == mayGoOn)
    }
  }

  @Test func `an answer whose place is refused does not wait out a reader who left before`() {
    let live = LiveAnswer(responseID: "r", requestID: nil, sessionID: nil)
    let active = ActiveAnswer(live, for: nil, isResumable: true)
    let waits = Task {}
    var told: [Bool] = []
    for (turn, mayGoOn) in [(1, true), (2, true), (0, false), (3, true)] {
      active.leave(turn: turn, mayGoOn: mayGoOn) { isAwaited in
        told.append(isAwaited)
        return isAwaited ? waits : Task {}
      }
    }
    // The second found somebody waiting; from the third on nobody does.
    #expect(told == [true, false, false])
    #expect(waits.isCancelled)
  }
}
