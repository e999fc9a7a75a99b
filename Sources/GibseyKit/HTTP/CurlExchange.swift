// One transfer as libcurl sees it: its options, its callbacks, what came since the last look.
internal import CCurl

/// One easy handle and what arrives on it. It belongs to the worker thread and never leaves it; freed at its end.
final class CurlExchange {
  /// All header lines of a response together may be this long.
  static let headersLimitBytes = 64 << 10

  let id: Int
  let transfer: Transfer
  let easy: UnsafeMutableRawPointer
  private(set) var deadlines: HTTPDeadlines
  /// Where the request goes; nil for what is no address.
  let address: WebAddress?
  let trust: HTTPTrust
  /// libcurl's callback writes it.
  private let addresses: UnsafeMutablePointer<ccurl_addresses>
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private var headerLines: [[UInt8]] = []
  private var headerBytes = 0
  private(set) var areHeadersTooLong = false
  private var incoming: [UInt8] = []
  /// Reads for a reader that waits: then nothing is `incoming`.
  private var digest: HTTPBody.Digest?
  /// What came for it so far.
  private var digestedBytes = 0
  /// Smaller pieces are gathered for it: to read one costs more than to copy it.
  private static let crumbBytes = 1 << 10
  /// So many of their bytes are read at once.
  private static let crumbsLimitBytes = 32 << 10
  private var crumbs: [UInt8] = []
  private var hasBegun = false
  /// The reader is behind: take nothing until it asks.
  private var mustPause = false
  private var isPaused = false
  private let readBytes: Int
  private let mailbox: CurlMailbox
  private let news: CurlNews
  /// Whether the worker knows that something came.
  private var isNoted = false
  private let start: ContinuousClock.Instant
  private var lastByte: ContinuousClock.Instant?
  /// Some came since the last look.
  private var hasBytes = false
  /// The worker does not know it any more.
  private(set) var hasEnded = false

  /// - Throws: `TransportFailure.badRequest` when libcurl does not take an option, `CurlFailure.linkLocal`.
  init(
    id: Int, request: HTTPRequest, transfer: Transfer, mailbox: CurlMailbox, news: CurlNews,
    now: ContinuousClock.Instant
  ) throws {
    guard let easy = ccurl_easy_new() else {
      throw TransportFailure.badRequest(reason: "out of memory")
    }
    self.id = id
    self.transfer = transfer
    self.easy = easy
    self.readBytes = mailbox.buffers.readBytes
    self.mailbox = mailbox
    self.news = news
    self.start = now
    self.deadlines = request.deadlines
    self.address = try? WebAddress(request.url)
    self.trust = mailbox.trust
    addresses = .allocate(capacity: 1)
    addresses.initialize(to: ccurl_addresses())
    try configure(request)
    try route()
  }

  deinit {
    ccurl_easy_free(easy)
    ccurl_list_free(headerList)
    addresses.deallocate()
  }

  /// Whether there was none but a link-local address to connect to, which we refused.
  var isLinkLocal: Bool { addresses.pointee.refused && !addresses.pointee.tried }

