// The WebSocket of a session.
import GibseyKit
import NIOHTTP1

extension Route {
  /// `?watch=1` only reads what others of the session are answered; with `?resume=1` answers outlive the connection for a while.
  static let socket = Route(.GET, "/ws/{session_id}") { request, service in
    guard let session = SessionID(request.parameter("session_id")) else { throw Refusal.badSession }
    let headers = try Handshake.accept(request)
    try request.query.allow("watch", "resume")
    let (isWatching, isResuming) = (try request.query.flag("watch"), try request.query.flag("resume"))
    guard !service.isDraining else { throw Refusal.leaving }
    try await service.enter(session, request.identity)
    return .socket(
      headers,
      SocketConversation(
        service, session: session, identity: request.identity, isWatching: isWatching ?? false,
        isResuming: isResuming ?? false))
  }
}

extension Refusal {
  static let badSession = Refusal.badRequest("a session is \(SessionID.wanted)")
}
