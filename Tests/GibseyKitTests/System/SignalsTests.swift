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

  @Test func whatIsIgnoredAtTheStartStaysSo() throws {
    for number in [SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
    defer { for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_DFL) } }
    let signals = try Signals {}
    for number in [SIGTERM, SIGHUP] { kill(getpid(), number) }
    withExtendedLifetime(signals) {}
    #expect([SIGINT, SIGTERM, SIGHUP].map(Self.isIgnored) == [false, true, true])
    #expect(signals.received == nil)
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  @Test func whoWaitsForInputGoesOnOnlyWhenTheListenerHasHeard() async throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    let (readEnd, writeEnd) = (ends[0], ends[1])
    let signals = try Signals()
    defer {
      withExtendedLifetime(signals) {}
      for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
      close(readEnd)
      close(writeEnd)
    }
    #expect(write(writeEnd, "x", 1) == 1)
    let (answers, heard) = AsyncStream.makeStream(of: Bool.self)
    // There is input: only the end of all waiting comes before it, and that must not be yet.
    signals.listen { [weak signals] _ in
      heard.yield(signals?.waitForInput(FileDescriptor(number: readEnd)) ?? false)
    }
    kill(getpid(), SIGTERM)
    var told = answers.makeAsyncIterator()
    #expect(await told.next() == true)
    #expect(signals.waitForInput(FileDescriptor(number: readEnd)) == false)
    #expect(signals.received == SIGTERM)
  }
}
