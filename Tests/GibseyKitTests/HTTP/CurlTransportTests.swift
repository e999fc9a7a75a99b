// Bytes over a real socket, and every way in which they fail to come.
import Dispatch
import Synchronization
import Testing

@testable import GibseyKit

@Suite struct CurlTransportTests {
  private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

  private func request(_ url: String, _ deadlines: HTTPDeadlines = HTTPDeadlines()) -> HTTPRequest {
    HTTPRequest(
      method: .post, url: url + "/p", headers: [HTTPHeader("X-Test", "yes")],
      body: Array("hello".utf8),
      deadlines: deadlines)
  }

  /// For what is cancelled: on a machine that is busy for a minute the silence must not be what ends it.
  private static let patient = HTTPDeadlines(firstByte: .seconds(3600), stall: .seconds(3600))

  private func text(_ response: HTTPResponse) async throws -> String {
    String(decoding: try await response.body.collect(limitBytes: 1 << 20), as: UTF8.self)
  }

  @Test func `a response has its status, its headers and its body`() async throws {
    let server = ScriptedServer([[.send(Self.head + "Content-Length: 5\r\n\r\nworld")]])
    let response = try await CurlTransport().send(request(server.url))
    #expect(response.head.status == 200)
    #expect(response.head.value("content-type") == "text/plain")
    #expect(try await text(response) == "world")
    let sent = try #require(server.requests.first)
    #expect(sent.hasPrefix("POST /p HTTP/1.1\r\n"))
    #expect(sent.contains("\r\nX-Test: yes\r\n"))
    #expect(!sent.contains("Expect:"))
    #expect(sent.hasSuffix("\r\n\r\nhello"))
  }

  @Test func `a status that tells a failure comes with its body`() async throws {
    let server = ScriptedServer([
      [.send("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait")]
    ])
    let response = try await CurlTransport().send(request(server.url))
    #expect(response.head.status == 429)
    #expect(response.head.value("retry-after") == "7")
    #expect(try await text(response) == "wait")
  }

  @Test func `a redirect is not followed`() async throws {
    let server = ScriptedServer([
      [.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")]
    ])
    #expect(try await CurlTransport().send(request(server.url)).head.status == 302)
  }

  @Test(arguments: [
    "http://169.254.7.7:1", "http://[fe80::1]:1", "http://[::ffff:169.254.7.7]:1", "http://0xA9FE0707:1",
  ])
  func `a link-local address is not asked`(_ url: String) async {
    // As an address that was set, and, since none of ours has a query, as one that is only known when the connection is to be opened.
    for url in [url, url + "/?"] {
      await #expect(throws: CurlFailure.linkLocal) { try await CurlTransport().send(request(url)) }
    }
  }

  @Test func `a port where nobody listens refuses`() async {
    await #expect(throws: TransportFailure.refused(reason: "connection refused")) {
      try await CurlTransport().send(request("http://127.0.0.1:\(ScriptedServer.refusingPort())"))
    }
  }

