// What the others of a conversation said: a scene, heard by whoever speaks next.

/// The turns of a session with whatever characters, as one of them hears them: its own as it had them, of the others' what they
/// answered, under their names. Behind the gate like all turns.
struct SceneHearing {
  let store: ConversationStore
  /// What a character is called; nil is the narrator.
  let name: (String?) throws -> String
  /// Others are heard in turns with a lower number; nil in all.
  let before: Int?

  /// The last turns of all, as many as could fit.
  /// - Parameter own: the branch of the character that hears, whose tip is followed.
  func conversation(
    _ query: ChainQuery, own: TurnChain, limit: Int, limitBytes: Int
  ) throws -> PromptConversation {
    var conversation = PromptConversation()
    conversation.parent = own.tip
    var chains = [own]
    let hearer = query.characterID?.spelling
    for character in try store.characters(of: query.sessionID) where character?.spelling != hearer {
      var other = ChainQuery(sessionID: query.sessionID, characterID: character, gate: query.gate)
      other.before = before
      chains.append(try store.chain(other))
    }
    chains.removeAll { $0.count == 0 }
    guard let session = chains.first?.session else { return conversation }
    // One more than can be told: it is the newest of those that are not.
    let last = chains.flatMap { $0.places().prefix(limit + 1) }.sorted(by: >).prefix(limit + 1)
    let heard = try heard(Array(last), of: session, own, chains)
    var bytes = 0
    for place in heard.prefix(limit) where bytes <= limitBytes {
      let turn = try store.turn(atPlace: place, of: session)
      let isOwn = turn.characterID?.spelling == hearer
      bytes += turn.answer.utf8.count + (isOwn ? turn.question.utf8.count : 0)
      conversation.recent.append(
        PromptConversation.Turn(
          id: turn.id, question: turn.question, answer: turn.answer, speaker: isOwn ? nil : try name(turn.characterID)))
    }
    let count = chains.reduce(0) { $0 + $1.count } - (last.count - heard.count) - conversation.recent.count
    if count > 0, let oldest = chains.compactMap(\.oldest).min() {
      let below = last.last ?? 0
      let newest =
        heard.dropFirst(conversation.recent.count).first
        ?? chains.compactMap { $0.places().first { $0 < below } }.max() ?? oldest
      conversation.rest = PromptConversation.Rest(
        count: count, ids: try store.numbers(atPlaces: oldest, newest, of: session))
    }
    return conversation
  }

  /// Of places, newest first, those that are heard: all of the own branch, and whatever was said without having heard a turn
  /// that is not followed, as an answer is not that was asked for again.
  private func heard(
    _ places: [Int], of session: Int, _ own: TurnChain, _ chains: [TurnChain]
  ) throws -> [Int] {
    var left: Set<Int> = []
    for place in places.reversed() where !own.tells(place) {
      let seen = try store.turnsSeen(by: try store.number(atPlace: place, of: session))
      let isFollowed = try seen.allSatisfy { id in
        guard let seen = try store.place(ofTurn: id, in: session) else { return false }
        return !left.contains(seen) && chains.contains { $0.tells(seen) }
      }
      if !isFollowed { left.insert(place) }
    }
    return places.filter { !left.contains($0) }
  }
}
