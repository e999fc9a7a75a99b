// The loop of the worker thread: letters, transfers, deadlines.
internal import CCurl

/// Runs transfers until it is told to stop. It lives on one thread and owns the multi handle.
struct CurlWorker: ~Copyable {
  /// The longest sleep: libcurl counts in Int32 milliseconds. A letter or the network ends it early.
  private static let idleMilliseconds: Int32 = 3_600_000

  private let multi: UnsafeMutableRawPointer
  private let mailbox: CurlMailbox
  private var exchanges: [Int: CurlExchange] = [:]
  private let clock = ContinuousClock()

  init?(multiAddress: UInt, mailbox: CurlMailbox) {
    guard let multi = UnsafeMutableRawPointer(bitPattern: multiAddress) else { return nil }
    self.multi = multi
    self.mailbox = mailbox
  }

  deinit { ccurl_multi_free(multi) }

  consuming func run() {
    while readLetters() {
      mailbox.runJobs()
      var running: Int32 = 0
      _ = ccurl_multi_perform(multi, &running)
      let now = clock.now
      for exchange in exchanges.values where exchange.hasNews { exchange.deliver(now: now) }
      reapEnded(now: now)
      reapLate(now: now)
      mailbox.runJobs()
      guard !exchanges.values.contains(where: \.hasNews), mailbox.fallAsleep() else { continue }
      _ = ccurl_multi_wait(multi, sleep(now: now))
      mailbox.wakeUp()
    }
    mailbox.close()
    for id in exchanges.keys.sorted() { remove(id, CancellationError()) }
  }

  /// False when it is time to stop.
  private mutating func readLetters() -> Bool {
    for letter in mailbox.collect() {
      switch letter {
      case .begin(let id, let request, let transfer): begin(id, request, transfer)
      case .resume(let id): exchanges[id]?.resume(now: clock.now)
      case .cancel(let id): remove(id, CancellationError())
      case .stop: return false
      }
    }
    return true
  }

  private mutating func begin(_ id: Int, _ request: HTTPRequest, _ transfer: Transfer) {
    do {
      let exchange = try CurlExchange(
        id: id, request: request, transfer: transfer, trust: mailbox.trust, now: clock.now)
      exchanges[id] = exchange
      _ = ccurl_multi_add(multi, exchange.easy)
    } catch {
      transfer.end(error)
    }
  }

  /// Taking an unfinished handle out closes its connection.
  private mutating func remove(_ id: Int, _ error: any Error) {
    guard let exchange = exchanges.removeValue(forKey: id) else { return }
    _ = ccurl_multi_remove(multi, exchange.easy)
    exchange.transfer.end(error)
  }

  private mutating func reapEnded(now: ContinuousClock.Instant) {
    var code = CURLE_OK
    while let easy = ccurl_multi_ended(multi, &code) {
      guard let exchange = exchanges.values.first(where: { $0.easy == easy }) else { continue }
      exchange.finish(code, now: now)
      _ = ccurl_multi_remove(multi, easy)
      exchanges[exchange.id] = nil
    }
  }

  private mutating func reapLate(now: ContinuousClock.Instant) {
    for exchange in exchanges.values {
      if let deadline = exchange.deadline, deadline <= now {
        remove(exchange.id, exchange.lateness)
      }
    }
  }

  private func sleep(now: ContinuousClock.Instant) -> Int32 {
    guard let next = exchanges.values.compactMap(\.deadline).min() else {
      return Self.idleMilliseconds
    }
    return Int32(clamping: min((next - now).milliseconds + 1, Int(Self.idleMilliseconds)))
  }
}
