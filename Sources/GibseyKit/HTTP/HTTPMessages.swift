// A request, the head of its response, and the ways in which bytes fail to travel.

/// One header line.
public struct HTTPHeader: Sendable, Equatable {
  public let name: String
  public let value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// How long each part of an exchange may take; nil is forever.
public struct HTTPDeadlines: Sendable, Equatable {
  /// Until the connection stands, TLS included.
  public var connect: Duration
  /// From the start until the first byte of the body.
  public var firstByte: Duration
  /// Between two blocks of the body, while the reader keeps up.
  public var stall: Duration
  /// Of the whole exchange.
  public var total: Duration?

  public init(
    connect: Duration = .seconds(5), firstByte: Duration = .seconds(120),
    stall: Duration = .seconds(60),
    total: Duration? = nil
  ) {
    self.connect = connect
    self.firstByte = firstByte
    self.stall = stall
    self.total = total
  }
}

/// What is sent.
public struct HTTPRequest: Sendable, Equatable {
  public enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
  }

  public var method: Method
  /// Absolute; http or https.
  public var url: String
  public var headers: [HTTPHeader]
  /// Sent with POST only.
  public var body: [UInt8]
  public var deadlines: HTTPDeadlines

  public init(
    method: Method, url: String, headers: [HTTPHeader] = [], body: [UInt8] = [],
    deadlines: HTTPDeadlines = HTTPDeadlines()
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.deadlines = deadlines
  }
}

/// The authorities whose certificates are believed, nil being what the system believes, the proxies that stand between, and whether
/// link-local addresses may be asked.
public struct HTTPTrust: Sendable, Equatable {
  /// Paths of a file, and of a folder, of certificates.
  public var file: String?
  public var folder: String?
  /// The setting that named the file.
  public var fileName: String
  public var proxies: HTTPProxies
  /// A machine in a cloud asks such an address for its own secrets.
  public var allowsLinkLocal: Bool

  public init(
    file: String? = nil, folder: String? = nil, fileName: String = "CURL_CA_BUNDLE",
    proxies: HTTPProxies = HTTPProxies(), allowsLinkLocal: Bool = false
  ) {
    self.allowsLinkLocal = allowsLinkLocal
    self.file = file
    self.folder = folder
    self.fileName = fileName
    self.proxies = proxies
  }
}

/// How much of one response may lie in memory, in bytes. A server of many slow readers wants less than a tool of one.
public struct HTTPBuffers: Sendable, Equatable {
  /// Read from the network at once.
  public var readBytes: Int
  /// Beyond this many that nobody has taken, the sender has to wait.
  public var unreadBytes: Int

  public init(readBytes: Int = 512 << 10, unreadBytes: Int = 512 << 10) {
    self.readBytes = readBytes
    self.unreadBytes = unreadBytes
  }
}

/// What a response says before its body.
public struct HTTPHead: Sendable, Equatable {
  public let status: Int
  public let headers: [HTTPHeader]

  public init(status: Int, headers: [HTTPHeader]) {
    self.status = status
    self.headers = headers
  }

  /// The last value of a header; names are compared without case.
  public func value(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.last { $0.name.lowercased() == wanted }?.value
  }
}

/// A response whose body is still coming.
public struct HTTPResponse: Sendable {
  public let head: HTTPHead
  public let body: HTTPBody

  public init(head: HTTPHead, body: HTTPBody) {
    self.head = head
    self.body = body
  }
}

/// The blocks of a body as they come. One reader; dropping the body ends the transfer.
public struct HTTPBody: Sendable {
  /// Reads bytes where they lie. They are valid only during the call.
  public typealias Digest = @Sendable (UnsafeBufferPointer<UInt8>) -> Void

  private let source: @Sendable () async throws -> [UInt8]?
  private let recycle: @Sendable (consuming [UInt8]) -> Void
  fileprivate let digestSource: @Sendable (@escaping Digest) async throws -> Bool?
  private let cancel: @Sendable () -> Void

