// One HTTP connection: requests in, one after the other; responses out; every deadline kept.
import GibseyKit
import NIOCore
import NIOHTTP1

/// Collects requests, has them answered and writes the answers. Lives on its event loop; removed when the connection becomes
/// a WebSocket.
final class HTTPConnection: ChannelDuplexHandler, RemovableChannelHandler, Watched {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = Never
  typealias OutboundOut = HTTPServerResponsePart

  /// A body is given to the kernel in pieces of this size, so that progress is seen.
  private static let pieceBytes = 32 << 10
  /// What a closing connection may still send before it is cut: else the kernel resets it, and the answer is lost.
  private static let lingerTime = TimeAmount.seconds(1)

  private enum State {
    /// Nothing of a request yet, since the connection or the last response.
    case idle
    case reading(Incoming)
    case answering(HTTPRequestHead)
    /// The last response is written; what still comes is thrown away.
    case closing
  }

  private struct Incoming {
    let head: HTTPRequestHead
    let admitted: Admitted
    var body: [UInt8] = []
    /// Of the body, kept or not.
    var byteCount = 0
  }

  private let service: Service
  private let watch: LoopWatch
  private let gauge: RequestGauge
  private let entrance: Doors.Entrance
  let outlet: Outlet
  private var state = State.idle
  private var deadline: NIODeadline?
  private var task: Task<Void, Never>?
  private var context: ChannelHandlerContext?
  private var keepsAlive = true
  /// What came while a request was being answered: no more than one read of it, for then there are none.
  private var waiting: [Result<HTTPServerRequestPart, HTTPParserError>] = []
  private var wantsRead = false
  /// Since when nothing more can come.
  private var closedSince: NIODeadline?
  /// Of a body, until it is answered: see `Allowance`.
  private var heldBytes = 0

