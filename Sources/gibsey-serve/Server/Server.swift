// Listens, and gives each connection its handlers.
import GibseyKit
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A listening daemon. Its identity is the sockets.
final class Server: Sendable {
  /// What the kernel may hold for one reader; it doubles the number for its own book-keeping (socket(7)).
  private static let sendBufferBytes = 128 << 10

  private let group: MultiThreadedEventLoopGroup
  private let listeners: [any Channel]
  private let socketFile: SocketFile?
  private let watches: Watches
  /// Where it listens, ports told: what was asked for with port 0 has the one that it got.
  let addresses: [ListenAddress]

  /// Binds all addresses, or none.
  /// - Throws: `GibseyError.cannotCreate` for one that cannot be had.
  init(
    _ service: Service, listen: [ListenAddress], unixSocket: String? = nil, inherited: [InheritedSocket] = [],
    threads: Int = System.coreCount
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    let watches = Watches(group)
    var listeners: [any Channel] = []
    var socketFile: SocketFile?
    do {
      try await watches.start()
      for address in listen {
        listeners.append(
          try await Self.bind(service, group, watches, at: address.description) {
            try await $0.bind(to: try address.resolved()).get()
          })
      }
      for socket in inherited {
        let name = socket.address?.description ?? "descriptor \(socket.descriptor.number)"
        listeners.append(
          try await Self.bind(service, group, watches, at: name) {
            try await $0.withBoundSocket(socket.descriptor.number).get()
          })
      }
      if let unixSocket {
        let file = try SocketFile(path: unixSocket)
        socketFile = file
        listeners.append(
          try await Self.bind(service, group, watches, at: unixSocket) {
            try await $0.withBoundSocket(file.descriptor.number).get()
          })
      }
    } catch {
      socketFile?.remove()
      for listener in listeners { try? await listener.close() }
      try? await group.shutdownGracefully()
      throw error
    }
    (self.group, self.watches, self.listeners, self.socketFile) = (group, watches, listeners, socketFile)
    addresses =
      zip(listen, listeners).map { asked, listener in
        ListenAddress(host: asked.host, port: listener.localAddress?.port ?? asked.port)
      } + inherited.compactMap(\.address)
  }

  /// No more connections; those that are there go on.
  func stopListening() async {
    socketFile?.remove()
    for listener in listeners { try? await listener.close() }
  }

  /// Ends everything.
  func shutDown() async {
    await stopListening()
    await watches.stop()
    try? await group.shutdownGracefully()
  }

  private static func bind(
    _ service: Service, _ group: MultiThreadedEventLoopGroup, _ watches: Watches, at name: String,
    _ bind: (ServerBootstrap) async throws -> any Channel
  ) async throws -> any Channel {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptPause())
        }
      }
      .childChannelOption(.maxMessagesPerRead, value: 4)
      // Who has sent its request and closes its side, as `nc -N` does, still reads.
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      // Left alone the kernel takes megabytes for a reader that takes nothing.
      .childChannelOption(.socketOption(.so_sndbuf), value: Self.sendBufferBytes)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try Self.welcome(channel, service, watches) }
      }
    do {
      return try await bind(bootstrap)
    } catch let error as IOError {
      throw GibseyError.cannotCreate(path: name, reason: SystemReason.words(error.errnoCode))
    } catch let error as SocketAddressError {
      throw GibseyError.cannotCreate(path: name, reason: "no such host (\(error))")
    }
  }

  /// The handlers of one new connection.
  private static func welcome(_ channel: any Channel, _ service: Service, _ watches: Watches) throws {
    let address = channel.remoteAddress?.ipAddress
    let entrance = service.doors.enter(address)
    guard entrance != .closed else { throw ChannelError.ioOnClosedChannel }
    channel.closeFuture.whenComplete { _ in service.doors.leave(address) }
    if address != nil { try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1) }
    var decoding = NIOHTTPDecoderLimitConfiguration()
    decoding.maxHeaderFieldSize = max(service.limits.targetBytes, service.limits.headerBytes)
    decoding.maxHeaderListSize = service.limits.targetBytes + service.limits.headerBytes
    decoding.maxHeaderFieldCount = service.limits.headers
    let gauge = RequestGauge()
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandlers([
      gauge,
      HTTPResponseEncoder(),
      ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoding)),
      HTTPConnection(
        service: service, watch: watches.watch(of: channel.eventLoop), gauge: gauge, entrance: entrance,
        channel: channel),
    ])
  }
}

/// The watch of each event loop.
private final class Watches: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let watches = Mutex<[ObjectIdentifier: NIOLoopBound<LoopWatch>]>([:])

  init(_ group: MultiThreadedEventLoopGroup) { self.group = group }

  func start() async throws {
    for loop in group.makeIterator() {
      let watch = try await loop.submit { NIOLoopBound(LoopWatch(loop), eventLoop: loop) }.get()
      watches.withLock { $0[ObjectIdentifier(loop)] = watch }
    }
  }

  /// To be called on the loop.
  func watch(of loop: any EventLoop) -> LoopWatch {
    guard let watch = watches.withLock({ $0[ObjectIdentifier(loop)] }) else { return LoopWatch(loop) }
    return watch.value
  }

  func stop() async {
    for (loop, watch) in zip(
      group.makeIterator(), watches.withLock { watches in group.makeIterator().map { watches[ObjectIdentifier($0)] } })
    {
      try? await loop.submit { watch?.value.stop() }.get()
    }
  }
}
