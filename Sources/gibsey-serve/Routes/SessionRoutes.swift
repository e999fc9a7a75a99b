// A conversation as its reader may see it again.
import GibseyKit
import NIOHTTP1

extension Route {
  /// When it was made and last seen, where its reader is, and what was said; nothing behind the reader's page.
  static let session = Route(.GET, "/api/v1/sessions/{id}") { request, service in
    try request.query.allow("page", "page_index", "limit", "before")
    let id = try SessionID(of: request.parameter("id"), named: "the session")
    let reader = try request.reader()
    let before = try request.query.integer("before", in: 1...Int.max)
    let limit = try request.query.integer("limit", in: 1...1000) ?? 200
    let found: Browsing.Session
    // Before and after: one that begins or ends while it is read is not taken for one that broke off.
    var running = service.conversing.turnsBeingMade
    do {
      found = try await service.room.read { try $0.browsing.session(id, for: reader, before: before, limit: limit) }
    } catch GibseyError.unknownSession {
      throw Refusal.noSuchSession
    }
    running.formUnion(service.conversing.turnsBeingMade)
    return .story { [running] writer in
      let session = found.session
      writer.member("session_id", session.id.text)
      writer.member("made_at", session.madeAt)
      writer.member("seen_at", session.seenAt)
      writer.member("character_id", session.characterID)
      writer.member("page_id", found.page?.id)
      writer.member("page_index", found.page?.pageIndex)
      writer.key("turns")
      writer.array(found.turns) { writer, turn in
        writer.object {
          $0.turn(turn, citing: found.citations[turn.id] ?? [], isRunning: running.contains(turn.id))
        }
      }
      writer.member("earlier", found.hasEarlier ? found.turns.first?.id : nil)
    }
  }
}

extension Refusal {
  /// There is none, or it is somebody else's: the same words, byte for byte.
  static let noSuchSession = Refusal(
    status: .notFound, code: "UNKNOWN_SESSION", message: "you have no such session")
}

extension JSONWriter {
  fileprivate mutating func turn(_ turn: StoredTurn, citing citations: [Citation], isRunning: Bool) {
    member("turn", turn.id)
    key("parent_turn")
    if let parent = turn.parent { integer(parent) } else { null() }
    member("character_id", turn.characterID)
    member("question", turn.question)
    member("answer", turn.answer)
    member("outcome", isRunning && turn.outcome == .interrupted ? "running" : turn.outcome.rawValue)
    member("made_at", turn.madeAt)
    guard !citations.isEmpty else { return }
    key("citations")
    array(citations) { writer, citation in writer.object { citation.write(to: &$0) } }
  }
}
