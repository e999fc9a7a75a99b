// A browser asks before a page of elsewhere does (Fetch, CORS-preflight fetch). Only pages that may ask get here.
import NIOHTTP1

extension Route {
  /// What such a page may do with a path. It comes without a token: a browser sends none with it.
  /// - Parameter methods: of the path.
  /// - Throws: `Refusal.notFound` when there are none.
  static func preflight(_ methods: [HTTPMethod]) throws -> Route {
    guard !methods.isEmpty else { throw Refusal.notFound }
    let names = methods.map(\.rawValue).joined(separator: ", ")
    return Route(.OPTIONS, "") { request, _ in
      // Clients send headers of their own, as OpenAI's do: those that are asked for are allowed by their names.
      let asked = request.headers[canonicalForm: "access-control-request-headers"].map(String.init)
      let headers = (["authorization", "content-type"] + asked.filter(isName)).joined(separator: ", ")
      return Response(
        .noContent,
        headers: [
          "access-control-allow-methods": names, "access-control-allow-headers": headers,
          "access-control-max-age": "600",
        ], body: .bytes([]))
    }
  }

  /// Whether it can be the name of a header (RFC 9110 §5.6.2), of those that are in use.
  private static func isName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "-")
          || $0 == UInt8(ascii: "_")
      }
  }
}
