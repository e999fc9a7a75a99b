// What a route answers: bytes, or a stream of them.
import GibseyKit
import NIOCore
import NIOHTTP1
import Synchronization

/// A response. Its length, connection and safety headers are added on the way out.
struct Response: Sendable {
  enum Body: Sendable {
    case bytes([UInt8])
    /// Written as it comes; each write waits until the client keeps up, and throws once it has left. The head goes out with
    /// the first write: what is thrown before becomes a response of its own.
    case stream(@Sendable (BodyWriter) async throws -> Void)
    /// The connection becomes a WebSocket, and this is who talks over it.
    case socket(any SocketPeer)
  }

  var status: HTTPResponseStatus
  var headers: HTTPHeaders
  var body: Body

  init(_ status: HTTPResponseStatus, headers: HTTPHeaders, body: Body) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  init(_ status: HTTPResponseStatus = .ok, type: String, body: Body) {
    self.status = status
    headers = ["content-type": type]
    self.body = body
  }

  /// The end of HTTP on this connection.
  static func socket(_ headers: HTTPHeaders, _ peer: any SocketPeer) -> Response {
    Response(.switchingProtocols, headers: headers, body: .socket(peer))
  }

  /// A JSON text, with a line feed at its end.
  static func json(_ status: HTTPResponseStatus = .ok, _ write: (inout JSONWriter) -> Void) -> Response {
    var writer = JSONWriter()
    writer.object(write)
    return Response(status, type: "application/json", body: .bytes(writer.bytes + [0x0A]))
  }

  static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
    Response(type: type, body: .bytes(Array(text.utf8)))
  }

  /// Records, one a line, as they come.
  static func records(_ write: @escaping @Sendable (BodyWriter) async throws -> Void) -> Response {
    Response(type: "application/x-ndjson", body: .stream(write))
  }

  /// The same with another status; nil leaves it.
  func with(_ status: HTTPResponseStatus?) -> Response {
    var copy = self
    if let status { copy.status = status }
    return copy
  }

  func header(_ name: String, _ value: String) -> Response {
    var copy = self
    copy.headers.replaceOrAdd(name: name, value: value)
    return copy
  }
}

/// The body of a response that is being streamed. Its identity is the response.
final class BodyWriter: Sendable {
  /// Whoever writes much makes no more of it at once than about this.
  static let blockBytes = 64 << 10

  private let outlet: Outlet
  private let writeHead: @Sendable (Refusal?) -> Void
  private let begun = Atomic(false)

  /// - Parameter writeHead: writes the head of the response, without waiting; with status and headers of a failure where there is one.
  init(outlet: Outlet, writeHead: @escaping @Sendable (Refusal?) -> Void) {
    self.outlet = outlet
    self.writeHead = writeHead
  }

  /// Whether the head is on its way.
  var hasBegun: Bool { begun.load(ordering: .relaxed) }

  /// Writes the head now, if it is not written.
  /// - Parameter failure: what became of it instead of the response; the body tells the rest.
  func begin(_ failure: Refusal? = nil) {
    if !begun.exchange(true, ordering: .relaxed) { writeHead(failure) }
  }

  /// Writes a block and waits while the client is behind.
  /// - Throws: `CancellationError` when the client has left.
  func write(_ bytes: [UInt8]) async throws {
    begin()
    do {
      try await outlet.send(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), count: bytes.count)
    } catch {
      // An answer that is cancelled while its reader is behind goes out to its end nevertheless.
      if outlet.isClosed { throw error }
    }
  }

  func write(_ record: Record) async throws { try await write(RecordCoder.encode(record)) }
}
