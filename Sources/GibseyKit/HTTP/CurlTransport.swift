// HTTP by libcurl: one thread runs all transfers, and sleeps when there is nothing to do.
internal import CCurl
internal import Glibc
internal import Synchronization

/// Sends requests with libcurl. Its identity is one worker thread, started at the first request, and the connections
/// that it keeps. The thread ends with the last reference to it, responses that are being read included.
public final class CurlTransport: Transport {
  private let mailbox: CurlMailbox

  /// - Parameter gathering: from one look at the network to the next it takes at least so long, so that what many transfers
  ///   bring in small pieces is taken together; a look after a longer silence is at once.
  public init(trust: HTTPTrust = HTTPTrust(), buffers: HTTPBuffers = HTTPBuffers(), gathering: Duration = .zero) {
    mailbox = CurlMailbox(trust: trust, buffers: buffers, gathering: gathering)
  }

  deinit { mailbox.post(.stop) }

  /// Opens libcurl now rather than at the first request: while others wait for input anyway, and before the process has other
  /// threads, whose processors would have to be told of each of its hundred mappings. What is wrong with it is told by the
  /// first request.
  public static func openLibrary() { _ = ccurl_open() }

  /// The worker's thread; nil where there can be none.
  var executor: (any TaskExecutor)? { (try? mailbox.start()) == nil ? nil : mailbox }

  /// Whether the task that asks runs on the worker's thread.
  var runsThisTask: Bool { mailbox.runsThisTask }

  public func seat() -> NetworkSeat { NetworkSeat(executor: executor) }

  public func letOthersGoFirst() async { await mailbox.letOthersGoFirst() }

  public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    try Task.checkCancellation()
    try mailbox.start()
    let transfer = Transfer(limitBytes: mailbox.buffers.unreadBytes)
    let id = mailbox.nextID()
    let hold = CurlHold(id: id, mailbox: mailbox, transport: self)
    mailbox.post(.begin(id, request, transfer))
    return try await withTaskCancellationHandler {
      let head = try await transfer.head()
      return HTTPResponse(
        head: head,
        body: HTTPBody {
          try await hold.next(transfer)
        } recycle: {
          transfer.recycle($0)
        } digest: { digest in
          guard hold.mailbox.runsThisTask else { return nil }
          guard let block = try await hold.next(transfer, digest) else { return false }
          block.withUnsafeBufferPointer { if !$0.isEmpty { digest($0) } }
          transfer.recycle(block)
          return true
        } cancel: {
          hold.cancel(transfer)
        })
    } onCancel: {
      hold.cancel(transfer)
    }
  }
}

/// Ends the transfer when nobody can read its body any more. Harmless for one that has ended.
private final class CurlHold: Sendable {
  let id: Int
  let mailbox: CurlMailbox
  /// The worker lives as long as a body is being read.
  private let transport: CurlTransport

  init(id: Int, mailbox: CurlMailbox, transport: CurlTransport) {
    self.id = id
    self.mailbox = mailbox
    self.transport = transport
  }

  deinit { mailbox.post(.cancel(id)) }

  /// What came since the last call, none of it where `digest` has read it; nil at the end.
  func next(_ transfer: Transfer, _ digest: HTTPBody.Digest? = nil) async throws -> [UInt8]? {
    let portion = try await transfer.next(digest)
    if portion.mustResume { mailbox.post(.resume(id)) }
    return portion.block
  }

  func cancel(_ transfer: Transfer) {
    transfer.end(CancellationError())
    mailbox.post(.cancel(id))
  }
}

/// What tasks tell the worker, and how they wake it; and the tasks that the worker's thread itself runs.
final class CurlMailbox: TaskExecutor {
  enum Letter: Sendable {
    case begin(Int, HTTPRequest, Transfer)
    case resume(Int)
    case cancel(Int)
    case stop
  }

  private struct State {
    var letters: [Letter] = []
    var jobs: [UnownedJob] = []
    /// Those who have plenty, the longest-waiting first.
    var patient: [CheckedContinuation<Void, Never>] = []
    /// Only a worker that sleeps must be woken.
    var isAsleep = false
    var lastID = 0
    var hasStarted = false
    /// The address of the multi handle while the worker lives: only for `ccurl_multi_wake`.
    var multiAddress: UInt?
  }

