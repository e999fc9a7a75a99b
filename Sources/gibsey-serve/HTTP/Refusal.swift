// Why a request is not served: a status, a stable code, a sentence without internals.
import GibseyKit
import NIOHTTP1

/// A request that is refused. gibsey-serve(8) lists the codes.
struct Refusal: Error, Sendable, Equatable {
  let status: HTTPResponseStatus
  /// UPPER_SNAKE, as in an `error` record.
  let code: String
  let message: String
  /// What the status demands, as in `allow` of a 405.
  var headers: [String: String] = [:]
  var isRetryable = false
  /// The field that is wrong, where OpenAI's errors name it.
  var parameter: String?

  static func badRequest(_ message: String) -> Refusal {
    Refusal(status: .badRequest, code: "BAD_REQUEST", message: message)
  }

  static let notFound = Refusal(status: .notFound, code: "NOT_FOUND", message: "there is nothing here")

  static func methodNotAllowed(_ allowed: [HTTPMethod]) -> Refusal {
    let names = allowed.map(\.rawValue).joined(separator: ", ")
    return Refusal(
      status: .methodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "wanted \(names)", headers: ["allow": names])
  }

  static func notImplemented(_ method: HTTPMethod) -> Refusal {
    Refusal(status: .notImplemented, code: "NOT_IMPLEMENTED", message: "the method is not implemented")
  }

  /// RFC 9112 §6.1.
  static let unknownCoding = Refusal(
    status: .notImplemented, code: "NOT_IMPLEMENTED", message: "wanted no Transfer-Encoding but chunked")

  static let unauthorized = Refusal(
    status: .unauthorized, code: "UNAUTHORIZED", message: "a token is wanted, as in `Authorization: Bearer …`",
    headers: ["www-authenticate": "Bearer"])

  static let wrongHost = Refusal(
    status: .misdirectedRequest, code: "WRONG_HOST", message: "this server has another name; see --allow-host")

  static let wrongOrigin = Refusal(
    status: .forbidden, code: "WRONG_ORIGIN", message: "pages of that origin may not ask here; see --allow-origin")

  static let targetTooLong = Refusal(status: .uriTooLong, code: "TARGET_TOO_LONG", message: "the target is too long")

  static let headersTooLarge = Refusal(
    status: .requestHeaderFieldsTooLarge, code: "HEADERS_TOO_LARGE", message: "the headers are too many or too long")

  static let bodyTooLarge = Refusal(status: .payloadTooLarge, code: "BODY_TOO_LARGE", message: "the body is too long")

  static let tooSlow = Refusal(
    status: .requestTimeout, code: "TOO_SLOW", message: "the request did not come in time")

  static let busy = Refusal(
    status: .serviceUnavailable, code: "BUSY", message: "too many connections; try again later",
    headers: ["retry-after": "5"], isRetryable: true)

  static let tooMuch = Refusal(
    status: .serviceUnavailable, code: "BUSY", message: "too much is being sent at once; try again later",
    headers: ["retry-after": "5"], isRetryable: true)

  static let internalError = Refusal(
    status: .internalServerError, code: "INTERNAL_ERROR", message: "a fault of this server; its log says more")

  /// What a client is told of a failure: never a path, an address or a key.
  init(_ error: any Error) {
    switch error {
    case let refusal as Refusal: self = refusal
    case let error as NotReady: self = error.refusal
    case let error as GibseyError: self.init(error)
    default: self = .internalError
    }
  }

  private init(_ error: GibseyError) {
    self.init(
      status: HTTPResponseStatus(of: error), code: error.code, message: error.publicMessage,
      isRetryable: error.isRetryable)
  }

  init(
    status: HTTPResponseStatus, code: String, message: String, headers: [String: String] = [:],
    isRetryable: Bool = false, parameter: String? = nil
  ) {
    self.parameter = parameter
    self.status = status
    self.code = code
    self.message = Self.cut(message)
    self.headers = headers
    self.isRetryable = isRetryable
  }

  /// What a message quotes of a client may be a mebibyte, and would make a record longer than records may be: its middle is left out.
  private static func cut(_ message: String) -> String {
    let scalars = message.unicodeScalars
    guard scalars.count > 768 else { return message }
    return "\(String(scalars.prefix(256))) … \(String(scalars.suffix(256)))"
  }

  /// The same as a record.
  /// - Parameter body: of the request, whose ids the record carries back.
  func record(at now: Timestamp, to body: [UInt8] = []) -> Record {
    let ids = RecordCoder.ids(in: body)
    return .error(
      ErrorRecord(
        message: message, code: code, timestamp: now.text, isRetryable: isRetryable, requestID: ids.request,
        sessionID: ids.session))
  }

  /// The same as a response.
  func response(at now: Timestamp, shape: ErrorShape = .record, to body: [UInt8] = []) -> Response {
    let bytes =
      switch shape {
      case .record: RecordCoder.encode(record(at: now, to: body))
      case .openAI: OpenAIError(self).bytes
      }
    var response = Response(status, type: "application/json", body: .bytes(bytes))
    for (name, value) in headers { response.headers.add(name: name, value: value) }
    // OpenAI's own clients ask again after each 5xx unless this says otherwise: three answers paid for one.
    if shape == .openAI { response.headers.add(name: "x-should-retry", value: isRetryable ? "true" : "false") }
    return response
  }
}

/// What errors look like.
enum ErrorShape: Sendable {
  /// An `error` record.
  case record
  /// `{"error":{"message":…}}`, below `/v1/`.
  case openAI

  /// - Parameter path: of a request or of a route.
  init(path: String) {
    let parts = path.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    // In absolute form a host stands before it (RFC 9112 §3.2.2).
    let isAbsolute = parts.count == 4 && parts[0].last == ":" && parts[1].isEmpty
    self = (isAbsolute ? parts[3].hasPrefix("v1/") : path.hasPrefix("/v1/")) ? .openAI : .record
  }
}

extension HTTPResponseStatus {
  /// The status that says what kind of failure it was.
  init(of error: GibseyError) {
    switch error.exitStatus {
    case .usage, .malformed: self = .badRequest
    case .unavailable, .protocolBroken, .notPermitted: self = .badGateway
    case .tryAgain: self = .serviceUnavailable
    default: self = .internalServerError
    }
    switch error {
    case .unknownPage, .unknownCharacter, .unknownSession, .sessionForgotten, .unknownTurn: self = .notFound
    case .notADatabase, .newerDatabase, .olderDatabase, .badEmbeddingModel, .otherEmbeddingModel, .syncRefused:
      self = .internalServerError
    default: break
    }
  }
}
