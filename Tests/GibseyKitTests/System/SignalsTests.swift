// Signals that come the moment a watch begins.
import GibseyKit
import Glibc
import Testing

@Suite(.serialized) struct SignalsTests {
  @Test func aHangupIsToldHoweverSoonItComes() async throws {
    let (hangups, heard) = AsyncStream.makeStream(of: Void.self)
    let signals = try Signals { heard.yield() }
    defer {
      withExtendedLifetime(signals) {}
      // Whoever runs the tests may want to end them.
      for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_DFL) }
    }
    kill(getpid(), SIGHUP)
    var told = hangups.makeAsyncIterator()
    #expect(await told.next() != nil)
    #expect(signals.received == nil)
  }
}
