// An http or https address: parsed once, so that what comes after need not ask again.
internal import CCurl

/// An absolute http or https address without user, password, query or fragment.
public struct WebAddress: Sendable, Equatable {
  /// Why a text is not one, in words for a person.
  public struct Problem: Error, Equatable {
    public let wanted: String
  }

  /// The address as it came, without a slash at its end.
  public let text: String
  public let isEncrypted: Bool
  /// In lower case, without the brackets of an IPv6 address.
  public let host: String
  public let port: Int

  /// - Throws: `Problem`.
  public init(_ text: String) throws(Problem) {
    let lower = text.lowercased()
    guard let scheme = ["http://", "https://"].first(where: { lower.hasPrefix($0) }) else {
      throw Problem(wanted: "an address that starts with http:// or https://")
    }
    let isPlain = text.utf8.allSatisfy {
      $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`{|}?#".utf8.contains($0)
    }
    guard isPlain else { throw Problem(wanted: "an address in ASCII, without spaces, query or fragment") }
    let authority = lower.dropFirst(scheme.count).prefix { $0 != "/" }
    guard !authority.contains("@") else {
      throw Problem(wanted: "an address without a user name or password in it")
    }
    let (host, digits) = Self.split(authority)
    let port = digits.map { Int($0) ?? 0 } ?? (scheme == "https://" ? 443 : 80)
    guard !host.isEmpty, (1...65535).contains(port) else {
      throw Problem(wanted: "an address with a host, and a port of 1 to 65535 if any")
    }
    var end = text[...]
    while end.hasSuffix("/") { end = end.dropLast() }
    self.text = String(end)
    self.isEncrypted = scheme == "https://"
    self.host = host
    self.port = port
  }

  private static func split(_ authority: Substring) -> (host: String, port: Substring?) {
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      let rest = authority[authority.index(after: end)...]
      let port = rest.hasPrefix(":") ? rest.dropFirst() : rest.isEmpty ? nil : rest
      return (String(authority[authority.index(after: authority.startIndex)..<end]), port)
    }
    guard let colon = authority.firstIndex(of: ":") else { return (String(authority), nil) }
    return (String(authority[..<colon]), authority[authority.index(after: colon)...])
  }

  /// Whether it is this machine: localhost and its subdomains (RFC 6761 §6.3), 127.0.0.0/8, ::1.
  public var isLoopback: Bool {
    host == "localhost" || host.hasSuffix(".localhost") || host == "::1"
      || host.hasPrefix("127.") && host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
  }

  /// Whether it is written as a link-local address, 169.254.0.0/16 or fe80::/10, or as one that clouds use for the same purpose.
  public var isLinkLocal: Bool { ccurl_is_link_local(host) }

  /// Host and port as a person writes them: `localhost:11434`; the port only when it is not the scheme's own.
  public var display: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isEncrypted ? 443 : 80) ? name : "\(name):\(port)"
  }

  /// The address of something below this one; `path` starts with a slash.
  public func appending(_ path: String) -> String { text + path }
}