  init(service: Service, watch: LoopWatch, gauge: RequestGauge, entrance: Doors.Entrance, channel: any Channel) {
    self.service = service
    self.watch = watch
    self.gauge = gauge
    self.entrance = entrance
    outlet = Outlet(channel, limitBytes: service.limits.outboundBytes)
    deadline = .now() + service.limits.headTime
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    watch.add(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    watch.remove(self)
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    task?.cancel()
    outlet.close()
    letGo()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard (event as? ChannelEvent) == .inputClosed else { return context.fireUserInboundEventTriggered(event) }
    closedSince = .now()
    switch state {
    case .idle, .reading: cut()
    case .answering, .closing: break
    }
  }

  func check(now: NIODeadline) {
    if let stuck = outlet.stuckSince, now - stuck > service.limits.writeTime { return cut() }
    if case .idle = state, service.isDraining, !gauge.hasBegun { return cut() }
    if let closedSince, now - closedSince > service.limits.halfClosedTime { return cut() }
    guard let deadline, deadline < now else { return }
    switch state {
    case .idle where !gauge.hasBegun: cut()
    case .idle, .reading: refuse(.tooSlow)
    case .answering: break
    case .closing: cut()
    }
  }

  private func cut() {
    deadline = nil
    context?.close(promise: nil)
  }

  /// Nothing is read while a request is being answered.
  func read(context: ChannelHandlerContext) {
    if case .answering = state { wantsRead = true } else { context.read() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .answering = state { return waiting.append(.success(unwrapInboundIn(data))) }
    take(unwrapInboundIn(data))
  }

  /// What waited for the response, and what waits in the kernel.
  private func goOn() {
    var parts = waiting[...]
    waiting = []
    while let part = parts.popFirst() {
      if case .answering = state {
        waiting = [part] + parts
        return
      }
      switch part {
      case .success(let part): take(part)
      case .failure(let error): take(error)
      }
    }
    guard wantsRead, let context else { return }
    wantsRead = false
    read(context: context)
  }

  private func take(_ part: HTTPServerRequestPart) {
    switch (part, state) {
    case (.head(let head), .idle): begin(head.trimmed())
    case (.body(let part), .reading(var incoming)):
      state = .idle  // One owner of the bytes: they grow in place.
      incoming.byteCount += part.readableBytes
      guard incoming.byteCount <= service.limits.bodyBytes else { return refuse(.bodyTooLarge, of: incoming.head) }
      if incoming.admitted.route.takesBody {
        guard hold(incoming.byteCount) else { return refuse(.tooMuch, of: incoming.head) }
        incoming.body.append(contentsOf: part.readableBytesView)
      }
      state = .reading(incoming)
    case (.end, .reading(let incoming)):
      gauge.reset()
      finish(incoming)
    default: break
    }
  }

  private func hold(_ count: Int) -> Bool {
    guard service.allowance.change(from: heldBytes, to: count) else { return false }
    heldBytes = count
    return true
  }

  private func letGo() { _ = hold(0) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else { return cut() }
    if case .answering = state { waiting.append(.failure(error)) } else { take(error) }
  }

  private func take(_ error: HTTPParserError) {
    if case .reading(let incoming) = state { return refuse(.badRequest("the body cannot be read"), of: incoming.head) }
    guard case .idle = state else { return cut() }
    switch error {
    case .headerOverflow: refuse(gauge.lineBytes > service.limits.targetBytes ? .targetTooLong : .headersTooLarge)
    case .invalidMethod: refuse(Refusal.notImplemented(.RAW(value: "")))
    case .invalidVersion:
      refuse(
        Refusal(status: .httpVersionNotSupported, code: "BAD_REQUEST", message: "wanted HTTP/1.1 or HTTP/1.0"))
    default: refuse(.badRequest("not HTTP: the request cannot be read"))
    }
  }

  private func begin(_ head: HTTPRequestHead) {
    // What follows a request for an upgrade is not read as HTTP any more, granted or not (RFC 9110 §7.8).
    keepsAlive = head.isKeepAlive && !head.headers.contains(name: "upgrade")
    do {
      guard entrance == .inside else { throw Refusal.busy }
      let admitted = try service.admission.admit(head, localAddress: context?.channel.localAddress, service.limits)
      let codings = head.headers[canonicalForm: "transfer-encoding"]
      guard codings.allSatisfy({ $0.lowercased() == "chunked" }), codings.count < 2 else { throw Refusal.unknownCoding }
      // A server of HTTP/1.0 before this one may have passed on what it did not understand (RFC 9112 §6.1).
      if !codings.isEmpty, head.version == .http1_0 { keepsAlive = false }
      // The parser lets digits through and nothing else: what is no Int is too large for one.
      let length = head.headers.first(name: "content-length").map { Int($0) ?? .max }
      if let length, length > service.limits.bodyBytes { throw Refusal.bodyTooLarge }
      // What an older client expects, it cannot be told (RFC 9110 §10.1.1).
      if head.headers.contains(name: "expect"), head.version != .http1_0 { try expect(head) }
      state = .reading(Incoming(head: head, admitted: admitted))
      deadline = .now() + service.limits.bodyTime
    } catch {
      refuse(Refusal(error), of: head)
    }
  }

  /// RFC 9110 §10.1.1.
  private func expect(_ head: HTTPRequestHead) throws {
    guard head.headers["expect"].map({ $0.lowercased() }) == ["100-continue"] else {
      throw Refusal(status: .expectationFailed, code: "BAD_REQUEST", message: "wanted no Expect but 100-continue")
    }
    context?.writeAndFlush(
      wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
  }

  private func finish(_ incoming: Incoming) {
    guard let context else { return }
    state = .answering(incoming.head)
    deadline = nil
    let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
    let loop = context.eventLoop
    let request = incoming.admitted.request(body: incoming.body)
    task = Task { [service, outlet] in
      guard let response = await service.answer(request) else {
        return loop.execute { connection.value.end(isWhole: false) }
      }
      let write: @Sendable (BodyWriter) async throws -> Void
      switch response.body {
      case .socket(let peer):
        service.noteResponse(response.status, to: request)
        return loop.execute { connection.value.become(peer, response) }
      case .stream(let body) where request.method != .HEAD: write = body
      case .bytes, .stream:
        service.noteResponse(response.status, to: request)
        return loop.execute { connection.value.write(response) }
      }
      let writer = BodyWriter(outlet: outlet) { failure in
        let begun = (failure?.headers ?? [:]).reduce(response.with(failure?.status)) { $0.header($1.key, $1.value) }
        service.noteResponse(begun.status, to: request)
        loop.execute { connection.value.begin(begun) }
      }
      do {
        try await write(writer)
        writer.begin()
        loop.execute { connection.value.end(isWhole: true) }
      } catch {
        guard !writer.hasBegun, let refusal = service.refuse(error, of: request) else {
          return loop.execute { connection.value.end(isWhole: false) }
        }
        service.noteResponse(refusal.status, to: request)
        loop.execute { connection.value.write(refusal) }
      }
    }
  }

  // Writing.

  /// - Parameter asked: nil when it was not understood so far.
  private func refuse(_ refusal: Refusal, of asked: HTTPRequestHead? = nil) {
    guard let context else { return }
    waiting = []
    keepsAlive = false
    let head = HTTPRequestHead(version: .http1_1, method: asked?.method == .HEAD ? .HEAD : .GET, uri: "")
    state = .answering(head)
    service.noteRefusal(refusal, from: context.remoteAddress)
    let response = refusal.response(at: service.now(), shape: ErrorShape(path: asked?.uri ?? ""))
    // Who may ask may read why it cannot.
    write(service.allowing(response, for: asked.flatMap { service.admission.foreignOrigin(of: $0.headers) }))
  }

  private func write(_ response: Response) {
    guard case .answering(let head) = state else { return }
    var response = response
    guard case .bytes(let bytes) = response.body else {
      // HEAD of a stream: its length is nobody's to know.
      begin(response)
      return end(isWhole: true)
    }
    // RFC 9110 §8.6: none with these.
    if response.status != .noContent, response.status != .notModified {
      response.headers.replaceOrAdd(name: "content-length", value: String(bytes.count))
    }
    begin(response)
    if head.method != .HEAD {
      var rest = ByteBuffer(bytes: bytes)
      while let piece = rest.readSlice(length: min(Self.pieceBytes, rest.readableBytes)), piece.readableBytes > 0 {
        outlet.offer(HTTPServerResponsePart.body(.byteBuffer(piece)), count: piece.readableBytes)
      }
    }
    end(isWhole: true)
  }

  /// Gives the connection to a WebSocket. What has come behind the handshake goes to it, however it was cut.
  private func become(_ peer: any SocketPeer, _ response: Response) {
    guard case .answering(let request) = state, let context, closedSince == nil else {
      cut()
      return peer.end()
    }
    let channel = context.channel
    let head = HTTPResponseHead(version: request.version, status: response.status, headers: response.headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    // That may have found the connection broken: nobody would tell the peer.
    guard channel.isActive else { return peer.end() }
    let pipeline = context.pipeline
    let handler = SocketHandler(
      peer, outlet: outlet, channel: channel, watch: watch, limits: service.limits, allowance: service.allowance)
    do {
      try pipeline.syncOperations.addHandler(handler, position: .after(self))
      // The decoder at last: it passes on what it did not read.
      let decoder = try pipeline.syncOperations.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
      let encoder = try pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
      let mustRead = wantsRead
      pipeline.syncOperations.removeHandler(self, promise: nil)
      pipeline.syncOperations.removeHandler(context: encoder, promise: nil)
      pipeline.syncOperations.removeHandler(gauge, promise: nil)
      pipeline.syncOperations.removeHandler(context: decoder, promise: nil)
      handler.begin()
      if mustRead { channel.read() }
    } catch { channel.close(promise: nil) }
  }

  private func begin(_ response: Response) {
    guard case .answering(let request) = state, let context else { return }
    var headers = response.headers
    headers.replaceOrAdd(name: "x-content-type-options", value: "nosniff")
    headers.replaceOrAdd(name: "date", value: HTTPDate.text(service.now()))
    let isStream = if case .stream = response.body { true } else { false }
    if request.version == .http1_0, isStream { keepsAlive = false }
    if service.isDraining { keepsAlive = false }
    if !keepsAlive {
      // Who is told to upgrade is told so by this header, too (RFC 9110 §7.8).
      let isUpgrade = headers.contains(name: "upgrade")
      headers.replaceOrAdd(name: "connection", value: isUpgrade ? "upgrade, close" : "close")
    } else if request.version == .http1_0 {
      headers.replaceOrAdd(name: "connection", value: "keep-alive")
    }
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: request.version, status: response.status, headers: headers))),
      promise: nil)
    if isStream { context.flush() }
  }

