// The order of what goes out over one connection.
import Dispatch
import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct OutletTests {
  @Test func whatIsGivenFirstGoesOutFirstWhicheverThreadGivesItAndNothingAfterTheLast() async throws {
    let channel = NIOAsyncTestingChannel()
    let outlet = Outlet(channel, limitBytes: 1000)
    try await channel.testingEventLoop.executeInContext {
      // While the event loop is busy others give it what to write; then it gives itself the end.
      for number in 0..<3 {
        DispatchQueue.global().sync { _ = outlet.offer(ByteBuffer(string: "\(number)"), count: 1) }
      }
      #expect(outlet.offer(ByteBuffer(string: "end"), count: 3, isLast: true))
      #expect(!outlet.offer(ByteBuffer(string: "late"), count: 4))
    }
    await channel.testingEventLoop.run()
    var written: [String] = []
    while let buffer = try await channel.readOutbound(as: ByteBuffer.self) { written.append(String(buffer: buffer)) }
    #expect(written == ["0", "1", "2", "end"])
    #expect(outlet.pendingBytes == 0)
  }

  /// One end of a connection is an outlet's, the other a reader's, whose calls block.
  private struct Pair {
    let outlet: Outlet
    let channel: any Channel
    let reader: CInt

    /// What has come, up to so many bytes; empty at the end.
    func read(_ count: Int) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: count)
      let got = recv(reader, &bytes, count, 0)
      return Array(bytes.prefix(max(0, got)))
    }

    static func with(_ body: @Sendable (Pair) async throws -> Void) async throws {
      var ends: [CInt] = [-1, -1]
      try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
      defer { Glibc.close(ends[1]) }
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      let channel = try await ClientBootstrap(group: group).withConnectedSocket(ends[0]).get()
      let pair = Pair(outlet: Outlet(channel, limitBytes: 64 << 10), channel: channel, reader: ends[1])
      do {
        try await withTaskExecutorPreference(BlockingExecutor()) { try await body(pair) }
      } catch {
        Issue.record(error)
      }
      try? await channel.close()
      try await group.shutdownGracefully()
    }

    /// The outlet has its line.
    func begin() async throws {
      outlet.beginStream()
      try await channel.eventLoop.submit {}.get()
    }
  }

  @Test func whatTheKernelTakesNeedsNoTurnOfTheEventLoop() async throws {
    try await Pair.with { pair in
      try await pair.begin()
      let mayGoOn = DispatchSemaphore(value: 0)
      pair.channel.eventLoop.execute { mayGoOn.wait() }
      #expect(try pair.outlet.stream(ByteBuffer(string: "a token")), "there is room for more")
      #expect(pair.read(100) == Array("a token".utf8))
      #expect(pair.outlet.pendingBytes == 0)
      mayGoOn.signal()
    }
  }

  /// Of the text of each line; some are longer than all that the kernel holds.
  private static func length(_ number: Int) -> Int { number % 500 == 499 ? 1 << 20 : number * 7 % 4000 }

  @Test func whateverTheKernelRefusesNothingIsLostOrOutOfOrder() async throws {
    try await Pair.with { pair in
      try await pair.begin()
      let count = 3000
      let writer = Task {
        for number in 0..<count {
          let text = String(repeating: "x", count: Self.length(number))
          if try !pair.outlet.stream(ByteBuffer(string: "s\(number) \(text)\n")) { try await pair.outlet.room() }
        }
      }
      let other = Task {
        for number in 0..<count {
          pair.outlet.offer(ByteBuffer(string: "o\(number) \n"), count: "o\(number) \n".utf8.count)
          await Task.yield()
        }
      }
      var (next, line) = (["s": 0, "o": 0], [UInt8]())
      while next["s", default: 0] < count || next["o", default: 0] < count {
        let bytes = pair.read(50_000)
        try #require(!bytes.isEmpty)
        for byte in bytes {
          guard byte == UInt8(ascii: "\n") else {
            line.append(byte)
            continue
          }
          let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
          line.removeAll(keepingCapacity: true)
          let who = String(words[0].prefix(1))
          let number = try #require(next[who])
          try #require(words[0] == "\(who)\(number)")
          if who == "s" { try #require((words.count > 1 ? words[1].utf8.count : 0) == Self.length(number)) }
          next[who] = number + 1
        }
      }
      try await writer.value
      await other.value
      #expect(line.isEmpty)
    }
  }

  @Test func theEndOfAConnectionIsSeenWhileSomebodyStreams() async throws {
    try await Pair.with { pair in
      try await pair.begin()
      try await pair.channel.close()
      pair.outlet.close()
      #expect(pair.read(1).isEmpty)
      #expect(throws: CancellationError.self) { _ = try pair.outlet.stream(ByteBuffer(string: "late")) }
    }
  }

  @Test func aLineTakesNoneOfTheLastDescriptors() async throws {
    try await Pair.with { pair in
      let channel = pair.channel
      let (isThere, isRefused) = try await channel.eventLoop.submit {
        (SocketDescriptor(channel) != nil, SocketDescriptor(channel, below: 3) == nil)
      }.get()
      #expect(isThere)
      #expect(isRefused)
      // The refused one was given back: without a line it is seen that the connection ends.
      try await channel.close()
      #expect(pair.read(1).isEmpty)
    }
  }

  @Test func whoStreamsNoMoreHoldsNoConnection() async throws {
    try await Pair.with { pair in
      try await pair.begin()
      pair.outlet.beginStream()
      pair.outlet.endStream()
      #expect(try pair.outlet.stream(ByteBuffer(string: "a")))
      pair.outlet.endStream()
      try await pair.channel.close()
      #expect(pair.read(2) == Array("a".utf8))
      #expect(pair.read(1).isEmpty)
    }
  }
}
