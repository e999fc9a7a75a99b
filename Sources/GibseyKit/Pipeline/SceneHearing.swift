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
    let ids = chains.flatMap { $0.numbers(from: 0) }.sorted(by: >)
    var bytes = 0
    for id in ids.prefix(limit) where bytes <= limitBytes {
      guard let turn = try store.turn(id) else { continue }
      let isOwn = turn.characterID?.spelling == hearer
      bytes += turn.answer.utf8.count + (isOwn ? turn.question.utf8.count : 0)
      conversation.recent.append(
        PromptConversation.Turn(
          id: id, question: turn.question, answer: turn.answer, speaker: isOwn ? nil : try name(turn.characterID)))
    }
    let rest = ids.dropFirst(conversation.recent.count)
    if let newest = rest.first, let oldest = rest.last {
      conversation.rest = PromptConversation.Rest(count: rest.count, ids: oldest...newest)
    }
    return conversation
  }
}
