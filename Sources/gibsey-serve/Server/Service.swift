// What all routes and sockets share: the story, who answers, the limits, the counts. Nothing of it is global.
import GibseyKit
import NIOCore
import NIOHTTP1
import Synchronization

/// The daemon without its sockets. Its identity is one run of it.
final class Service: Sendable {
  /// What it is made of.
  struct Parts: Sendable {
    var limits = Limits()
    /// Reads the story.
    var room: ReadingRoom
    var asking: Asking
    var admission: Admission
    /// The clock on the wall.
    var now: @Sendable () -> Timestamp = { Timestamp.now() }
    /// Ids of responses.
    var makeID: @Sendable () -> String = { RandomID.make() }
    var diagnostics: Diagnostics
  }

  let parts: Parts
  let doors: Doors
  let startedAt: Timestamp
  private let draining = Atomic(false)

  init(_ parts: Parts) {
    self.parts = parts
    doors = Doors(limits: parts.limits)
    startedAt = parts.now()
  }

  var limits: Limits { parts.limits }
  var admission: Admission { parts.admission }
  var room: ReadingRoom { parts.room }
  func now() -> Timestamp { parts.now() }

  /// Whether it is on its way out: no connection is kept for another request.
  var isDraining: Bool { draining.load(ordering: .relaxed) }
  func drain() { draining.store(true, ordering: .relaxed) }

  /// The response to a request. Whatever fails becomes an error without internals.
  func answer(_ admitted: AdmittedRequest) async -> Response {
    var response: Response
    do {
      response = try await admitted.route.handler(admitted.request, self)
    } catch {
      let refusal = Refusal(error)
      if refusal.status.code >= 500 { parts.diagnostics.warning("\(admitted.route.pattern): \(Self.words(error))") }
      response = refusal.response(at: now())
    }
    // Never a wildcard: the one page that asked, if it may.
    if let origin = admitted.foreignOrigin {
      response.headers.replaceOrAdd(name: "access-control-allow-origin", value: origin)
      response.headers.replaceOrAdd(name: "vary", value: "Origin")
    }
    return response
  }

  /// Writes down that somebody was sent away.
  func noteRefusal(_ refusal: Refusal, from address: SocketAddress?) {
    parts.diagnostics.debug("refused \(address?.ipAddress ?? "a local socket"): \(refusal.code)")
  }

  private static func words(_ error: any Error) -> String { (error as? GibseyError)?.message ?? "\(error)" }
}
