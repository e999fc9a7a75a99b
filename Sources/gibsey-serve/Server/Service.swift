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
    /// Descriptors that the process may have.
    var fileLimit = Int.max
    /// Reads the story.
    var room: ReadingRoom
    /// Answers questions.
    var conversing: Conversing
    /// How long an answer goes on without its reader, who may come back.
    var linger = Duration.seconds(30)
    var admission: Admission
    /// The clock on the wall.
    var now: @Sendable () -> Timestamp = { Timestamp.now() }
    /// Ids of responses.
    var makeID: @Sendable () -> String = { RandomID.make() }
    var diagnostics: Diagnostics
    var events = EventLog()
    var metrics = Metrics()
  }

  let parts: Parts
  let doors: Doors
  let allowance: Allowance
  var metrics: Metrics { parts.metrics }
  let sessions = Sessions()
  let startedAt: Timestamp
  private let start = NIODeadline.now()
  private let draining = Atomic(false)

  init(_ parts: Parts) {
    self.parts = parts
    doors = Doors(limits: parts.limits, fileLimit: parts.fileLimit)
    allowance = Allowance(limitBytes: parts.limits.incomingBytes)
    startedAt = parts.now()
  }

  var limits: Limits { parts.limits }
  var admission: Admission { parts.admission }
  var room: ReadingRoom { parts.room }
  var events: EventLog { parts.events }
  var conversing: Conversing { parts.conversing }
  func now() -> Timestamp { parts.now() }

  /// Since the start, in milliseconds' steps, whatever becomes of the clock on the wall.
  var uptimeSeconds: Double { Double((NIODeadline.now() - start).nanoseconds / 1_000_000) / 1000 }

  /// Whether it is on its way out: no connection is kept for another request.
  var isDraining: Bool { draining.load(ordering: .relaxed) }
  func drain() { draining.store(true, ordering: .relaxed) }

  /// The response to a request. Whatever fails becomes an error without internals; nil when who asked has left, which cancels
  /// the task.
  func answer(_ admitted: AdmittedRequest) async -> Response? {
    do {
      return allowing(try await admitted.route.handler(admitted.request, self), for: admitted)
    } catch {
      return refuse(error, of: admitted)
    }
  }

  /// The response for what went wrong, before anything was answered; nil when it is that who asked has left.
  func refuse(_ error: any Error, of admitted: AdmittedRequest) -> Response? {
    // Whatever it ended with: nobody hears it, and it is no failure of a provider.
    if Task.isCancelled { return nil }
    return allowing(failure(error, of: admitted), for: admitted)
  }

  private func failure(_ error: any Error, of admitted: AdmittedRequest) -> Response {
    let refusal = Refusal(error)
    if refusal.status.code >= 500 { parts.diagnostics.warning("\(admitted.route.pattern): \(Self.words(error))") }
    metrics.countRefusal(code: refusal.code)
    return refusal.response(at: now(), shape: ErrorShape(path: admitted.route.pattern), to: admitted.request.body)
  }

  private func allowing(_ response: Response, for admitted: AdmittedRequest) -> Response {
    allowing(response, for: admitted.foreignOrigin)
  }

  /// The response so that the page of an origin may read it; nil when it is no page of elsewhere.
  func allowing(_ response: Response, for origin: String?) -> Response {
    var response = response
    // Never a wildcard: the one page that asked, if it may.
    if let origin {
      response.headers.replaceOrAdd(name: "access-control-allow-origin", value: origin)
      response.headers.replaceOrAdd(name: "vary", value: "Origin")
    }
    return response
  }

  /// A response has begun.
  func noteResponse(_ status: HTTPResponseStatus, to admitted: AdmittedRequest) {
    metrics.countRequest(route: admitted.route.pattern, method: admitted.method.rawValue, status: status.code)
  }

  /// Lets somebody use a session.
  /// - Throws: `Refusal.noSuchSession` when it is another's.
  func enter(_ session: SessionID, _ identity: Identity) async throws {
    guard let name = identity.name else { return }
    // Read where nobody writes: another program that holds the database keeps no reader out.
    if let owner = try await room.read({ try $0.browsing.owner(of: session) }) {
      guard owner.spelling == name.spelling else { throw Refusal.noSuchSession }
      return
    }
    // Nobody's yet, as far as is written: whoever comes first, until it is.
    guard sessions.claim(session.text, for: name) else { throw Refusal.noSuchSession }
    do {
      try await conversing.enter(session, as: name)
    } catch {
      sessions.disclaim(session.text)
      if case GibseyError.unknownSession = error { throw Refusal.noSuchSession }
      throw error
    }
  }

  /// Writes down that somebody was sent away.
  func noteRefusal(_ refusal: Refusal, from address: SocketAddress?) {
    metrics.countRefusal(code: refusal.code)
    metrics.countRequest(route: "", method: "", status: refusal.status.code)
    parts.diagnostics.debug("refused \(address?.ipAddress ?? "a local socket"): \(refusal.code)")
  }

  /// Writes down that something that was said over a socket was not done.
  func noteRefusal(_ refusal: Refusal, _ error: any Error, session: SessionID, requestID: String?) {
    metrics.countRefusal(code: refusal.code)
    let who = "session \(session)" + (requestID.map { ", request " + JSONValue.string($0).text } ?? "")
    // What is full, or about to end, says so of its own accord.
    if refusal.status.code >= 500, !(error is Refusal) {
      parts.diagnostics.warning("\(who): \(Self.words(error))")
    } else {
      parts.diagnostics.debug("refused \(who): \(refusal.code)")
    }
  }

  private static func words(_ error: any Error) -> String {
    let error = (error as? NotReady)?.cause ?? error
    return (error as? GibseyError)?.message ?? (error as? Refusal)?.message ?? "\(error)"
  }
}
