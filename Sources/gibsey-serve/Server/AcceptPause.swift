// What happens when there is no descriptor, or no memory, for one more connection.
import NIOCore

/// Stops accepting for a moment after a failure: the connection stays in the kernel's queue and the socket ready, so that
/// trying again at once would never end. NIO's own AcceptBackoffHandler does not stop the selector.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private static let pause = TimeAmount.milliseconds(100)

  private var isPausing = false

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isPausing else { return }
    isPausing = true
    set(true, context.channel)
    let handler = NIOLoopBound((self, context.channel), eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: Self.pause) {
      let (handler, channel) = handler.value
      handler.isPausing = false
      if channel.isActive { handler.set(false, channel) }
    }
  }

  private func set(_ isPausing: Bool, _ channel: any Channel) {
    try? channel.syncOptions?.setOption(.autoRead, value: !isPausing)
  }
}