  private func configure(_ request: HTTPRequest) throws {
    try check(ccurl_set_string(easy, CURLOPT_URL, request.url))
    try check(ccurl_set_long(easy, CURLOPT_PROTOCOLS, Int(CURLPROTO_HTTP | CURLPROTO_HTTPS)))
    try check(ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0))
    try check(ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1))
    // A name server that does not answer would hold up the end of the exchange, and with it all others, until the resolver
    // gives up; libcurl before 7.87 does not know how not to wait.
    _ = ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
    try check(ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1))
    try check(ccurl_set_long(easy, CURLOPT_TCP_KEEPIDLE, 60))
    try check(ccurl_set_long(easy, CURLOPT_BUFFERSIZE, readBytes))
    try check(ccurl_set_string(easy, CURLOPT_ACCEPT_ENCODING, "identity"))
    try check(
      ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, request.deadlines.connect.milliseconds))
    if let total = request.deadlines.total {
      try check(ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, total.milliseconds))
    }
    // "Expect: 100-continue" would cost a round trip with servers that do not know it.
    for header in request.headers + [HTTPHeader("Expect", "")] {
      let line = header.value.isEmpty ? "\(header.name):" : "\(header.name): \(header.value)"
      guard !line.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else {
        throw TransportFailure.badRequest(reason: "a line break in the header \(header.name)")
      }
      headerList = ccurl_list_append(headerList, line)
    }
    try check(ccurl_set_list(easy, CURLOPT_HTTPHEADER, headerList))
    if request.method == .post {
      try check(ccurl_set_long(easy, CURLOPT_POST, 1))
      try check(ccurl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int64(request.body.count)))
      try request.body.withUnsafeBytes { body in
        try check(
          ccurl_set_bytes(easy, CURLOPT_COPYPOSTFIELDS, body.baseAddress ?? UnsafeRawPointer(easy)))
      }
    }
    try installCallbacks()
  }

  /// Proxies are libcurl's business, as in curl(1), but for this machine's own servers: what is asked of them stays here.
  private func route() throws {
    if !trust.allowsLinkLocal {
      // A proxy would connect for us.
      guard address?.isLinkLocal != true else { throw CurlFailure.linkLocal }
      try check(ccurl_refuse_link_local(easy, addresses))
    }
    if address?.isLoopback == true { try check(ccurl_set_string(easy, CURLOPT_PROXY, "")) }
    // What a proxy says before there is a way through it is no head of an answer.
    try check(ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1))
    if let file = trust.file { try check(ccurl_set_string(easy, CURLOPT_CAINFO, file)) }
    if let folder = trust.folder { try check(ccurl_set_string(easy, CURLOPT_CAPATH, folder)) }
  }

  /// libcurl gets this object unretained: the worker keeps it until the handle is out of the multi handle.
  private func installCallbacks() throws {
    let context = Unmanaged.passUnretained(self).toOpaque()
    try check(ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context))
    try check(ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context))
    try check(
      ccurl_set_take(easy, CURLOPT_HEADERFUNCTION) { bytes, _, count, context in
        guard let context else { return 0 }
        let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
        return exchange.takeHeader(UnsafeRawBufferPointer(start: bytes, count: count))
      })
    try check(
      ccurl_set_take(easy, CURLOPT_WRITEFUNCTION) { bytes, _, count, context in
        guard let context else { return 0 }
        let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
        return exchange.takeBody(UnsafeRawBufferPointer(start: bytes, count: count))
      })
  }

  private func check(_ code: CURLcode) throws {
    guard code != CURLE_OK else { return }
    throw TransportFailure.badRequest(reason: CurlFailure.words(code))
  }

  private func takeHeader(_ line: UnsafeRawBufferPointer) -> Int {
    headerBytes += line.count
    guard headerBytes <= Self.headersLimitBytes else {
      areHeadersTooLong = true
      return 0
    }
    if line.starts(with: "HTTP/".utf8) { headerLines = [] }
    headerLines.append(Array(line))
    noteNews()
    return line.count
  }

  private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    if digest == nil, incoming.isEmpty {
      // Who waited for the head may read the very first bytes where they lie, and none need be kept for it.
      if !hasBegun {
        beginIfReady()
        mailbox.runJobs()
      }
      digest = transfer.digest
    }
    if let digest {
      read(bytes, digest)
      digestedBytes += bytes.count
      noteBytes()
      // libcurl reads on while there is something to read, up to a hundred times.
      if digestedBytes >= readBytes {
        handOverDigested()
        mailbox.runJobs()
      }
      return bytes.count
    }
    if mustPause || incoming.count >= transfer.limitBytes {
      isPaused = true
      return Int(CURL_WRITEFUNC_PAUSE)
    }
    if incoming.capacity < readBytes {
      incoming = transfer.takeSpare()
      incoming.reserveCapacity(readBytes + readBytes / 2)
    }
    incoming.append(contentsOf: bytes)
    noteBytes()
    return bytes.count
  }

  private func noteBytes() {
    hasBytes = true
    noteNews()
  }

  private func read(_ bytes: UnsafeRawBufferPointer, _ digest: HTTPBody.Digest) {
    if bytes.count < Self.crumbBytes {
      crumbs.append(contentsOf: bytes)
      if crumbs.count >= Self.crumbsLimitBytes { readCrumbs(digest) }
    } else {
      readCrumbs(digest)
      digest(bytes.assumingMemoryBound(to: UInt8.self))
    }
  }

  private func readCrumbs(_ digest: HTTPBody.Digest) {
    guard !crumbs.isEmpty else { return }
    crumbs.withUnsafeBufferPointer(digest)
    crumbs.removeAll(keepingCapacity: true)
  }

  private func handOverDigested() {
    if let digest { readCrumbs(digest) }
    (digest, digestedBytes) = (nil, 0)
    transfer.deliverDigested()
  }

  private func noteNews() {
    guard !isNoted else { return }
    isNoted = true
    news.note(self)
  }

  /// Hands over what came since the last call, as one block.
  func deliver(now: ContinuousClock.Instant) {
    isNoted = false
    beginIfReady()
    if hasBytes { (lastByte, hasBytes) = (now, false) }
    if digest != nil { handOverDigested() }
    guard !incoming.isEmpty else { return }
    let block = incoming
    incoming = []
    mustPause = transfer.deliver(block)
    if isPaused, !mustPause { resume(now: now) }
  }

  /// The head is known when its empty line came; an interim 1xx response is not it.
  private func beginIfReady() {
    guard !hasBegun, headerLines.count > 1, let last = headerLines.last, last.count <= 2 else {
      return
    }
    var status = 0
    _ = ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
    guard status >= 200 else { return }
    hasBegun = true
    let headers = headerLines.dropFirst().dropLast().compactMap { line -> HTTPHeader? in
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
      return HTTPHeader(Self.text(line[..<colon]), Self.text(line[(colon + 1)...]))
    }
    headerLines = []
    transfer.begin(HTTPHead(status: status, headers: headers).dated(by: Timestamp.now()))
  }

  /// The text without white space around it. By hand: a reversed slice would have the runtime search for what it conforms to.
  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    var trimmed = bytes.drop { $0 <= 0x20 }
    while let last = trimmed.last, last <= 0x20 { trimmed.removeLast() }
    return String(decoding: trimmed, as: UTF8.self)
  }

  /// Lets a sender that had to wait go on. What libcurl held back comes through the callback at once.
  func resume(now: ContinuousClock.Instant) {
    mustPause = false
    lastByte = now
    guard isPaused else { return }
    isPaused = false
    _ = ccurl_resume(easy)
  }

  /// When the next deadline of ours is; nil while the reader is what we wait for.
  var deadline: ContinuousClock.Instant? {
    if isPaused { return nil }
    return lastByte.map { $0 + deadlines.stall } ?? start + deadlines.firstByte
  }

  /// The failure of a deadline that has passed.
  var lateness: TransportFailure {
    lastByte == nil
      ? .timedOut(.firstByte, deadlines.firstByte) : .timedOut(.nextByte, deadlines.stall)
  }

  /// Ends the response with libcurl's verdict.
  func finish(_ code: CURLcode, now: ContinuousClock.Instant) {
    deliver(now: now)
    guard code != CURLE_OK else { return end(nil) }
    var connectMicroseconds: Int64 = 0
    _ = ccurl_get_size(easy, CURLINFO_PRETRANSFER_TIME_T, &connectMicroseconds)
    end(CurlFailure.failure(code, of: self, isConnected: connectMicroseconds > 0))
  }

  /// Ends the response; nil is its proper end.
  func end(_ error: (any Error)?) {
    hasEnded = true
    transfer.end(error)
  }
}

extension Duration {
  /// Whole milliseconds, at least one.
  var milliseconds: Int {
    let (seconds, attoseconds) = components
    return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
  }
}
