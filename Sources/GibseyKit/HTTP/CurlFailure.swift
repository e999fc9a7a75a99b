// What libcurl's codes mean to us.
internal import CCurl

enum CurlFailure {
  /// libcurl's words for a code, in the manner of our sentences: no capital, no full stop.
  static func words(_ code: CURLcode) -> String {
    let text = String(cString: ccurl_words(code))
    // "SSL connect error" keeps its capitals.
    return text.dropFirst().first?.isUppercase == true ? text : text.prefix(1).lowercased() + text.dropFirst()
  }

  /// The failure of an exchange that ended with `code`.
  static func failure(
    _ code: CURLcode, of exchange: CurlExchange, isConnected: Bool
  ) -> TransportFailure {
    if exchange.areHeadersTooLong {
      return .headersTooLong(limitBytes: CurlExchange.headersLimitBytes)
    }
    if let obstruction = obstruction(code, of: exchange, isConnected: isConnected) { return obstruction }
    switch code {
    case CURLE_OPERATION_TIMEDOUT:
      let (connect, total) = (exchange.deadlines.connect, exchange.deadlines.total)
      guard let total, isConnected || total <= connect else { return .timedOut(.connection, connect) }
      return .timedOut(.end, total)
    case CURLE_COULDNT_RESOLVE_HOST: return .unknownHost(reason: "unknown host")
    case CURLE_COULDNT_CONNECT:
      let reason = connectReason(exchange)
      return reason == refused ? .refused(reason: reason) : .unreachable(reason: reason)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR:
      return .untrusted(reason: words(code))
    // libcurl's word for an answer without a status line (CURLOPT_HTTP09_ALLOWED).
    case CURLE_UNSUPPORTED_PROTOCOL where isConnected: return .cut(reason: "what came is not HTTP")
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT:
      return .badRequest(reason: words(code))
    case CURLE_PARTIAL_FILE: return .cut(reason: "the connection closed in the middle")
    case CURLE_BAD_CONTENT_ENCODING:
      return .cut(reason: "what came is encoded in a way that cannot be read, and no encoding was asked for")
    case CURLE_GOT_NOTHING: return .cut(reason: "the connection closed without an answer")
    default: return .cut(reason: words(code))
    }
  }

  private static let refused = "connection refused"
  /// What helps when there are too few descriptors.
  static let descriptorHint = "allow more open files with `ulimit -n`"

  /// The kernel's words for why there is no connection.
  private static func connectReason(_ exchange: CurlExchange) -> String {
    let number = number(CURLINFO_OS_ERRNO, of: exchange)
    return number == 0 ? refused : SystemCall.reason(Int32(truncatingIfNeeded: number))
  }

  private static func number(_ info: CURLINFO, of exchange: CurlExchange) -> Int {
    var number = 0
    _ = ccurl_get_long(exchange.easy, info, &number)
    return number
  }

  /// The address of a server is one at which a cloud tells a machine its own secrets.
  static let linkLocal = refusal("its address")

  private static func refusal(_ whose: String) -> TransportFailure {
    .obstructed(
      reason: "\(whose) is link-local, and such addresses are not asked",
      hint: "GIBSEY_ALLOW_LINK_LOCAL=1 in the environment allows them", mayPass: false)
  }

  /// What stood in the way on our side; nil when nothing did.
  private static func obstruction(_ code: CURLcode, of exchange: CurlExchange, isConnected: Bool) -> TransportFailure? {
    let trust = exchange.trust
    if code == CURLE_COULDNT_CONNECT, exchange.isLinkLocal {
      guard let proxy = exchange.address.flatMap({ trust.proxies.proxy(to: $0) }) else { return linkLocal }
      return refusal("the proxy \(proxy.display): its address")
    }
    let hint = "check \(trust.file == nil ? "SSL_CERT_DIR" : trust.fileName)"
    switch code {
    case CURLE_SSL_CACERT_BADFILE:
      guard let place = trust.file ?? trust.folder else { return nil }
      return .obstructed(
        reason: "the certificates to trust, \(place), cannot be read", hint: hint, mayPass: false)
    case CURLE_PEER_FAILED_VERIFICATION:
      guard let place = trust.file ?? trust.folder else { return nil }
      return .obstructed(
        reason: "its certificate is none that \(place) vouches for", hint: hint, mayPass: false)
    case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_OUT_OF_MEMORY,
      CURLE_FAILED_INIT:
      if let shortage = SystemCall.descriptorShortage {
        // Not waited for: the runtime's timers want a descriptor too, and end the program when there is none.
        return .obstructed(reason: shortage, hint: descriptorHint, mayPass: false)
      }
    default: break
    }
    return proxyFailure(code, of: exchange, isConnected: isConnected)
  }

  /// What went wrong with the proxy; nil when there is none, or it let us through.
  private static func proxyFailure(_ code: CURLcode, of exchange: CurlExchange, isConnected: Bool) -> TransportFailure?
  {
    let proxy = exchange.address.flatMap { exchange.trust.proxies.proxy(to: $0) }
    let name = proxy.map { "the proxy \($0.display)" } ?? "the proxy"
    let hint = "check \(proxy?.variable ?? "https_proxy")"
    let status = number(CURLINFO_HTTP_CONNECTCODE, of: exchange)
    switch code {
    case CURLE_COULDNT_RESOLVE_PROXY:
      return .obstructed(reason: "\(name) is an unknown host", hint: hint, mayPass: true)
    case CURLE_COULDNT_CONNECT:
      guard proxy != nil else { return nil }
      return .obstructed(reason: "\(name): \(connectReason(exchange))", hint: hint, mayPass: true)
    case CURLE_PROXY:
      return .obstructed(reason: "\(name): \(words(code))", hint: hint, mayPass: false)
    case _ where status == 407 && !isConnected:
      return .obstructed(
        reason: "\(name) wants a user and a password (407)", hint: "put them into \(proxy?.variable ?? "https_proxy")",
        mayPass: false)
    case _ where status >= 300 && !isConnected:
      return .obstructed(reason: "\(name) refused to connect (\(status))", hint: hint, mayPass: status >= 500)
    default: return nil
    }
  }
}
