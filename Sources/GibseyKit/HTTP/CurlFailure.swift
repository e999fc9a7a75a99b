// What libcurl's codes mean to us.
internal import CCurl

enum CurlFailure {
  /// libcurl's words for a code, in the manner of our sentences: no capital, no full stop.
  static func words(_ code: CURLcode) -> String {
    let text = String(cString: ccurl_words(code))
    return text.prefix(1).lowercased() + text.dropFirst()
  }

  /// The failure of an exchange that ended with `code`.
  static func failure(
    _ code: CURLcode, of exchange: CurlExchange, isConnected: Bool
  ) -> TransportFailure {
    if exchange.areHeadersTooLong {
      return .headersTooLong(limitBytes: CurlExchange.headersLimitBytes)
    }
    switch code {
    case CURLE_OPERATION_TIMEDOUT:
      let (connect, total) = (exchange.deadlines.connect, exchange.deadlines.total)
      guard let total, isConnected || total <= connect else { return .timedOut(.connection, connect) }
      return .timedOut(.end, total)
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
      return .unknownHost(reason: "unknown host")
    case CURLE_COULDNT_CONNECT: return unconnected(exchange)
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

  private static func unconnected(_ exchange: CurlExchange) -> TransportFailure {
    var number = 0
    _ = ccurl_get_long(exchange.easy, CURLINFO_OS_ERRNO, &number)
    guard number != 0 else { return .refused(reason: "connection refused") }
    let reason = SystemCall.reason(Int32(truncatingIfNeeded: number))
    return reason == "connection refused" ? .refused(reason: reason) : .unreachable(reason: reason)
  }
}