  /// - Parameter isWhole: whether the body is: one that is not is cut off, so that nobody takes it for whole.
  private func end(isWhole: Bool) {
    guard case .answering = state, let context else { return }
    task = nil
    letGo()
    guard isWhole else { return cut() }
    // What came before the end is answered, and nothing comes after it.
    if closedSince != nil, waiting.isEmpty { keepsAlive = false }
    if keepsAlive {
      state = .idle
      deadline = .now() + service.limits.idleTime
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      return goOn()
    }
    state = .closing
    deadline = .now() + Self.lingerTime
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(mode: .output, promise: nil) }
  }
}

/// Looks at the bytes of a request's head before they are a head, to tell a long target from long headers and silence from
/// slowness.
final class RequestGauge: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// Whether a byte of the request has come.
  private(set) var hasBegun = false
  /// Bytes of its first line so far.
  private(set) var lineBytes = 0
  private var hasLine = false

  func reset() { (hasBegun, hasLine, lineBytes) = (false, false, 0) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    hasBegun = true
    if !hasLine {
      let bytes = unwrapInboundIn(data).readableBytesView
      let end = bytes.firstIndex(of: 0x0A)
      hasLine = end != nil
      lineBytes += (end ?? bytes.endIndex) - bytes.startIndex
    }
    context.fireChannelRead(data)
  }
}
