// A whole server on a free port of loopback, for tests: a real story, real sockets, whoever is asked played by a script.
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import GibseyKit
@testable import gibsey_serve

/// Serves until it is ended. Its identity is the port.
final class TestServer: Sendable {
  let service: Service
  let server: Server
  let folder: String
  var port: Int { server.addresses[0].port }

  /// What a test wants otherwise than it is.
  struct Wishes {
    var limits = Limits()
    var hosts: Set<String> = []
    var origins: Set<String> = []
    var tokens: TokenFile?
    var routes: [Route] = []
    var transport: (any Transport)?
    /// Settings beside those of every test.
    var settings: [SettingName: String] = [:]
    /// As many pages as this, each with a few words.
    var pages = 12
    /// The pages, in place of those.
    var story: [Page] = []
    var isWholeBook = false
    /// Whether clock and ids stand still: 1970, and a1, a2, a3.
    var isStill = true
    /// Another clock on the wall.
    var now: (@Sendable () -> Timestamp)?
    var linger = Duration.seconds(30)
    var events = EventLog()
  }

  private static func ids() -> @Sendable () -> String {
    let count = Counter()
    return { "a\(count.next())" }
  }

  private final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
      value.withLock { value in
        value += 1
        return value
      }
    }
  }

  init(_ wishes: Wishes = Wishes()) async throws {
    folder = NSTemporaryDirectory() + "serve-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = folder + "/story.db"
    try Self.write(wishes.story.isEmpty ? Self.pages(wishes.pages) : wishes.story, to: path)
    var reading = ReadingRoom.Options()
    reading.defaults.isWholeBook = wishes.isWholeBook
    let context = ToolContext(
      settings: Settings(
        environment: [.embedder: "none", .fallback: "ollama", .retryWait: "0"].merging(wishes.settings) { $1 },
        environmentFile: [:]),
      diagnostics: Diagnostics(tool: "gibsey-serve", isVerbose: false) { _ in }, executor: nil)
    var policy = try context.settings.askingPolicy()
    policy.answerLimitBytes = wishes.limits.answerBytes
    let asking = Asking(
      candidates: context.settings.candidates, transport: wishes.transport ?? CurlPool(threads: 2),
      policy: policy,
      clock: AskingClock(
        seconds: { 0 }, sleep: { try await Task.sleep(for: $0) }, chance: { 0 }))
    let tokens = wishes.tokens
    let isStill = wishes.isStill
    let now = wishes.now ?? { isStill ? Timestamp(microseconds: 0) : Timestamp.now() }
    let room = try ReadingRoom(context: context, path: path, options: reading)
    service = Service(
      Service.Parts(
        limits: wishes.limits, room: room,
        conversing: Conversing(
          prompting: { try await room.prompt(for: $0) }, asking: CurrentAsking(asking),
          keeper: try TurnKeeper(path: path, now: now),
          problem: { Issue.record("a turn is not kept: \($0)") }),
        linger: wishes.linger,
        admission: Admission(
          hosts: wishes.hosts, origins: wishes.origins, tokens: { tokens },
          router: Router(routes: wishes.routes + Route.all)),
        now: now, makeID: Self.ids(),
        diagnostics: context.diagnostics, events: wishes.events))
    server = try await Server(service, listen: [ListenAddress(host: "127.0.0.1", port: 0)])
  }

  /// Runs a test against a server and ends it.
  static func with(
    _ wishes: Wishes = Wishes(), _ body: @Sendable (TestServer) async throws -> Void
  ) async throws {
    let server = try await TestServer(wishes)
    do {
      try await withTaskExecutorPreference(BlockingExecutor()) { try await body(server) }
      await server.end()
    } catch {
      await server.end()
      throw error
    }
  }

  /// Ends it; nothing of it is left.
  func end() async {
    await server.shutDown()
    // As the daemon does: nobody is answered any more, and nothing is said about a database that is gone.
    service.sessions.cancelAll()
    for _ in 0..<60_000 where service.sessions.isBusy {
      // A minute at most, on a thread that others need meanwhile.
      try? await Task.sleep(for: .milliseconds(1))
    }
    // What was answered is written into a database that is there.
    _ = await service.conversing.settle(atMost: .seconds(60))
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// A client of its own. Its calls block; a test has a thread of the pool for them.
  func client() throws -> RawClient { try RawClient(port: port) }

  /// The response to a request with the usual Host.
  func get(_ target: String, _ headers: String...) throws -> RawResponse {
    let client = try client()
    try client.send(
      "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n")
    return try client.response()
  }

  static func pages(_ count: Int) -> [Page] {
    (1...count).map { number in
      Page(
        id: String(String(number + 1000).dropFirst()), title: "Page \(number)", pageIndex: number,
        text: "On page \(number) the lantern swings over the river and somebody counts the boats.")
    }
  }

  static func write(_ pages: [Page], to path: String) throws {
    let store = try PageStore(path: path, access: .readWrite)
    let writer = try store.writer()
    try writer.begin()
    for (place, page) in pages.enumerated() {
      let index = page.pageIndex ?? place + 1
      _ = try writer.write(page, id: page.id ?? "\(index)", pageIndex: index, source: "story", isDryRun: false)
    }
    try writer.commit()
  }
}
