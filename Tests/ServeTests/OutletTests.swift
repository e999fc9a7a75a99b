// The order of what goes out over one connection.
import Dispatch
import NIOCore
import NIOEmbedded
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
}
