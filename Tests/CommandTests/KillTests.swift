// gibsey-index killed in the middle of embedding: what was committed stays, and only the rest is paid for again.
import Foundation
import GibseyKit
import Synchronization
import TestPrograms
import Testing

/// An Ollama that gives each text a vector, one connection at a time, and may leave a request without an answer.
private final class EmbeddingServer: Sendable {
  let port: UInt16
  /// Signalled when the request came that is left without an answer.
  private let hasHung = DispatchSemaphore(value: 0)

  /// False when no request came to hang in that time.
  func waitUntilHung(seconds: Double) -> Bool { hasHung.wait(timeout: .now() + seconds) == .success }

  private let listener: Int32
  private let texts = Mutex<[String]>([])

  /// The texts that were answered.
  var answered: [String] { texts.withLock { $0 } }

  /// - Parameter hangingAt: the number of the request that is not answered, from 1.
  init(hangingAt: Int?) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { [listener] pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isBound else { throw LoopbackServer.Failure(call: "bind") }
    port = UInt16(bigEndian: address.sin_port)
    Thread { [self] in
      for number in 1... {
        let connection = accept(listener, nil, nil)
        if connection < 0 { return }
        serve(connection, isHanging: number == hangingAt)
        close(connection)
      }
    }.start()
  }

  /// Ends the thread.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func serve(_ connection: Int32, isHanging: Bool) {
    var request = Data()
    var block = [UInt8](repeating: 0, count: 65_536)
    var input: [String]?
    while input == nil {
      let count = recv(connection, &block, block.count, 0)
      guard count > 0 else { return }
      request += block[..<count]
      input = Self.input(of: request)
    }
    guard !isHanging else {
      hasHung.signal()
      while recv(connection, &block, block.count, 0) > 0 {}
      return
    }
    let asked = input ?? []
    texts.withLock { $0 += asked }
    let vectors = asked.map { "[\($0.utf8.count),\($0.utf8.reduce(0) { $0 &+ Int($1) }),1]" }.joined(separator: ",")
    let body = "{\"embeddings\":[\(vectors)]}"
    let response = Array(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    var sent = 0
    while sent < response.count {
      let count = response[sent...].withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count <= 0 { return }
      sent += count
    }
  }

  /// The texts of a request that has come whole; nil before that.
  private static func input(of request: Data) -> [String]? {
    guard let end = request.firstRange(of: Data("\r\n\r\n".utf8)) else { return nil }
    let object = try? JSONSerialization.jsonObject(with: request[end.upperBound...]) as? [String: Any]
    return object?["input"] as? [String]
  }
}

@Suite struct KillTests {
  private static func process(_ arguments: [String], in folder: URL, server: EmbeddingServer) throws -> ChildProcess {
    try ChildProcess(
      [Places.programs + "/gibsey-index"] + arguments, in: folder.path,
      environment: ["HOME": folder.path, "OLLAMA_BASE_URL": "http://127.0.0.1:\(server.port)"])
  }

  @Test func aRunThatIsKilledWhileEmbeddingLosesTheBatchInHandAlone() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "gibsey-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let texts = (1...200).map { "Text number \($0)." }
    let lines = texts.enumerated().map { "{\"id\":\"\($0.offset)\",\"text\":\"\($0.element)\"}\n" }
    try Data(lines.joined().utf8).write(to: folder.appending(path: "pages.jsonl"))
    let arguments = ["--database", "story.db", "--embedder", "ollama", "--embedding-model", "m", "pages.jsonl"]
    let path = folder.appending(path: "story.db").path

    // A word to learn the dimensions, the first batch, and then no answer: that batch was committed before.
    let hanging = try EmbeddingServer(hangingAt: 3)
    defer { hanging.stop() }
    let killed = try Self.process(arguments, in: folder, server: hanging)
    try #require(hanging.waitUntilHung(seconds: 60), "the third request never came")
    killed.send(SIGKILL)
    #expect(await killed.ending() == .signal(SIGKILL))
    #expect(hanging.answered == ["word"] + texts.prefix(64))
    do {
      let store = try PageStore(path: path, access: .readOnly)
      #expect(try store.check().isEmpty)
      #expect(try store.pageCount() == 200)
      #expect(try store.activeEmbedder() == nil, "a half-built index is searched")
    }

    let answering = try EmbeddingServer(hangingAt: nil)
    defer { answering.stop() }
    let second = try Self.process(arguments, in: folder, server: answering)
    #expect(await second.ending() == .exit(0))
    #expect(answering.answered == Array(texts.dropFirst(64)))
    let store = try PageStore(path: path, access: .readOnly)
    #expect(try store.check().isEmpty)
    #expect(try store.activeEmbedder()?.fingerprint == "ollama:m 3")
  }
}
