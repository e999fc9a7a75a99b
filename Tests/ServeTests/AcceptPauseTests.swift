// No descriptor for one more connection: accepting rests, and goes on.
import NIOCore
import NIOEmbedded
import Testing

@testable import gibsey_serve

@Suite struct AcceptPauseTests {
  /// Whether it was last told to accept or not to; nil when it was told nothing.
  private static func accepts(_ channel: EmbeddedChannel) -> Bool? {
    channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool
  }

  @Test func acceptingRestsAfterAFailureAndGoesOn() throws {
    let channel = EmbeddedChannel(handler: AcceptPause())
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    let failure = IOError(errnoCode: 24, reason: "accept")
    #expect(Self.accepts(channel) == nil)
    channel.pipeline.fireErrorCaught(failure)
    #expect(Self.accepts(channel) == false)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(99))
    // One more failure of the same moment makes it no longer.
    channel.pipeline.fireErrorCaught(failure)
    #expect(Self.accepts(channel) == false)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    #expect(Self.accepts(channel) == true)
    channel.pipeline.fireErrorCaught(failure)
    #expect(Self.accepts(channel) == false)
  }

  @Test func aListenerThatWasClosedMeanwhileIsLeftAlone() throws {
    let channel = EmbeddedChannel(handler: AcceptPause())
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    channel.pipeline.fireErrorCaught(IOError(errnoCode: 24, reason: "accept"))
    try channel.close().wait()
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(Self.accepts(channel) == false)
  }
}
