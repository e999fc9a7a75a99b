// A socket file: who may use it, whose it is, and what was there before.
import Foundation
import Glibc
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct SocketFileTests {
  private static func with(_ body: @Sendable (TestServer, _ path: String) async throws -> Void) async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      try await body(server, server.folder + "/talk.sock")
    }
  }

  private static func mode(_ path: String) -> mode_t {
    var facts = stat()
    return lstat(path, &facts) == 0 ? facts.st_mode : 0
  }

  private static func isServed(_ path: String) throws -> Bool {
    let client = try RawClient(unixSocket: path)
    try client.send("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return try client.response().status == 200
  }

  @Test func itsOwnerAndTheGroupMayConnectAndItGoesWithTheServer() async throws {
    try await Self.with { server, path in
      let second = try await Server(server.service, listen: [], unixSocket: path)
      #expect(Self.mode(path) == S_IFSOCK | 0o660)
      #expect(try Self.isServed(path))
      await second.shutDown()
      #expect(Self.mode(path) == 0)
    }
  }

  @Test func oneThatADeadServerLeftIsReplaced() async throws {
    try await Self.with { server, path in
      let dead = try SocketFile(path: path)
      close(dead.descriptor.number)
      #expect(Self.mode(path) & S_IFMT == S_IFSOCK)
      let second = try await Server(server.service, listen: [], unixSocket: path)
      #expect(try Self.isServed(path))
      await second.shutDown()
    }
  }

  @Test func oneThatIsListenedAtIsNotTaken() async throws {
    try await Self.with { server, path in
      let second = try await Server(server.service, listen: [], unixSocket: path)
      await #expect(throws: GibseyError.cannotCreate(path: path, reason: "another program listens there")) {
        try await Server(server.service, listen: [], unixSocket: path)
      }
      #expect(try Self.isServed(path))
      await second.shutDown()
    }
  }

  @Test func aFileThatIsNoSocketIsLeftAsItIs() async throws {
    try await Self.with { server, path in
      try "a letter".write(toFile: path, atomically: false, encoding: .utf8)
      await #expect(throws: GibseyError.cannotCreate(path: path, reason: "something else is there, and no socket")) {
        try await Server(server.service, listen: [], unixSocket: path)
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "a letter")
      // A link is not followed to what it leads to.
      symlink(path, path + ".link")
      await #expect(throws: GibseyError.self) {
        try await Server(server.service, listen: [], unixSocket: path + ".link")
      }
      #expect(Self.mode(path + ".link") & S_IFMT == S_IFLNK)
    }
  }

  @Test func whatCameInItsPlaceIsNotTakenAway() async throws {
    try await Self.with { server, path in
      let second = try await Server(server.service, listen: [], unixSocket: path)
      unlink(path)
      try "a letter".write(toFile: path, atomically: false, encoding: .utf8)
      await second.shutDown()
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "a letter")
    }
  }

  @Test func aPathThatTheKernelCannotTakeIsToldSo() {
    let path = "/tmp/" + String(repeating: "x", count: 103)
    #expect(throws: GibseyError.cannotCreate(path: path, reason: "the path of a socket has 107 bytes at most")) {
      try SocketFile(path: path)
    }
  }
}
