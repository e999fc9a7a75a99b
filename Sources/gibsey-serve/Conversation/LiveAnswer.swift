// An answer that is being made: all of it so far, for whoever comes to it, however late.
import GibseyKit
import Synchronization

/// What has been told of one answer, from its first token on. Its identity is the response.
///
/// One task adds to it; any number follow, each at its own pace. It lives as long as somebody may still want it.
final class LiveAnswer: Sendable {
  /// A stretch of the answer that a follower has not had yet.
  enum Piece: Sendable {
    /// Tokens end to end, and where each ends.
    case tokens([UInt8], ends: [Int])
    /// A switch of provider, or the end.
    case part(Asking.Part)
    var isEnd: Bool {
      switch self {
      case .part(.completed), .part(.failed): true
      default: false
      }
    }
  }

  /// A place in the answer.
  struct Place: Sendable, Equatable {
    /// Tokens before it.
    var token = 0
    /// Parts, other than tokens, before it.
    var part = 0
  }

  private struct State {
    var text: [UInt8] = []
    var tokenEnds: [UInt32] = []
    /// Each with the count of tokens before it.
    var parts: [(token: Int, part: Asking.Part)] = []
    var hasEnded = false
    var waiters: [CheckedContinuation<Void, Never>] = []
    /// How many records of tokens have a number, for all who may come back.
    var recordCount = 0
    /// For each of them how many tokens there are up to its end; nil while it is one each.
    var ledger: [Int]?
    /// Who came last: 0 is who asked, and each who comes back has the next number.
    var turn = 0

    func tokens(withRecord seq: Int) -> Int { ledger?[seq] ?? seq + 1 }
    /// Where the record ends that begins at a token: behind that one, while nothing else is decided.
    func recordEnd(after token: Int) -> Int {
      guard let ledger, let last = ledger.last, token < last else { return token + 1 }
      var (low, high) = (0, ledger.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if ledger[middle] > token { high = middle } else { low = middle + 1 }
      }
      return ledger[low]
    }
    /// Where the record of the next number begins.
    var numberedTokens: Int { recordCount == 0 ? 0 : tokens(withRecord: recordCount - 1) }
  }

  let responseID: String
  let requestID: String?
  let sessionID: String?
  private let state = Mutex(State())

  init(responseID: String, requestID: String?, sessionID: String?) {
    self.responseID = responseID
    self.requestID = requestID
    self.sessionID = sessionID
  }

  var hasEnded: Bool { state.withLock { $0.hasEnded } }

  /// What an answer takes besides its text, with the task that forgets it: 11 KiB each were measured of 2,845.
  private static let ownBytes = 12 << 10
  /// What it takes in memory, about.
  var heldBytes: Int {
    state.withLock { Self.ownBytes + $0.text.count + 4 * $0.tokenEnds.count + 8 * ($0.ledger?.count ?? 0) }
  }

  /// Whether nothing comes after a place any more.
  func hasEnded(at place: Place) -> Bool {
    state.withLock { $0.hasEnded && place.token == $0.tokenEnds.count && place.part == $0.parts.count }
  }

  /// Adds what was told; thoughts and notices are nobody's here.
  func add(_ part: Asking.Part) {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      switch part {
      case .batch(let batch):
        guard !batch.tokenEnds.isEmpty else { return [] }
        let start = state.text.count
        state.text += batch.text
        for end in batch.tokenEnds { state.tokenEnds.append(UInt32(start + end)) }
      case .switched: state.parts.append((state.tokenEnds.count, part))
      case .completed, .failed:
        guard !state.hasEnded else { return [] }
        state.parts.append((state.tokenEnds.count, part))
        state.hasEnded = true
      case .retrying, .adapted, .counted, .misread: return []
      }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// It will not go on: who waits need not any more.
  func abandon() {
    state.withLock { $0.hasEnded = true }
    wake()
  }

  /// A follower is given no more at a time than this, however far it is behind, but a whole record: it has a copy.
  static let pieceTokens = 16 << 10
  static let pieceBytes = 64 << 10

  /// What comes next after a place, which moves behind it; nil when there is nothing yet.
  /// - Parameter most: no more tokens than this, unless the record that begins at the place holds more.
  func next(_ place: inout Place, most: Int = pieceTokens) -> Piece? {
    state.withLock { state in
      let stop = place.part < state.parts.count ? state.parts[place.part].token : state.tokenEnds.count
      if place.token < stop {
        let start = place.token == 0 ? 0 : Int(state.tokenEnds[place.token - 1])
        let last = min(stop, max(place.token + most, state.recordEnd(after: place.token)))
        let ends = state.tokenEnds[place.token..<last]
        let taken = ends.prefix { Int($0) - start <= Self.pieceBytes }
        // A token may be longer than all that a piece has room for.
        let given = taken.isEmpty ? ends.prefix(1) : taken
        place.token = given.endIndex
        return .tokens(
          Array(state.text[start..<Int(given[given.endIndex - 1])]), ends: given.map { Int($0) - start })
      }
      guard place.part < state.parts.count else { return nil }
      place.part += 1
      return .part(state.parts[place.part - 1].part)
    }
  }

  /// Waits until there is something after a place, at the latest for the end of the answer; or until the task is cancelled, or
  /// another that waits here, so it may return for nothing.
  func news(after place: Place) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          // A task is cancelled first and its handler called then: one of them is seen here.
          let isReady =
            place.token < state.tokenEnds.count || place.part < state.parts.count || state.hasEnded || Task.isCancelled
          if !isReady { state.waiters.append(continuation) }
          return isReady
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      wake()
    }
  }

  /// Has all who wait look whether they still want to.
  private func wake() {
    let waiters = state.withLock { state in
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// How many tokens there are up to the end of the record of a number. A number means the same to all who may come back,
  /// whichever connection they had it from: what it holds is decided by the first who is sent it.
  /// - Parameter wanted: how many there would be, if it is the first; no fewer than those of the record before, and one more.
  func tokens(withRecord seq: Int, wanted: Int) -> Int {
    state.withLock { state in
      guard seq >= state.recordCount else { return state.tokens(withRecord: seq) }
      if state.ledger == nil, wanted != seq + 1 { state.ledger = Array(1..<seq + 1) }
      state.ledger?.append(wanted)
      state.recordCount = seq + 1
      return wanted
    }
  }

  /// The place behind the record of a number, and the turn of the one who goes on from there; -1 is the start. Nil when there was
  /// no such record: the last is that of the end, behind those of the tokens.
  func resume(after seq: Int) -> (place: Place, turn: Int)? {
    state.withLock { state in
      // The end comes behind the records of the tokens, and had a number too.
      let isEnd = state.hasEnded && seq == state.recordCount && state.numberedTokens == state.tokenEnds.count
      guard seq < state.recordCount || isEnd else { return nil }
      state.turn += 1
      if isEnd { return (Place(token: state.tokenEnds.count, part: state.parts.count), state.turn) }
      var place = Place()
      if seq >= 0 { place.token = state.tokens(withRecord: seq) }
      // A switch that stood before the last token that was had, was had.
      place.part =
        state.parts.firstIndex { $0.token >= place.token && !($0.token == 0 && place.token > 0) } ?? state.parts.count
      return (place, state.turn)
    }
  }
}
