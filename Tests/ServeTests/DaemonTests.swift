// The daemon as a process: descriptors that run out, signals, its socket file.
import Foundation
import Glibc
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct DaemonTests {
  private static func with(
    _ flags: [String] = [], files: Int = 1024, environment: [String: String] = [:],
    _ body: @Sendable (DaemonProcess) async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(BlockingExecutor()) {
      try await body(try DaemonProcess(flags, files: files, environment: environment))
    }
  }

  @Test func howeverManyComeThoseInsideAreServedFromTheFirstRequestOn() async throws {
    let files = 72
    // Who is inside says nothing until all others have come.
    try await Self.with(["--head-time", "600"], files: files) { daemon in
      let inside = try RawClient(port: daemon.port)
      var crowd = try (0..<files + 60).map { _ in try RawClient(port: daemon.port) }
      // The last of them is not let in, so all of those before it are where they stay.
      #expect(try crowd[crowd.count - 1].takeAll() == "")
      // Nothing was read before: the database is opened now.
      let question = #"{"prompt":"Who counts the boats?"}"#
      let host = "Host: 127.0.0.1:\(daemon.port)\r\n"
      try inside.send("GET /ready HTTP/1.1\r\n\(host)\r\n")
      #expect(try inside.response().status == 200)
      try inside.send(
        "POST /api/v1/context HTTP/1.1\r\n\(host)Content-Type: application/json\r\n"
          + "Content-Length: \(question.utf8.count)\r\n\r\n\(question)")
      #expect(try inside.response().status == 200)
      let crowded = daemon.openFiles
      #expect(crowded < files)
      crowd = []
      // Of those who have left some were never let in: they come in now, each for a moment, and who comes may yet meet a full house.
      waitUntil { daemon.openFiles < crowded - 8 && (try? ReaderClient(port: daemon.port, "after").isQuiet()) == true }
    }
  }

  @Test func whenDescriptorsRunOutThoseInsideAreServedNothingSpinsAndOthersComeInLater() async throws {
    try await Self.with(["--head-time", "1.5"]) { daemon in
      let inside = try ReaderClient(port: daemon.port, "inside")
      let files = daemon.openFiles
      let silent = try RawClient(port: daemon.port)
      waitUntil { daemon.openFiles > files }
      try daemon.limitFiles(to: daemon.openFiles)
      let crowd = try (0..<40).map { _ in try RawClient(port: daemon.port) }
      #expect(try inside.isQuiet())
      // A loop that tried again at once would use all of the time until the silent one is cut.
      let before = daemon.processorTicks
      #expect(try silent.takeAll() == "")
      #expect(daemon.processorTicks - before < 60)
      try daemon.limitFiles(to: 1024)
      #expect(try inside.isQuiet())
      #expect(try ReaderClient(port: daemon.port, "after").isQuiet())
      withExtendedLifetime(crowd) {}
    }
  }

  @Test func theSecondSignalEndsAtOnceWhatTheFirstLetsFinish() async throws {
    // A provider that takes the request and says nothing.
    let provider = try SilentListener()
    let environment = [
      "OLLAMA_BASE_URL": "http://127.0.0.1:\(provider.port)", "GIBSEY_FIRST_TOKEN_TIMEOUT": "3600",
    ]
    try await Self.with(["--grace", "3600"], environment: environment) { daemon in
      let reader = try ReaderClient(port: daemon.port)
      try reader.ask("What?")
      #expect(try reader.isQuiet())
      daemon.send(SIGTERM)
      // It has heard the first one when nobody comes in any more.
      waitUntil { (try? RawClient(port: daemon.port)) == nil }
      #expect(try reader.isQuiet(), "the one who waits for an answer is kept")
      daemon.send(SIGTERM)
      #expect(await daemon.ending() == .signal(SIGTERM))
    }
  }

  @Test func aDaemonThatEndsSaysThatItWaitsForWhoHoldsTheDatabaseAndKeepsTheTurnThen() async throws {
    try await Self.with(["--grace", "3600"], environment: ["GIBSEY_RETRY_WAIT": "0"]) { daemon in
      let path = daemon.folder + "/story.db"
      let writer = try PageStore(path: path, access: .readWrite).writer()
      try writer.begin()
      // Nobody is there who could answer: a failed turn is a turn.
      let reader = try ReaderClient(port: daemon.port)
      try reader.ask("What?")
      _ = try reader.hearError()
      daemon.send(SIGTERM)
      #expect(daemon.says("waiting for another program that holds the database"))
      writer.rollBack()
      #expect(await daemon.ending() == .exit(0))
      let store = try ConversationStore(path: path, access: .readOnly)
      #expect(try store.sessions().map(\.turns) == [1])
    }
  }

  @Test func aDaemonThatEndsTakesItsSocketFileAway() async throws {
    try await Self.with(["--unix-socket", "talk.sock"]) { daemon in
      let path = daemon.folder + "/talk.sock"
      let client = try RawClient(unixSocket: path)
      try client.send("GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
      #expect(try client.response().body == "{\"status\":\"ready\",\"pages\":3}\n")
      daemon.send(SIGTERM)
      #expect(await daemon.ending() == .exit(0))
      #expect(access(path, F_OK) == -1)
    }
  }

  @Test func aTokenThatIsTakenBackClosesTheSocketsThatWereOpenedWithIt() async throws {
    let path = NSTemporaryDirectory() + "tokens-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (ann, ben, new) = ("0123456789abcdefAA", "0123456789abcdefBB", "0123456789abcdefCC")
    func write(_ text: String) throws {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      chmod(path, 0o600)
    }
    try write("ann:\(ann)\nben:\(ben)\ncat:\(new)\n")
    func bearer(_ token: String) -> String { "Authorization: Bearer \(token)\r\n" }
    try await withTaskExecutorPreference(BlockingExecutor()) {
      let daemon = try DaemonProcess(["--token-file", path])
      let gone = try ReaderClient(port: daemon.port, "s1", extra: bearer(ann))
      let stays = try ReaderClient(port: daemon.port, "s2", extra: bearer(ben))
      let changed = try ReaderClient(port: daemon.port, "s3", extra: bearer(new))
      try write("ben:\(ben)\ncat:\(ann)\n")
      daemon.send(SIGHUP)
      #expect(try gone.raw.hear().code == 1008)
      #expect(try changed.raw.hear().code == 1008)
      #expect(try stays.isQuiet())
    }
  }

  @Test func aBrokenAddressIsToldAtTheStartAndNotTakenLater() async throws {
    try await withTaskExecutorPreference(BlockingExecutor()) {
      do {
        _ = try DaemonProcess(environment: ["OLLAMA_BASE_URL": "ftp://x"])
        Issue.record("it listens")
      } catch let error as DaemonProcess.NeverListened {
        #expect(error.said.contains("OLLAMA_BASE_URL"))
      }
      // A provider that nobody would ask may have whatever address.
      _ = try DaemonProcess(environment: ["OPENAI_BASE_URL": "ftp://x", "OPENAI_API_KEY": "k"])
      let daemon = try DaemonProcess()
      let file = daemon.folder + "/.env"
      try "OLLAMA_BASE_URL=ftp://x\n".write(toFile: file, atomically: true, encoding: .utf8)
      daemon.send(SIGHUP)
      #expect(daemon.says("what is wrong stays as it was"))
      daemon.send(SIGTERM)
      #expect(await daemon.ending() == .exit(0))
    }
  }
}

/// Lets the kernel accept, and says nothing.
final class SilentListener: Sendable {
  let port: Int
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { [descriptor] place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw RawClient.Failure(what: "bind: \(errno)") }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit { close(descriptor) }
}
