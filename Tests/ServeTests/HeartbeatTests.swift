// Who is silent, and for how long: by a clock that the test holds.
import NIOCore
import NIOEmbedded
import Testing

@testable import gibsey_serve

@Suite struct HeartbeatTests {
  private static let ping = ByteBuffer(bytes: [0x89, 0x00])

  /// A socket without a network, and the time at which its peer was heard last.
  private struct Scene {
    let channel: EmbeddedChannel
    let handler: SocketHandler
    let start = NIODeadline.now()

    init() throws {
      channel = EmbeddedChannel()
      var limits = Limits()
      limits.heartbeat = .seconds(25)
      let outlet = Outlet(channel, limitBytes: limits.outboundBytes)
      handler = SocketHandler(
        EchoPeer(), outlet: outlet, channel: channel, watch: LoopWatch(channel.embeddedEventLoop), limits: limits,
        allowance: Allowance(limitBytes: limits.incomingBytes))
      try channel.pipeline.syncOperations.addHandler(handler)
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// What is written when the time has come.
    func look(after seconds: Int64) throws -> ByteBuffer? {
      handler.check(now: start + .seconds(seconds))
      channel.embeddedEventLoop.run()
      return try channel.readOutbound(as: ByteBuffer.self)
    }
  }

  @Test func aSilentPeerIsPingedOnceAndThenDropped() throws {
    let scene = try Scene()
    #expect(try scene.look(after: 24) == nil)
    #expect(try scene.look(after: 26) == Self.ping)
    #expect(try scene.look(after: 74) == nil)
    // Half a frame is no sign of life.
    try scene.channel.writeInbound(ByteBuffer(bytes: [0x81, 0xFE]))
    #expect(try scene.look(after: 75) == nil)
    #expect(scene.channel.isActive)
    #expect(try scene.look(after: 77) == nil)
    #expect(!scene.channel.isActive)
  }

  @Test func whoAnswersAPingIsKeptAndPingedAgain() throws {
    let scene = try Scene()
    for round in 0..<4 {
      // Each answer comes at the test's own time, some milliseconds after the start.
      #expect(try scene.look(after: 30) == Self.ping, "round \(round)")
      try scene.channel.writeInbound(ByteBuffer(bytes: RawClient.frame("", first: 0x8A)))
      #expect(try scene.look(after: 20) == nil)
    }
    #expect(scene.channel.isActive)
  }

  @Test func aMachineThatStoodStillDropsNobodyWhoWasNotAsked() throws {
    let scene = try Scene()
    #expect(try scene.look(after: 3600) == Self.ping)
    #expect(scene.channel.isActive)
    #expect(try scene.look(after: 3649) == nil)
    #expect(scene.channel.isActive)
    #expect(try scene.look(after: 3651) == nil)
    #expect(!scene.channel.isActive)
  }

  /// A kernel that takes nothing until it is told to.
  private final class Plug: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var isOpen = false
    func flush(context: ChannelHandlerContext) { if isOpen { context.flush() } }
  }

  @Test func whoTakesNothingIsToldWhyAndCutAllTheSame() throws {
    let channel = EmbeddedChannel()
    let (limits, plug, start) = (Limits(), Plug(), NIODeadline.now())
    let outlet = Outlet(channel, limitBytes: limits.outboundBytes)
    let handler = SocketHandler(
      EchoPeer(), outlet: outlet, channel: channel, watch: LoopWatch(channel.embeddedEventLoop), limits: limits,
      allowance: Allowance(limitBytes: limits.incomingBytes))
    try channel.pipeline.syncOperations.addHandlers([plug, handler])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    outlet.offer(ByteBuffer(string: "waits"), count: 5)
    handler.check(now: start + .seconds(9))
    #expect(!outlet.isClosed)
    handler.check(now: start + .seconds(11))
    #expect(outlet.isClosed)
    plug.isOpen = true
    channel.pipeline.flush()
    #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "waits"))
    let farewell = try channel.readOutbound(as: ByteBuffer.self)
    #expect(farewell?.readableBytesView.prefix(4).dropFirst(2).elementsEqual([0x03, 0xF0]) == true)
    #expect(channel.isActive)
    handler.check(now: start + .seconds(15))
    channel.embeddedEventLoop.run()
    #expect(!channel.isActive)
  }
}
