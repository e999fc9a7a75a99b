// Whether the daemon lives, and whether it can read its story.
import GibseyKit
import NIOHTTP1

extension Route {
  /// Alive: answered without asking anybody, whatever a provider does.
  static let health = Route(.GET, "/health", isOpen: true) { request, service in
    try request.query.allow()
    return .json { writer in
      writer.member("status", "ok")
      writer.member("version", Version.text)
      writer.member("uptime_seconds", service.uptimeSeconds)
      writer.member("connections", service.doors.openCount)
      writer.key("providers")
      writer.array(service.conversing.providerStates()) { writer, state in
        writer.object { writer in
          writer.member("provider", state.provider)
          writer.member("state", state.state.rawValue)
        }
      }
    }
  }

  /// Ready: the story was read just now.
  static let ready = Route(.GET, "/ready", isOpen: true) { request, service in
    try request.query.allow()
    guard !service.isDraining else { throw Refusal.leaving }
    let pages: Int
    do { pages = try await service.room.read { try $0.store.pageCount() } } catch { throw NotReady(cause: error) }
    return .json { writer in
      writer.member("status", "ready")
      writer.member("pages", pages)
    }
  }
}

/// Whatever is in the way: the daemon is not ready, and may be later.
struct NotReady: Error {
  let cause: any Error

  var refusal: Refusal {
    let refusal = Refusal(cause)
    return Refusal(status: .serviceUnavailable, code: refusal.code, message: refusal.message, isRetryable: true)
  }
}

extension Refusal {
  /// The daemon is about to end.
  static let leaving = Refusal(
    status: .serviceUnavailable, code: "SHUTTING_DOWN", message: "this server is going away", isRetryable: true)
}
