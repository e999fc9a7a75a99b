// What a service manager and a daemon tell each other, with a real socket in place of the manager.
import Foundation
import Glibc
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.serialized) struct SupervisorTests {
  /// A manager's socket, and what came there.
  private final class Manager {
    let path = NSTemporaryDirectory() + "notify-\(UUID().uuidString)"
    private let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)

    init() {
      var place = sockaddr_un()
      place.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &place.sun_path) { $0.copyBytes(from: path.utf8) }
      let length = socklen_t(MemoryLayout<sockaddr_un>.size)
      _ = withUnsafePointer(to: &place) { place in
        place.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
      }
    }

    deinit {
      close(descriptor)
      unlink(path)
    }

    func message() -> String {
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
  }

  @Test func theManagerHearsHowTheDaemonIs() {
    let manager = Manager()
    setenv("NOTIFY_SOCKET", manager.path, 1)
    let supervisor = Supervisor()
    #expect(getenv("NOTIFY_SOCKET") == nil, "what this process starts would speak in its name")
    supervisor.tell(.ready, "listening\nREADY=0")
    #expect(manager.message() == "READY=1\nSTATUS=listening\\nREADY=0")
    supervisor.tell(.stopping)
    #expect(manager.message() == "STOPPING=1")
  }

  @Test func withoutAManagerNothingIsSaid() {
    unsetenv("NOTIFY_SOCKET")
    let supervisor = Supervisor()
    supervisor.tell(.ready)
    #expect(supervisor.sockets == [])
  }

  @Test func socketsThatWereMeantForAnotherProcessAreNotTaken() {
    setenv("LISTEN_FDS", "2", 1)
    setenv("LISTEN_PID", "\(getpid() + 1)", 1)
    #expect(Supervisor().sockets == [])
    setenv("LISTEN_FDS", "2", 1)
    setenv("LISTEN_PID", "\(getpid())", 1)
    #expect(Supervisor().sockets.map(\.number) == [3, 4])
    #expect(getenv("LISTEN_FDS") == nil)
  }

  @Test func aDescriptorThatDoesNotListenIsRefused() {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(number) }
    #expect(throws: GibseyError.cannotCreate(path: "descriptor \(number)", reason: "not a socket that listens")) {
      try InheritedSocket(FileDescriptor(number: number))
    }
  }

  @Test func aSocketThatWasOpenedBeforeIsServed() async throws {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafePointer(to: &place) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
    }
    #expect(code == 0)
    #expect(listen(number, 8) == 0)
    let socket = try InheritedSocket(FileDescriptor(number: number))
    #expect(socket.address?.host == "127.0.0.1")
    try await TestServer.with { server in
      let second = try await Server(server.service, listen: [], inherited: [socket])
      let port = try #require(second.addresses.first?.port)
      let client = try RawClient(port: port)
      try client.send("GET /health HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n")
      #expect(try client.response().status == 200)
      await second.shutDown()
    }
  }
}