  let trust: HTTPTrust
  let buffers: HTTPBuffers
  let gathering: Duration
  private let state = Mutex(State())
  /// The worker's thread, once there is one.
  private let thread = Atomic<UInt>(0)

  init(trust: HTTPTrust, buffers: HTTPBuffers, gathering: Duration) {
    self.trust = trust
    self.buffers = buffers
    self.gathering = gathering
  }

  func nextID() -> Int {
    state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
  }

  /// Starts the worker if there is none.
  /// - Throws: `GibseyError.libraryMissing`, `.tooFewDescriptors`, `.tooFewThreads`.
  func start() throws {
    try state.withLock { state in
      guard !state.hasStarted else { return }
      if let reason = ccurl_open() {
        throw GibseyError.libraryMissing(name: "libcurl", reason: String(cString: reason))
      }
      guard let multi = ccurl_multi_new() else {
        throw GibseyError.systemRefused("handle of libcurl", errno)
      }
      let address = UInt(bitPattern: multi)
      do {
        try WorkerThread.start { [self] in CurlWorker(multiAddress: address, mailbox: self)?.run() }
      } catch {
        ccurl_multi_free(multi)
        throw error
      }
      state.multiAddress = address
      state.hasStarted = true
    }
  }

  func post(_ letter: Letter) {
    state.withLock { state in
      guard state.multiAddress != nil else { return }
      state.letters.append(letter)
      Self.wake(&state)
    }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let isTaken = state.withLock { state in
      guard state.multiAddress != nil else { return false }
      state.jobs.append(job)
      Self.wake(&state)
      return true
    }
    if !isTaken { globalConcurrentExecutor.enqueue(job) }
  }

  private static func wake(_ state: inout State) {
    guard state.isAsleep, let multi = state.multiAddress.flatMap({ OpaquePointer(bitPattern: $0) }) else {
      return
    }
    state.isAsleep = false
    ccurl_multi_wake(multi)
  }

  func collect() -> [Letter] {
    state.withLock { state in
      let letters = state.letters
      state.letters = []
      return letters
    }
  }

  /// Whether the task that asks runs on the worker's thread.
  var runsThisTask: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// The thread that calls is the worker's.
  func settle() { thread.store(UInt(pthread_self()), ordering: .relaxed) }

  /// Waits until the worker lets one go on who has plenty: see `letPatientGo`. Returns at once where there is no worker.
  func letOthersGoFirst() async {
    await withCheckedContinuation { continuation in
      let waits = state.withLock { state in
        guard state.multiAddress != nil else { return false }
        state.patient.append(continuation)
        Self.wake(&state)
        return true
      }
      if !waits { continuation.resume() }
    }
  }

  /// Lets one go on who has plenty, the longest-waiting, and runs what it has to do, on the thread that calls. Whoever has
  /// nothing yet waits for one and not for all.
  func letPatientGo() {
    guard let next = state.withLock({ $0.patient.isEmpty ? nil : $0.patient.removeFirst() }) else { return }
    next.resume()
    runJobs()
  }

  /// Runs what is there to run, on the thread that calls.
  func runJobs() {
    while true {
      let jobs = state.withLock { state in
        let jobs = state.jobs
        state.jobs = []
        return jobs
      }
      if jobs.isEmpty { return }
      for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
  }

  /// Whether the worker may sleep: from now on it must be woken. Not when something came meanwhile.
  func fallAsleep() -> Bool {
    state.withLock { state in
      state.isAsleep = state.letters.isEmpty && state.jobs.isEmpty && state.patient.isEmpty
      return state.isAsleep
    }
  }

  func wakeUp() { state.withLock { $0.isAsleep = false } }

  /// After this nobody wakes the worker any more. What was not yet begun is ended.
  func close() {
    let (letters, jobs, patient) = state.withLock { state in
      state.multiAddress = nil
      defer { state.patient = [] }
      return (state.letters, state.jobs, state.patient)
    }
    for continuation in patient { continuation.resume() }
    for job in jobs { globalConcurrentExecutor.enqueue(job) }
    for case .begin(_, _, let transfer) in letters { transfer.end(CancellationError()) }
  }
}