  /// - Parameters:
  ///   - source: gives everything received since its last call, waiting for at least a byte; nil is the end. Whatever it
  ///     holds on to lives as long as the body.
  ///   - recycle: takes a block that the reader no longer needs, to use its memory again.
  ///   - digest: what `Digesting` does without blocks; nil where it cannot now.
  ///   - cancel: ends the transfer: whoever waits for a byte is thrown a `CancellationError`.
  public init(
    _ source: @escaping @Sendable () async throws -> [UInt8]?,
    recycle: @escaping @Sendable (consuming [UInt8]) -> Void = { _ in },
    digest: @escaping @Sendable (@escaping Digest) async throws -> Bool? = { _ in nil },
    cancel: @escaping @Sendable () -> Void = {}
  ) {
    self.source = source
    self.recycle = recycle
    digestSource = digest
    self.cancel = cancel
  }

  /// Has `read` read the body without blocks. A task that is cancelled meanwhile ends the transfer.
  public func digesting<Value>(_ read: (Digesting) async throws -> Value) async rethrows -> Value {
    // Once for the whole body: where each block is a token, a handler for each is felt.
    try await withTaskCancellationHandler {
      try await read(Digesting(body: self))
    } onCancel: {
      cancel()
    }
  }

  /// The next block, never empty; nil at the end.
  /// - Throws: `TransportFailure`, or `CancellationError` when the task is cancelled, which ends the transfer.
  public func next() async throws -> [UInt8]? {
    try await withTaskCancellationHandler {
      try await source()
    } onCancel: {
      cancel()
    }
  }

  /// Gives back a block that is no longer needed: a stream then lives in two blocks of memory, whatever its length.
  public func giveBack(_ block: consuming [UInt8]) { recycle(block) }

  /// The whole body, or its first `limitBytes` bytes.
  public func collect(limitBytes: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < limitBytes, let block = try await next() { bytes += block }
    return bytes.count > limitBytes ? Array(bytes.prefix(limitBytes)) : bytes
  }
}

/// A body that is being read where its bytes lie: see `HTTPBody.digesting`.
public struct Digesting: Sendable {
  fileprivate let body: HTTPBody

  /// Has `digest` read what came since the last call, in pieces that are never empty; waits for at least a byte.
  /// For a task that runs on the transport's executor the pieces are the network's own memory, and none is copied.
  /// - Returns: false at the end.
  /// - Throws: as `HTTPBody.next` does.
  public func callAsFunction(_ digest: @escaping HTTPBody.Digest) async throws -> Bool {
    if let isMore = try await body.digestSource(digest) { return isMore }
    guard let block = try await body.next() else { return false }
    block.withUnsafeBufferPointer(digest)
    body.giveBack(block)
    return true
  }
}

/// How bytes fail to travel. The words are a C library's, for a person; there is no address in them.
public enum TransportFailure: Error, Equatable, Sendable {
  /// What a deadline was for.
  public enum Wait: Sendable { case connection, firstByte, nextByte, end }

  case badRequest(reason: String)
  case unknownHost(reason: String)
  case refused(reason: String)
  case unreachable(reason: String)
  case untrusted(reason: String)
  /// Something on our side of the server: a proxy, the file of certificates, the limit of descriptors. `hint` says what helps;
  /// what `mayPass` may be gone in a moment.
  case obstructed(reason: String, hint: String, mayPass: Bool)
  case timedOut(Wait, Duration)
  case cut(reason: String)
  case headersTooLong(limitBytes: Int)
}

/// Where a task had best run that does nothing but read one answer and write it: on the thread that reads the network, so that a
/// block costs no hand-over between threads.
public struct NetworkSeat: Sendable {
  /// nil where it does not matter where the task runs.
  public let executor: (any TaskExecutor)?
  /// To be called once, when the task has come to its end.
  public let leave: @Sendable () -> Void

  public init(executor: (any TaskExecutor)? = nil, leave: @escaping @Sendable () -> Void = {}) {
    self.executor = executor
    self.leave = leave
  }
}

/// Sends requests: by curl, by what was recorded, or as the tests do.
public protocol Transport: Sendable {
  /// A place for one task. What it sends goes by the thread that it runs on.
  func seat() -> NetworkSeat
  /// The response as soon as its head is there.
  /// - Throws: `TransportFailure`, `GibseyError.libraryMissing`, or `CancellationError`.
  func send(_ request: HTTPRequest) async throws -> HTTPResponse
  /// Returns when what else there was to do has been done, or when it is one's turn among those who wait here: for a task on
  /// the executor that has plenty, while others have nothing yet.
  func letOthersGoFirst() async
}

extension Transport {
  public func seat() -> NetworkSeat { NetworkSeat() }
  public func letOthersGoFirst() async {}
}