  @Test func `a scheme other than http and https is no request`() async {
    await #expect(throws: TransportFailure.self) {
      try await CurlTransport().send(request("file:///etc/hostname"))
    }
  }

  @Test func `a connection closed before an answer is a cut`() async {
    let server = ScriptedServer([[]])
    await #expect(throws: TransportFailure.cut(reason: "the connection closed without an answer")) {
      try await CurlTransport().send(request(server.url))
    }
  }

  @Test func `a body that ends early is kept and then a cut`() async throws {
    let server = ScriptedServer([[.send(Self.head + "Content-Length: 50\r\n\r\nhalf")]])
    let response = try await CurlTransport().send(request(server.url))
    #expect(try await response.body.next() == Array("half".utf8))
    await #expect(throws: TransportFailure.cut(reason: "the connection closed in the middle")) {
      try await response.body.next()
    }
  }

  @Test func `dropping the body closes the connection`() async throws {
    let server = ScriptedServer([
      [.send(Self.head + "Content-Length: 50\r\n\r\nhalf"), .awaitClose]
    ])
    let transport = CurlTransport()
    do {
      let response = try await transport.send(request(server.url))
      #expect(try await response.body.next() == Array("half".utf8))
    }
    #expect(await server.isClosed)
  }

  @Test func `cancelling the task closes the connection`() async throws {
    let server = ScriptedServer([
      [.send(Self.head + "Content-Length: 50\r\n\r\nhalf"), .awaitClose]
    ])
    let transport = CurlTransport()
    let response = try await transport.send(request(server.url, Self.patient))
    let first = try await response.body.next()
    #expect(first == Array("half".utf8))
    let reader = Task { try await response.body.next() }
    reader.cancel()
    await #expect(throws: CancellationError.self) { try await reader.value }
    #expect(await server.isClosed)
  }

  /// Keeps the thread until something has happened and so many seconds have passed.
  private static func holdUp(until event: DispatchSemaphore, _ seconds: Double, _ begin: () -> Void) {
    let end = DispatchTime.now() + seconds
    begin()
    event.wait()
    // A deadline is what is tried: nobody signals this one.
    _ = DispatchSemaphore(value: 0).wait(timeout: end)
  }

  @Test func `bytes that wait in the socket are read before silence is judged`() throws {
    let (mayGoOn, hasSent) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let server = ScriptedServer([
      [
        .send(Self.head + "Content-Length: 9\r\n\r\nhalf"), .awaitSignal(mayGoOn), .send(" done"), .signal(hasSent),
        .awaitClose,
      ]
    ])
    // On this thread: what waits for one of the others may wait longer than the deadline.
    try Blocking.run {
      let transport = CurlTransport()
      let response = try await transport.send(request(server.url, HTTPDeadlines(stall: .seconds(2))))
      #expect(try await response.body.next() == Array("half".utf8))
      // As a program that is stopped: the thread that reads is held up until the deadline has passed.
      let executor = try #require(transport.executor)
      await Task(executorPreference: executor) { Self.holdUp(until: hasSent, 2) { mayGoOn.signal() } }.value
      #expect(try await response.body.next() == Array(" done".utf8))
    }
  }

  @Test func `a server that says nothing runs into the first deadline`() async {
    let server = ScriptedServer([[.awaitClose]])
    let deadlines = HTTPDeadlines(firstByte: .milliseconds(50))
    await #expect(throws: TransportFailure.timedOut(.firstByte, .milliseconds(50))) {
      try await CurlTransport().send(request(server.url, deadlines))
    }
  }

  @Test func `a server that stops in the middle runs into the stall deadline`() async throws {
    let server = ScriptedServer([
      [.send(Self.head + "Content-Length: 50\r\n\r\nhalf"), .awaitClose]
    ])
    let deadlines = HTTPDeadlines(stall: .milliseconds(50))
    let response = try await CurlTransport().send(request(server.url, deadlines))
    #expect(try await response.body.next() == Array("half".utf8))
    await #expect(throws: TransportFailure.timedOut(.nextByte, .milliseconds(50))) {
      try await response.body.next()
    }
  }

  @Test func `headers without end are too long`() async {
    let line = "X-Padding: \(String(repeating: "x", count: 1000))\r\n"
    let server = ScriptedServer([[.send(Self.head + String(repeating: line, count: 100) + "\r\n")]])
    await #expect(throws: TransportFailure.headersTooLong(limitBytes: 65536)) {
      try await CurlTransport().send(request(server.url))
    }
  }

  @Test func `all bytes come when the reader is slower than the sender`() async throws {
    let size = 8 << 20
    let server = ScriptedServer([
      [.send(Self.head + "Content-Length: \(size)\r\n\r\n"), .sendBytes(size)]
    ])
    let response = try await CurlTransport().send(request(server.url))
    var largest = 0
    var total = 0
    while let block = try await response.body.next() {
      largest = max(largest, block.count)
      total += block.count
    }
    #expect(total == size)
    #expect(largest <= 2 * HTTPBuffers().unreadBytes + (128 << 10))
  }

  @Test func `small buffers make the sender wait sooner`() async throws {
    let size = 8 << 20
    let buffers = HTTPBuffers(readBytes: 16 << 10, unreadBytes: 32 << 10)
    let server = ScriptedServer([
      [.send(Self.head + "Content-Length: \(size)\r\n\r\n"), .sendBytes(size)]
    ])
    let response = try await CurlTransport(buffers: buffers).send(request(server.url))
    var largest = 0
    var total = 0
    while let block = try await response.body.next() {
      largest = max(largest, block.count)
      total += block.count
    }
    #expect(total == size)
    #expect(largest <= 2 * buffers.unreadBytes + buffers.readBytes)
  }

  /// More than any library's own idea of how many connections one host may have.
  @Test func `three hundred answers stand open at once`() async throws {
    let server = ScriptedServer(crowd: 300, first: Self.head + "Content-Length: 2\r\n\r\na", rest: "b")
    let transport = CurlTransport()
    let texts = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<300 { group.addTask { try await text(transport.send(request(server.url))) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(texts == Array(repeating: "ab", count: 300))
  }

  @Test func `a task may run on the thread that reads the network`() async throws {
    let size = 4 << 20
    let servers = (0..<2).map { _ in
      ScriptedServer([[.send(Self.head + "Content-Length: \(size)\r\n\r\n"), .sendBytes(size)]])
    }
    let transport = CurlTransport()
    try #require(transport.executor != nil)
    let tasks = servers.map { server in
      Task(executorPreference: transport.executor) {
        let response = try await transport.send(request(server.url))
        var total = 0
        while let block = try await response.body.next() {
          total += block.count
          response.body.giveBack(block)
          await Task.yield()
        }
        return total
      }
    }
    for task in tasks { #expect(try await task.value == size) }
  }

  /// Adds up what a digest is given, and what of it between two awaits.
  private final class Tally: Sendable {
    private struct State { var total = 0, since = 0, most = 0, wrong = 0 }
    private let state = Mutex(State())

    func add(_ bytes: UnsafeBufferPointer<UInt8>) {
      state.withLock { state in
        state.wrong += bytes.filter { $0 != 0x78 }.count
        state.total += bytes.count
        state.since += bytes.count
      }
    }

    func look() { state.withLock { ($0.most, $0.since) = (max($0.most, $0.since), 0) } }
    var total: Int { state.withLock { $0.total } }
    var most: Int { state.withLock { $0.most } }
    var wrong: Int { state.withLock { $0.wrong } }
  }

  @Test(arguments: [true, false], [true, false])
  func `a digest reads all bytes, and no more at once than the buffers hold`(
    onTheNetworksThread isThere: Bool, dawdling: Bool
  ) async throws {
    let size = 4 << 20
    let server = ScriptedServer([[.send(Self.head + "Content-Length: \(size)\r\n\r\n"), .sendBytes(size)]])
    let buffers = HTTPBuffers(readBytes: 32 << 10, unreadBytes: 64 << 10)
    let transport = CurlTransport(buffers: buffers)
    try #require(transport.executor != nil)
    let tally = Tally()
    let task = Task(executorPreference: isThere ? transport.executor : nil) {
      let response = try await transport.send(request(server.url))
      try await response.body.digesting { body in
        while try await body({ tally.add($0) }) {
          tally.look()
          if dawdling { await Task.detached {}.value }
        }
      }
    }
    try await task.value
    #expect(tally.total == size)
    #expect(tally.wrong == 0)
    #expect(tally.most <= 2 * buffers.unreadBytes + buffers.readBytes)
  }

  @Test func `a digest on the network's thread ends with its task`() async throws {
    let server = ScriptedServer([
      [.send(Self.head + "Content-Length: 50\r\n\r\nhalf"), .awaitClose]
    ])
    let transport = CurlTransport()
    let (started, continuation) = AsyncStream.makeStream(of: Int.self)
    let task = Task(executorPreference: transport.executor) {
      let response = try await transport.send(request(server.url, Self.patient))
      try await response.body.digesting { body in
        while try await body({ continuation.yield($0.count) }) {}
      }
    }
    for await count in started {
      #expect(count == 4)
      break
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(await server.isClosed)
  }

  @Test func `a task on the network's thread can be cancelled from another`() async throws {
    let server = ScriptedServer([
      [.send(Self.head + "Content-Length: 50\r\n\r\nhalf"), .awaitClose]
    ])
    let transport = CurlTransport()
    let (started, continuation) = AsyncStream.makeStream(of: Void.self)
    let task = Task(executorPreference: transport.executor) {
      let response = try await transport.send(request(server.url, Self.patient))
      while try await response.body.next() != nil { continuation.yield() }
    }
    for await _ in started { break }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(await server.isClosed)
  }

  /// What happened, in its order.
  private final class Story: Sendable {
    private let events = Mutex<[String]>([])
    func tell(_ event: String) { events.withLock { $0.append(event) } }
    var told: [String] { events.withLock { $0 } }
  }

  @Test func `who lets others go first comes after what there is, and one after the other`()
    async throws
  {
    let transport = CurlTransport()
    try #require(transport.executor != nil)
    let story = Story()
    // All of them are begun from the network's thread, so none runs before the last is there.
    await Task(executorPreference: transport.executor) {
      await withTaskGroup { group in
        for number in 0..<3 {
          group.addTask {
            await transport.letOthersGoFirst()
            story.tell("\(number) of plenty")
            if number == 0 { await Task(executorPreference: transport.executor) { story.tell("a newcomer") }.value }
          }
        }
        group.addTask { story.tell("one with nothing") }
      }
    }.value
    #expect(
      story.told == [
        "one with nothing", "0 of plenty", "a newcomer", "1 of plenty", "2 of plenty",
      ])
  }

  @Test func `nobody waits for a transport that was asked nothing`() async {
    let transport = CurlTransport()
    await transport.letOthersGoFirst()
    #expect(transport.executor != nil)
  }

  @Test func `one transport carries many transfers at once`() async throws {
    let servers = (0..<8).map { number in
      ScriptedServer([[.send(Self.head + "Content-Length: 1\r\n\r\n\(number)")]])
    }
    let transport = CurlTransport()
    let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
      for (number, server) in servers.enumerated() {
        group.addTask { (number, try await text(transport.send(request(server.url)))) }
      }
      return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
    }
    #expect(answers == [0: "0", 1: "1", 2: "2", 3: "3", 4: "4", 5: "5", 6: "6", 7: "7"])
  }
}

extension ScriptedServer {
  /// Whether the other side closes before long: returns as soon as it does. On a machine that is busy with other tests that
  /// may take many seconds.
  var isClosed: Bool {
    get async {
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async { [closed] in
          continuation.resume(returning: closed.wait(timeout: .now() + 120) == .success)
        }
      }
    }
  }
}
