// Several threads of the network: who gets which.
import Glibc
import Synchronization
import Testing

@testable import GibseyKit

@Suite struct CurlPoolTests {
  private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"

  private func request(_ server: ScriptedServer) -> HTTPRequest {
    // On a machine that is busy for a minute it must not be the silence that ends it.
    HTTPRequest(method: .post, url: server.url, body: [], deadlines: HTTPDeadlines(firstByte: .seconds(60)))
  }

  private func thread(_ seat: NetworkSeat) async -> UInt {
    await Task(executorPreference: seat.executor) { UInt(pthread_self()) }.value
  }

  @Test func `tasks that run side by side sit on different threads, and a seat that is left is taken again`() async {
    let pool = CurlPool(threads: 2)
    let (first, second) = (pool.seat(), pool.seat())
    let threads = await (thread(first), thread(second))
    #expect(threads.0 != threads.1)
    let third = pool.seat()
    #expect(await thread(third) == threads.0)
    second.leave()
    #expect(await thread(pool.seat()) == threads.1)
    first.leave()
    third.leave()
    #expect(await thread(pool.seat()) == threads.0)
  }

  @Test func `there is a thread where none was wanted`() async {
    let pool = CurlPool(threads: 0)
    #expect(await thread(pool.seat()) == thread(pool.seat()))
  }

  @Test func `an answer is read by the thread that its task sits on`() async throws {
    let pool = CurlPool(threads: 2)
    let servers = (0..<2).map { _ in ScriptedServer([[.send(Self.head + "world")]]) }
    let tasks = servers.map { server in
      let seat = pool.seat()
      return Task(executorPreference: seat.executor) {
        let own = UInt(pthread_self())
        let readers = Mutex<[UInt]>([])
        let response = try await pool.send(request(server))
        try await response.body.digesting { body in
          while try await body({ _ in readers.withLock { $0.append(UInt(pthread_self())) } }) {}
        }
        return (own, readers.withLock { $0 })
      }
    }
    var all: Set<UInt> = []
    for task in tasks {
      let (own, readers) = try await task.value
      #expect(Set(readers) == [own])
      all.insert(own)
    }
    #expect(all.count == 2)
  }

  @Test func `who asks one thing after the other meets the same connection`() async throws {
    let pool = CurlPool(threads: 2)
    // A second connection would be accepted by nobody.
    let server = ScriptedServer([[.send(Self.head + "first"), .awaitRequest, .send(Self.head + "again")]])
    for expected in ["first", "again"] {
      let seat = pool.seat()
      defer { seat.leave() }
      let task = Task(executorPreference: seat.executor) {
        try await pool.send(request(server)).body.collect(limitBytes: 100)
      }
      #expect(try await String(decoding: task.value, as: UTF8.self) == expected)
    }
    #expect(server.requests.count == 2)
  }

  @Test func `what is sent from elsewhere is sent, and nobody waits there`() async throws {
    let server = ScriptedServer([[.send(Self.head + "world")]])
    let pool = CurlPool(threads: 2)
    await pool.letOthersGoFirst()
    #expect(try await pool.send(request(server)).body.collect(limitBytes: 100) == Array("world".utf8))
  }
}
