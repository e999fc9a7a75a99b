// The part of a prompt that was said before: the last turns as they were, and those that the question calls back.

/// Takes turns for a prompt. The request's own history is the newest; what the session remembers is older. Turns go in whole,
/// newest first and without a gap; those that are recalled stand as one block with the question, in their order.
struct PromptHistory {
  /// More than these distract a model more than they tell it.
  static let recallLimit = 6
  /// Of what turns may take, this part is kept for those that are recalled, where not all fit.
  static let recallPart = 3

  /// A turn, or what of one was given.
  private struct Unit {
    let messages: [Message]
    /// The places in the given history, or the number of a turn.
    let source: Source
    let tokens: Int
  }

  fileprivate enum Source: Hashable {
    case given(Range<Int>)
    case turn(Int)
  }

  /// Newest first; those of the session behind the given ones.
  private let units: [Unit]
  private let conversation: PromptConversation
  private let question: String
  private let questionTokens: Int
  /// How many of the units are in.
  private var count = 0
  private(set) var turnTokens = 0
  private var recalled: [(turn: PromptConversation.Turn, tokens: Int, text: String)] = []
  private(set) var recalledTokens = 0
  private var recallLeftOut: [LeftOut] = []

  init(_ given: [Message], _ conversation: PromptConversation, question: String, questionTokens: Int) {
    self.conversation = conversation
    self.question = question
    self.questionTokens = questionTokens
    var units: [Unit] = []
    var end = given.count
    while end > 0 {
      let start = given[..<end].lastIndex { $0.role == .user } ?? 0
      units.append(Self.unit(Array(given[start..<end]), .given(start..<end)))
      end = start
    }
    for turn in conversation.recent {
      units.append(Self.unit(turn.messages, .turn(turn.id)))
    }
    self.units = units
  }

  private static func unit(_ messages: [Message], _ source: Source) -> Unit {
    let tokens = messages.reduce(0) { $0 + TokenEstimate.tokens(of: $1.content) + TokenEstimate.messageOverhead }
    return Unit(messages: messages, source: source, tokens: tokens)
  }

  var tokens: Int { turnTokens + recalledTokens }

  /// What is to be kept for turns that are recalled, of what turns may take: nothing, where all fit or none was found.
  func reserve(of room: Int) -> Int {
    guard !conversation.recalled.isEmpty else { return 0 }
    let all = units.reduce(0) { $0 + $1.tokens }
    return all <= room && conversation.rest == nil ? 0 : room / Self.recallPart
  }

  /// Takes turns, as far as the room for all of them goes.
  mutating func add(room: Int) {
    while count < units.count, turnTokens + units[count].tokens <= room {
      if case .turn(let id) = units[count].source, recalled.contains(where: { $0.turn.id == id }) { return }
      turnTokens += units[count].tokens
      count += 1
    }
  }

  /// Takes turns that were found for the question and are not among those that are in.
  mutating func recall(room: Int) {
    let present = Set(units.prefix(count).map(\.source))
    for turn in conversation.recalled where !present.contains(.turn(turn.id)) {
      let text = SaidBlock.turn(turn)
      let tokens = TokenEstimate.tokens(of: text)
      let cost = recalled.count < Self.recallLimit ? cost(recalled.map(\.text) + [text]) : 0
      if recalled.count == Self.recallLimit || cost > room {
        let reason = recalled.count == Self.recallLimit ? "rank" : "budget"
        recallLeftOut.append(LeftOut(kind: "session_turn", id: String(turn.id), reason: reason, tokens: tokens))
      } else {
        recalled.append((turn, tokens, text))
        recalledTokens = cost
      }
    }
    recalled.sort { $0.turn.id < $1.turn.id }
  }

  /// What the block adds to the question's message.
  private func cost(_ texts: [String]) -> Int {
    let pieces = TokenEstimate.pieces(of: SaidBlock.block(texts)) + TokenEstimate.pieces(of: question)
    return TokenEstimate.tokens(pieces: pieces) - questionTokens
  }

  /// The turns that are in, oldest first.
  var messages: [Message] { units.prefix(count).reversed().flatMap(\.messages) }

  /// The question's message, with what is recalled before it.
  var asking: Message {
    let block = recalled.isEmpty ? "" : SaidBlock.block(recalled.map(\.text))
    return Message(role: .user, content: block + question)
  }

  /// The session's turns that are in, oldest first.
  var turns: [PromptTurn] {
    let recent = units.prefix(count).reversed().compactMap { unit -> PromptTurn? in
      guard case .turn(let id) = unit.source else { return nil }
      return PromptTurn(id: id, tokens: unit.tokens, isRecalled: false)
    }
    return recalled.map { PromptTurn(id: $0.turn.id, tokens: $0.tokens, isRecalled: true) } + recent
  }

  /// What is not in: of the given history each message, of the session each turn that was offered, the others in one.
  var leftOut: [LeftOut] {
    var given: [LeftOut] = []
    var turns: [LeftOut] = []
    let told = Set(recalled.map(\.turn.id)).union(recallLeftOut.compactMap { Int($0.id) })
    for unit in units.dropFirst(count).reversed() {
      switch unit.source {
      case .given(let places):
        for (place, message) in zip(places, unit.messages) {
          let tokens = TokenEstimate.tokens(of: message.content)
          given.append(LeftOut(kind: "turn", id: String(place), reason: "budget", tokens: tokens))
        }
      case .turn(let id):
        guard !told.contains(id) else { continue }
        turns.append(LeftOut(kind: "session_turn", id: String(id), reason: "budget", tokens: unit.tokens))
      }
    }
    let rest = conversation.rest.map { rest in
      LeftOut(
        kind: "session_turns", id: "\(rest.ids.lowerBound)-\(rest.ids.upperBound)", reason: "older", tokens: nil,
        count: rest.count)
    }
    return given + [rest].compactMap(\.self) + recallLeftOut + turns
  }
}
