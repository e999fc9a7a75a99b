// Keeps what goes over the wire while it goes, without the keys.
internal import Synchronization

/// Sends by another transport and hands each line of the recording to `write`.
public final class RecordingTransport: Transport {
  private let inner: any Transport
  private let seconds: @Sendable () -> Double
  private let write: @Sendable ([UInt8]) throws -> Void
  private let count = Mutex(0)

  /// - Parameters:
  ///   - seconds: a clock that never goes back.
  ///   - write: takes whole lines; called from one task at a time for each exchange.
  public init(
    _ inner: any Transport, seconds: @escaping @Sendable () -> Double,
    write: @escaping @Sendable ([UInt8]) throws -> Void
  ) {
    self.inner = inner
    self.seconds = seconds
    self.write = write
  }

  public func seat() -> NetworkSeat { inner.seat() }
  public func letOthersGoFirst() async { await inner.letOthersGoFirst() }

  /// - Throws: what the inner transport throws, and what `write` does.
  public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let number = count.withLock { count in
      count += 1
      return count
    }
    let exchange = RecordedExchange(number, of: request, seconds: seconds, write: write)
    try exchange.note(
      .request(method: request.method.rawValue, url: request.url, headers: request.headers.map(RecordedExchange.shown)))
    let response = try await exchange.noting { try await inner.send(request) }
    try exchange.note(
      .response(HTTPHead(status: response.head.status, headers: response.head.headers.map(RecordedExchange.shown))))
    return HTTPResponse(
      head: response.head,
      body: HTTPBody {
        let block = try await exchange.noting { try await response.body.next() }
        try exchange.note(block.map { .block($0) } ?? .end)
        return block
      } recycle: {
        response.body.giveBack($0)
      })
  }
}

/// One exchange on its way into a recording. Its identity is the blocks that it holds back: they end with what may be the
/// start of a key.
private final class RecordedExchange: Sendable {
  private struct Block {
    var bytes: [UInt8]
    let milliseconds: Double
  }

  /// Headers whose values are no secret and tell nobody's name.
  private static let open: Set<String> = [
    "accept", "anthropic-version", "content-type", "content-encoding", "content-length", "date", "retry-after",
    "retry-after-ms", "server", "transfer-encoding", "user-agent", "x-should-retry",
  ]

  private let number: Int
  private let start: Double
  private let secrets: [[UInt8]]
  private let seconds: @Sendable () -> Double
  private let write: @Sendable ([UInt8]) throws -> Void
  private let held = Mutex<[Block]>([])

  init(
    _ number: Int, of request: HTTPRequest, seconds: @escaping @Sendable () -> Double,
    write: @escaping @Sendable ([UInt8]) throws -> Void
  ) {
    self.number = number
    self.seconds = seconds
    self.write = write
    start = seconds()
    secrets = request.headers.filter { !Self.isOpen($0) }.map { header in
      Array((header.value.hasPrefix("Bearer ") ? String(header.value.dropFirst(7)) : header.value).utf8)
    }.filter { $0.count >= 4 && $0.contains { $0 != UInt8(ascii: "*") } }
  }

  deinit {
    try? held.withLock { held in
      maskCut(&held)
      try release(held)
    }
  }

  private static func isOpen(_ header: HTTPHeader) -> Bool { open.contains(header.name.lowercased()) }

  static func shown(_ header: HTTPHeader) -> HTTPHeader {
    isOpen(header) ? header : HTTPHeader(header.name, "…")
  }

  /// Runs a step and notes its failure. One that was cancelled is no failure of the wire.
  func noting<Value: Sendable>(_ step: () async throws -> Value) async throws -> Value {
    do {
      return try await step()
    } catch let failure as TransportFailure {
      try note(.failure(failure))
      throw failure
    }
  }

  func note(_ event: RecordingLine.Event) throws {
    let milliseconds = (seconds() - start) * 1000
    try held.withLock { held in
      guard case .block(let bytes) = event else {
        maskCut(&held)
        try release(held)
        held = []
        return try put(event, milliseconds)
      }
      held.append(Block(bytes: bytes, milliseconds: milliseconds))
      guard mask(&held) else { return }
      try release(held)
      held = []
    }
  }

  /// Puts stars in the place of every key in the blocks, however they are cut; false when a key may begin at their end.
  private func mask(_ blocks: inout [Block]) -> Bool {
    guard !secrets.isEmpty else { return true }
    var all = blocks.flatMap(\.bytes)
    for secret in secrets {
      while let place = all.firstRange(of: secret) {
        all.replaceSubrange(place, with: repeatElement(UInt8(ascii: "*"), count: secret.count))
      }
    }
    var start = 0
    for index in blocks.indices {
      let end = start + blocks[index].bytes.count
      blocks[index].bytes = Array(all[start..<end])
      start = end
    }
    return !secrets.contains { secret in
      (1..<secret.count).contains { all.count >= $0 && all.suffix($0).elementsEqual(secret.prefix($0)) }
    }
  }

  /// So much of a key's beginning is told by it.
  private static let tellingBytes = 8

  /// Puts stars in the place of what a cut left of a key at the end of the blocks.
  private func maskCut(_ blocks: inout [Block]) {
    let all = blocks.flatMap(\.bytes)
    let cut = secrets.flatMap { secret in
      (min(Self.tellingBytes, secret.count)..<secret.count).filter {
        all.count >= $0 && all.suffix($0) == secret.prefix($0)
      }
    }
    var left = cut.max() ?? 0
    for index in blocks.indices.reversed() where left > 0 {
      let count = min(left, blocks[index].bytes.count)
      blocks[index].bytes.replaceSubrange(
        (blocks[index].bytes.count - count)..., with: repeatElement(UInt8(ascii: "*"), count: count))
      left -= count
    }
  }

  private func release(_ blocks: [Block]) throws {
    for block in blocks { try put(.block(block.bytes), block.milliseconds) }
  }

  private func put(_ event: RecordingLine.Event, _ milliseconds: Double) throws {
    try write(RecordingLine(exchange: number, milliseconds: milliseconds, event: event).encoded())
  }
}
