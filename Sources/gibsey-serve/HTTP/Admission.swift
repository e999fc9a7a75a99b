// Who may ask: hosts, origins, tokens, and a head that keeps to RFC 9112. Before a byte of the body is read.
import GibseyKit
import NIOCore
import NIOHTTP1

extension HTTPRequestHead {
  /// The same without the white space behind the values of its headers, which is no part of them (RFC 9110 §5.5). What stands
  /// before them the parser has taken off.
  func trimmed() -> HTTPRequestHead {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    guard headers.contains(where: { $0.value.utf8.last.map(isSpace) == true }) else { return self }
    var head = self
    head.headers = HTTPHeaders(
      headers.map { name, value in
        let end = value.utf8.lastIndex { !isSpace($0) }.map { value.utf8.index(after: $0) } ?? value.startIndex
        return (name, String(value[..<end]))
      })
    return head
  }
}

/// A head that was let in.
struct Admitted: Sendable {
  let method: HTTPMethod
  let version: HTTPVersion
  let path: Path
  let query: Query
  let headers: HTTPHeaders
  let identity: Identity
  /// Of a page that asks from elsewhere and may.
  let foreignOrigin: String?
  let route: Route
  let parameters: [String: String]

  func request(body: [UInt8]) -> AdmittedRequest {
    AdmittedRequest(
      route: route, foreignOrigin: foreignOrigin,
      request: Request(
        method: method, version: version, path: path, query: query, headers: headers, body: body, identity: identity,
        parameters: parameters))
  }
}

/// A whole request with the route that answers it.
struct AdmittedRequest: Sendable {
  let route: Route
  let foreignOrigin: String?
  let request: Request
  var method: HTTPMethod { request.method }
}

/// Decides about heads. What may change while the daemon runs, its tokens, is read when it is needed.
struct Admission: Sendable {
  /// Names by which this server may be called, lower case, as in `story.example` or `story.example:8443`.
  var hosts: Set<String> = []
  /// Origins of other pages that may ask, as in `https://story.example`.
  var origins: Set<String> = []
  /// Whether a token is wanted, and whose it is.
  var tokens: @Sendable () -> TokenFile? = { nil }
  var router: Router

  /// Whether a text is a scheme and a host, with a port or without, and nothing else.
  static func isOrigin(_ text: String) -> Bool {
    let text = text.lowercased()
    guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
    return isHost(String(text.dropFirst(scheme.count)))
  }

  /// Whether a text is a host, with a port or without, and nothing else.
  static func isHost(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@*".utf8.contains($0) }
  }

  /// - Parameter localAddress: this server's end of the connection.
  /// - Throws: `Refusal`.
  func admit(_ head: HTTPRequestHead, localAddress: SocketAddress?, _ limits: Limits) throws -> Admitted {
    guard head.uri.utf8.count <= limits.targetBytes else { throw Refusal.targetTooLong }
    let (authority, target) = try Self.parts(of: head)
    let host = try self.host(head, authority)
    if let host, !isOwn(host, localAddress), !hosts.contains(host), !hosts.contains(Self.name(of: host)) {
      throw Refusal.wrongHost
    }
    let isForeign = try isForeign(head.headers, host: host, localAddress)
    let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = try Path(halves[0])
    let query = try Query(halves.count > 1 ? halves[1] : "")
    if isForeign, head.method == .OPTIONS, head.headers.contains(name: "access-control-request-method") {
      return Admitted(
        method: head.method, version: head.version, path: path, query: query, headers: head.headers, identity: .anybody,
        foreignOrigin: head.headers.first(name: "origin"), route: try .preflight(router.methods(of: path)),
        parameters: [:])
    }
    let found = try router.route(head.method, path)
    let identity = try identity(head.headers, isOpen: found.route.isOpen)
    return Admitted(
      method: head.method, version: head.version, path: path, query: query, headers: head.headers, identity: identity,
      foreignOrigin: isForeign ? head.headers.first(name: "origin") : nil, route: found.route,
      parameters: found.parameters)
  }

  /// The target's authority, if it is in absolute form (RFC 9112 §3.2.2), and the path with its query.
  private static func parts(of head: HTTPRequestHead) throws -> (String?, Substring) {
    let uri = head.uri[...]
    for scheme in ["http://", "https://"] where uri.lowercased().hasPrefix(scheme) {
      let rest = uri.dropFirst(scheme.count)
      let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
      return (rest[..<end].lowercased(), rest[end...].isEmpty ? "/" : rest[end...])
    }
    return (nil, uri)
  }

  /// RFC 9112 §3.2: exactly one, unless the version is older; then there may be none, as no browser sends it.
  private func host(_ head: HTTPRequestHead, _ authority: String?) throws -> String? {
    let values = head.headers["host"]
    guard values.count == 1 || values.isEmpty && head.version == .http1_0 else {
      throw Refusal.badRequest("wanted exactly one Host")
    }
    return authority ?? values.first?.lowercased()
  }

  /// The host without its port.
  private static func name(of host: String) -> String {
    guard let colon = host.lastIndex(of: ":"), host[colon...].dropFirst().allSatisfy(\.isNumber) else { return host }
    return String(host[..<colon])
  }

  /// Whether the host names the very address that was connected to. A name that somebody else gave it does not count, or any
  /// page could make one that leads here (DNS rebinding).
  private func isOwn(_ host: String, _ address: SocketAddress?) -> Bool {
    guard let address, let port = address.port, var ip = address.ipAddress else {
      return Self.name(of: host) == "localhost"
    }
    // Who comes by IPv4 to a socket of both kinds (RFC 4291 §2.5.5.2).
    if ip.hasPrefix("::ffff:"), ip.contains(".") { ip.removeFirst(7) }
    let name = ip.contains(":") ? "[\(ip)]" : ip
    var own = ["\(name):\(port)"]
    if ListenAddress.isLoopback(ip) { own.append("localhost:\(port)") }
    if port == 80 { own += [name, "localhost"] }
    return own.contains(host)
  }

  /// The one origin of a page of elsewhere that may ask; nil for any other, and for none.
  func foreignOrigin(of headers: HTTPHeaders) -> String? {
    let values = headers["origin"]
    guard values.count == 1, origins.contains(values[0]) else { return nil }
    return values[0]
  }

  /// Whether a page of another origin asks. A client that is no browser sends none.
  /// - Throws: `Refusal.wrongOrigin` when it may not.
  private func isForeign(_ headers: HTTPHeaders, host: String?, _ address: SocketAddress?) throws -> Bool {
    let values = headers["origin"]
    guard let origin = values.first else { return false }
    guard values.count == 1 else { throw Refusal.wrongOrigin }
    if let host, isOwn(host, address), origin == "http://\(host)" { return false }
    guard origins.contains(origin) else { throw Refusal.wrongOrigin }
    return true
  }

  /// Whether somebody who was let in with a token would still be: names and tokens may be taken back.
  func isKnown(_ identity: Identity) -> Bool {
    guard identity.name != nil, let tokens = tokens() else { return true }
    return tokens.knows(identity)
  }

  private func identity(_ headers: HTTPHeaders, isOpen: Bool) throws -> Identity {
    guard let tokens = tokens() else { return .anybody }
    guard let token = BearerToken.read(from: headers), let identity = tokens.identity(of: token) else {
      if isOpen, !headers.contains(name: "authorization") { return .anybody }
      throw Refusal.unauthorized
    }
    return identity
  }
}
