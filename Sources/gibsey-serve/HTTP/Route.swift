// A route: a method, a pattern, and what answers. And the table of them.
import NIOHTTP1

/// One thing that can be asked for. They stand in the files under Routes, by what they are about, and in `Route.all`.
struct Route: Sendable {
  /// Answers a request whose path fits the pattern.
  typealias Handler = @Sendable (Request, Service) async throws -> Response

  let method: HTTPMethod
  /// As in `/api/v1/pages/{id}`: a segment in braces catches any one segment that is not empty.
  let pattern: String
  /// Whether it is served without a token where tokens are wanted.
  let isOpen: Bool
  let handler: Handler
  /// Whether the body of a request is anything to it; else it is read and not kept.
  var takesBody: Bool { method == .POST }
  private let segments: [Segment]

  private enum Segment: Sendable {
    case literal(String)
    case parameter(String)
  }

  init(_ method: HTTPMethod, _ pattern: String, isOpen: Bool = false, _ handler: @escaping Handler) {
    self.method = method
    self.pattern = pattern
    self.isOpen = isOpen
    self.handler = handler
    segments = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
      $0.first == "{" ? .parameter(String($0.dropFirst().dropLast())) : .literal(String($0))
    }
  }

  /// What the pattern catches of a path; nil when it does not fit.
  func parameters(of path: Path) -> [String: String]? {
    guard path.segments.count == segments.count else { return nil }
    var parameters: [String: String] = [:]
    for (segment, text) in zip(segments, path.segments) {
      switch segment {
      case .literal(let literal): guard literal == text else { return nil }
      case .parameter(let name):
        guard !text.isEmpty else { return nil }
        parameters[name] = text
      }
    }
    return parameters
  }
}

/// Finds the route of a request.
struct Router: Sendable {
  let routes: [Route]

  /// Methods that a server may know without having a use for them everywhere (RFC 9110 §9.3); any other is 501.
  private static let known: [HTTPMethod] = [.GET, .HEAD, .POST, .PUT, .DELETE, .PATCH, .OPTIONS, .TRACE, .CONNECT]

  /// What a path may be asked with; empty when it is not there.
  func methods(of path: Path) -> [HTTPMethod] {
    routes.filter { $0.parameters(of: path) != nil }.flatMap { $0.method == .GET ? [.GET, .HEAD] : [$0.method] }
  }

  /// The route, and what its pattern caught. HEAD is GET without a body.
  /// - Throws: `Refusal` with 404, 405 or 501.
  func route(_ method: HTTPMethod, _ path: Path) throws -> (route: Route, parameters: [String: String]) {
    guard Self.known.contains(method) else { throw Refusal.notImplemented(method) }
    var allowed: [HTTPMethod] = []
    for route in routes {
      guard let parameters = route.parameters(of: path) else { continue }
      if route.method == method || route.method == .GET && method == .HEAD { return (route, parameters) }
      allowed += route.method == .GET ? [.GET, .HEAD] : [route.method]
    }
    throw allowed.isEmpty ? Refusal.notFound : .methodNotAllowed(allowed)
  }
}
