// A browser asks before a page of elsewhere does (Fetch, CORS-preflight fetch). Only pages that may ask get here.
import NIOHTTP1

extension Route {
  /// What such a page may do with a path. It comes without a token: a browser sends none with it.
  /// - Parameter methods: of the path.
  /// - Throws: `Refusal.notFound` when there are none.
  static func preflight(_ methods: [HTTPMethod]) throws -> Route {
    guard !methods.isEmpty else { throw Refusal.notFound }
    let names = methods.map(\.rawValue).joined(separator: ", ")
    // Clients send headers of their own, as OpenAI's do. The star covers no Authorization (Fetch, CORS-unsafe request-header names).
    return Route(.OPTIONS, "") { _, _ in
      Response(
        .noContent,
        headers: [
          "access-control-allow-methods": names, "access-control-allow-headers": "authorization, *",
          "access-control-max-age": "600",
        ], body: .bytes([]))
    }
  }
}
