// The echo of the tests as a server by itself: what the Autobahn Testsuite talks to (Scripts/autobahn.sh).
import Foundation
import Testing

@testable import gibsey_serve

/// Where the port is to be written; only then does it run.
private let portFile = ProcessInfo.processInfo.environment["GIBSEY_ECHO_PORT_FILE"]

@Suite struct EchoServer {
  @Test(.enabled(if: portFile != nil)) func `an echo goes on until standard input ends`() async throws {
    let file = try #require(portFile)
    var wishes = TestServer.Wishes(routes: [EchoPeer.route()])
    // Case 9 sends 16 MiB in one message, and 4 MiB in pieces of 64 bytes; case 7 and 10 as fast as they can.
    wishes.limits.messageBytes = 32 << 20
    wishes.limits.fragments = 1 << 20
    wishes.limits.messagesPerSecond = 1_000_000
    try await TestServer.with(wishes) { server in
      try Data("\(server.port)\n".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
      while !FileHandle.standardInput.availableData.isEmpty {}
    }
  }
}
