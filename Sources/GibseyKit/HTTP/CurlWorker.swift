// The loop of the worker thread: letters, transfers, deadlines.
internal import CCurl
internal import Glibc

/// Runs transfers until it is told to stop. It lives on one thread and owns the multi handle.
struct CurlWorker: ~Copyable {
  /// The longest sleep: libcurl counts in Int32 milliseconds. A letter or the network ends it early.
  private static let idleMilliseconds: Int32 = 3_600_000

  /// So many events of the network are read before what they brought is handed over: each step finds more of its code near the
  /// processor, and what a token waits for are these and no others, however many come behind it.
  private static let eventsTogether = 8

  private let multi: OpaquePointer
  private let mailbox: CurlMailbox
  private let news = CurlNews()
  private var exchanges: [Int: CurlExchange] = [:]
  /// The numbers of the exchanges by their handles.
  private var ids: [UnsafeMutableRawPointer: Int] = [:]
  /// No deadline is earlier. That of one exchange only moves later as bytes come, so all are looked at when this passes.
  private var nextLook: ContinuousClock.Instant?
  private let clock = ContinuousClock()

  init?(multiAddress: UInt, mailbox: CurlMailbox) {
    guard let multi = OpaquePointer(bitPattern: multiAddress) else { return nil }
    self.multi = multi
    self.mailbox = mailbox
  }

  deinit { ccurl_multi_free(multi) }

  consuming func run() {
    mailbox.settle()
    var begun = clock.now
    while readLetters() {
      mailbox.runJobs()
      while performSome() {
        takeNews(now: clock.now)
        mailbox.runJobs()
      }
      let now = clock.now
      takeNews(now: now)
      reapLate(now: now)
      mailbox.runJobs()
      mailbox.letPatientGo()
      guard news.isEmpty, mailbox.fallAsleep() else {
        ccurl_multi_wait(multi, 0)
        continue
      }
      ccurl_multi_wait(multi, millisecondsToNextLook(now: now))
      mailbox.wakeUp()
      begun = gather(after: begun)
    }
    mailbox.close()
    for id in exchanges.keys.sorted() { remove(id, CancellationError()) }
    // Each knows the news.
    while news.next() != nil {}
  }

  /// Reads some events of the network; false when there are no more.
  private func performSome() -> Bool {
    for _ in 0..<Self.eventsTogether where !ccurl_multi_perform(multi) { return false }
    return true
  }

  /// False when it is time to stop.
  private mutating func readLetters() -> Bool {
    for letter in mailbox.collect() {
      switch letter {
      case .begin(let id, let request, let transfer): begin(id, request, transfer)
      case .resume(let id): resume(id, now: clock.now)
      case .cancel(let id): remove(id, CancellationError())
      case .stop: return false
      }
    }
    return true
  }

  private mutating func begin(_ id: Int, _ request: HTTPRequest, _ transfer: Transfer) {
    do {
      let exchange = try CurlExchange(
        id: id, request: request, transfer: transfer, mailbox: mailbox, news: news, now: clock.now)
      exchanges[id] = exchange
      ids[exchange.easy] = id
      heed(exchange)
      _ = ccurl_multi_add(multi, exchange.easy)
    } catch {
      transfer.end(error)
    }
  }

  /// Hands over what came, and what ended.
  private mutating func takeNews(now: ContinuousClock.Instant) {
    // A letter may have ended one since: it is not in the multi handle any more.
    while let exchange = news.next() {
      guard !exchange.hasEnded else { continue }
      exchange.deliver(now: now)
      heed(exchange)
    }
    reapEnded(now: now)
  }

  private mutating func resume(_ id: Int, now: ContinuousClock.Instant) {
    guard let exchange = exchanges[id] else { return }
    exchange.resume(now: now)
    heed(exchange)
  }

  /// The first byte, and going on after a pause, bring another deadline, which may be an earlier one.
  private mutating func heed(_ exchange: CurlExchange) {
    guard let deadline = exchange.deadline else { return }
    if nextLook.map({ deadline < $0 }) ?? true { nextLook = deadline }
  }

  /// Taking an unfinished handle out closes its connection.
  private mutating func remove(_ id: Int, _ error: any Error) {
    guard let exchange = exchanges.removeValue(forKey: id) else { return }
    ids[exchange.easy] = nil
    _ = ccurl_multi_remove(multi, exchange.easy)
    exchange.end(error)
  }

  private mutating func reapEnded(now: ContinuousClock.Instant) {
    var code = CURLE_OK
    while let easy = ccurl_multi_ended(multi, &code) {
      guard let id = ids.removeValue(forKey: easy), let exchange = exchanges.removeValue(forKey: id) else { continue }
      exchange.finish(code, now: now)
      // By its own name: whoever is freed before it is out would leave libcurl with nothing.
      _ = ccurl_multi_remove(multi, exchange.easy)
    }
  }

  private mutating func reapLate(now: ContinuousClock.Instant) {
    guard let look = nextLook, look <= now else { return }
    // Who was stopped, or held up by a task, has slept over the deadline: what waits in the sockets came before it.
    for _ in 0...exchanges.count / Int(ccurl_multi_events) {
      ccurl_multi_wait(multi, 0)
      while ccurl_multi_perform(multi) {}
    }
    takeNews(now: now)
    for exchange in exchanges.values {
      if let deadline = exchange.deadline, deadline <= now { remove(exchange.id, exchange.lateness) }
    }
    nextLook = exchanges.values.compactMap(\.deadline).min()
  }

  /// Lets more come when the last round began just now.
  /// - Returns: when this round begins.
  private func gather(after last: ContinuousClock.Instant) -> ContinuousClock.Instant {
    let now = clock.now
    let rest = last + mailbox.gathering - now
    guard rest > .zero else { return now }
    // Bounded by `gathering`, a millisecond in the daemon and none elsewhere: what comes meanwhile waits in the kernel.
    usleep(UInt32(clamping: rest.components.attoseconds / 1_000_000_000_000))
    ccurl_multi_wait(multi, 0)
    return last + mailbox.gathering
  }

  /// How long the wait for letters and the network may last: until the next deadline.
  private func millisecondsToNextLook(now: ContinuousClock.Instant) -> Int32 {
    guard let nextLook else { return Self.idleMilliseconds }
    return Int32(clamping: min((nextLook - now).milliseconds + 1, Int(Self.idleMilliseconds)))
  }
}

/// The exchanges on which something came since the last look. It belongs to the worker thread.
final class CurlNews {
  private var exchanges: [CurlExchange] = []

  var isEmpty: Bool { exchanges.isEmpty }
  func note(_ exchange: CurlExchange) { exchanges.append(exchange) }

  /// The one that is longest there; mostly there is one.
  func next() -> CurlExchange? { exchanges.isEmpty ? nil : exchanges.removeFirst() }
}
