// One WebSocket on its event loop: frames in and out, pings, the closing handshake. The only handler of its channel.
import NIOCore

/// Reads frames for a peer and keeps the connection honest.
final class SocketHandler: ChannelDuplexHandler, Watched {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Asks the handler to close.
  struct Farewell: Sendable {
    let code: UInt16
    let reason: String
  }

  /// Tells it to read again.
  struct Again: Sendable {}

  /// How long the other side may take to close after the closing handshake.
  private static let closingTime = TimeAmount.seconds(2)
  /// So many heartbeats without a word after a ping, and the peer is gone: three in all.
  private static let patience: Int64 = 2
  /// The rate is measured over so many seconds: a burst is no flood.
  private static let rateSeconds = 10

  private enum State {
    case open
    /// A close frame was sent: nothing more is.
    case closing(until: NIODeadline)
  }

  private let limits: Limits
  private let watch: LoopWatch
  private let peer: any SocketPeer
  private let socket: Socket
  private let outlet: Outlet
  private var reader: FrameReader
  private var state = State.open
  private var heard = NIODeadline.now()
  private var pinged: NIODeadline?
  private var messages = 0
  private var messagesSince = NIODeadline.now()
  private var wantsRead = false
  private let allowance: Allowance
  /// Of a message that is not whole: see `Allowance`.
  private var heldBytes = 0
  private var context: ChannelHandlerContext?

  init(
    _ peer: any SocketPeer, outlet: Outlet, channel: any Channel, watch: LoopWatch, limits: Limits,
    allowance: Allowance
  ) {
    self.peer = peer
    self.outlet = outlet
    self.watch = watch
    self.limits = limits
    self.allowance = allowance
    socket = Socket(channel, outlet)
    reader = FrameReader(limitBytes: limits.messageBytes, fragmentLimit: limits.fragments)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    watch.add(self)
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    outlet.onRoom { handler.value.readAgain() }
  }

  /// Lets the peer speak: nothing of HTTP is in its way any more.
  func begin() { peer.begin(socket) }

  func handlerRemoved(context: ChannelHandlerContext) {
    watch.remove(self)
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    outlet.close()
    _ = hold(0)
    peer.end()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // A WebSocket ends with frames; who ends it otherwise is gone.
    if (event as? ChannelEvent) == .inputClosed {
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func check(now: NIODeadline) {
    if case .closing(let end) = state {
      if end < now { context?.close(promise: nil) }
      return
    }
    if let stuck = outlet.stuckSince, now - stuck > limits.writeTime {
      // Told behind what waits, should it read at last; cut soon all the same.
      return close(1008, reason: "nothing was read for too long")
    }
    // Counted from the ping: a machine that stood still for a while takes nobody for gone who was not asked.
    if let pinged {
      if now - pinged > limits.heartbeat * Self.patience { cut() }
    } else if now - heard > limits.heartbeat {
      pinged = now
      outlet.offer(FrameWriter.frame(.ping, []), count: 2)
    }
  }

  private func cut() { context?.close(promise: nil) }

  // Reading.

  /// Who does not read what is written need not be heard: so a flood of pings ends.
  func read(context: ChannelHandlerContext) {
    if outlet.isFlooded || peer.isFull { wantsRead = true } else { context.read() }
  }

  private func readAgain() {
    guard wantsRead, let context else { return }
    wantsRead = false
    context.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    do throws(SocketFault) {
      while case .open = state, let event = try reader.next(&buffer) { try take(event) }
      guard hold(reader.heldBytes) else { throw SocketFault.tooMuch }
    } catch {
      close(error.code, reason: error.reason)
    }
  }

  private func hold(_ count: Int) -> Bool {
    guard allowance.change(from: heldBytes, to: count) else { return false }
    heldBytes = count
    return true
  }

  private func take(_ event: FrameReader.Event) throws(SocketFault) {
    heard = .now()
    pinged = nil
    switch event {
    case .text(let bytes):
      try count()
      peer.receive(text: bytes)
    case .binary(let bytes):
      try count()
      peer.receive(binary: bytes)
    case .ping(let payload):
      try count()
      outlet.offer(FrameWriter.frame(.pong, payload), count: payload.count + 2)
    case .pong: break
    case .close(let code, let reason): answerClose(code, reason)
    }
  }

  private func count() throws(SocketFault) {
    messages += 1
    guard messages > limits.messagesPerSecond * Self.rateSeconds else { return }
    guard heard - messagesSince > .seconds(Int64(Self.rateSeconds)) else { throw .tooManyMessages }
    (messages, messagesSince) = (1, heard)
  }

  // Closing.

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    switch event {
    case let farewell as Farewell: close(farewell.code, reason: farewell.reason)
    case is Again: readAgain()
    default: return context.triggerUserOutboundEvent(event, promise: promise)
    }
    promise?.succeed()
  }

  private func answerClose(_ code: UInt16?, _ reason: [UInt8]) {
    leave(FrameWriter.close(code, reason: reason))
  }

  private func close(_ code: UInt16, reason: String) { leave(FrameWriter.close(code, reason: reason.utf8)) }

  /// Sends the last frame and no other. The other side is read until it closes, so that what it still sends does not make the
  /// kernel throw the frame away.
  private func leave(_ frame: ByteBuffer) {
    guard case .open = state, let context else { return }
    state = .closing(until: .now() + Self.closingTime)
    let channel = context.channel
    outlet.offer(frame, count: frame.readableBytes, isLast: true)
    context.eventLoop.execute { channel.close(mode: .output, promise: nil) }
  }
}
