// From flags and settings to a running daemon, and from a signal to its end.
import GibseyKit
import NIOCore
import Synchronization

/// One run of gibsey-serve.
struct Daemon {
  /// What the flags say.
  struct Options {
    var listen: [ListenAddress]
    /// Whether nobody said where: then one of the two places is enough, for machines without IPv6.
    var isUsualPlace = false
    var unixSocket: String?
    var hosts: [String] = []
    var origins: [String] = []
    var isWholeBook = false
    var grace = 20.0
    var linger = 30.0
    var limits = Limits()
    var logging = LogOptions()
  }

  /// Many readers may be slow at once: what the provider has said and they have not taken waits in the provider.
  private static let buffers = HTTPBuffers(readBytes: 8 << 10, unreadBytes: 16 << 10)

  /// Tokens of five hundred answers come one by one: nobody sees a millisecond, and looking at each by itself costs the most.
  private static let gathering = Duration.milliseconds(1)

  /// Answers stream on all processors, but on four at most: each of them serves hundreds of readers at fifty tokens a second.
  private static let networkThreads = 4

  private let context: ToolContext
  private var options: Options
  private let service: Service
  private let tokens: Tokens
  private let events: EventLog
  private let supervisor: Supervisor
  private let inherited: [InheritedSocket]
  private let current: CurrentAsking
  private let transport: any Transport
  private let memory = AskingMemory()

  /// - Throws: what is wrong with the settings, the database, the token file, or the places to listen at.
  init(context: ToolContext, options: Options) throws {
    self.options = options
    events = try EventLog.make(options.logging, in: context)
    let context = context.saying(events.diagnostics)
    self.context = context
    transport = CurlPool(
      threads: min(System.coreCount, Self.networkThreads), trust: context.settings.trust, buffers: Self.buffers,
      gathering: Self.gathering)
    supervisor = Supervisor()
    let tokens = try Tokens(path: context.settings.string(.tokenFile), credentials: supervisor.credentials)
    self.tokens = tokens
    if context.settings.isPassedOver(.tokenFile) {
      context.diagnostics.warning(
        "./.env may not name a token file, so there are no tokens; set GIBSEY_TOKEN_FILE in the environment, or give --token-file"
      )
    }
    inherited = try supervisor.sockets.map { try InheritedSocket($0) }
    // Whoever is handed sockets listens there, and nowhere else unasked.
    if !inherited.isEmpty, options.isUsualPlace { self.options.listen = [] }
    let places = self.options.listen + inherited.compactMap(\.address)
    for place in self.options.listen {
      do { _ = try place.resolved() } catch { throw GibseyError.cannotCreate(path: "\(place)", reason: "no such host") }
    }
    if !tokens.areWanted, let open = places.first(where: { !$0.isLoopback }) {
      throw GibseyError.usage(
        "\(open) is not this machine alone, and there are no tokens",
        hint: "name a file of name:token lines with --token-file, or listen at 127.0.0.1")
    }
    var reading = ReadingRoom.Options()
    reading.defaults = try Self.defaults(context.settings, isWholeBook: options.isWholeBook)
    let room = try ReadingRoom(context: context, path: try context.databasePath(flag: nil), options: reading)
    let asking = try Self.asking(context, transport, memory, options.limits)
    current = CurrentAsking(asking)
    let (diagnostics, metrics) = (context.diagnostics, Metrics())
    let conversing = Conversing(
      prompting: { try await room.prompt(for: $0) }, asking: current, keeper: try Self.keeper(room.path, diagnostics),
      problem: { error in
        metrics.countLostWrite()
        diagnostics.warning("a turn is not kept: \((error as? GibseyError)?.message ?? "\(error)")")
      })
    service = Service(
      Service.Parts(
        limits: options.limits, fileLimit: System.raiseFileLimit(), room: room,
        conversing: conversing, linger: .milliseconds(Int(options.linger * 1000)),
        admission: Admission(
          hosts: Set(options.hosts.map { $0.lowercased() }), origins: Set(options.origins.map { $0.lowercased() }),
          tokens: { tokens.file }, router: Router(routes: Route.all)),
        diagnostics: context.diagnostics, events: events, metrics: metrics))
  }

  /// Who keeps the conversations; nobody in a file that cannot be written.
  private static func keeper(_ path: String, _ diagnostics: Diagnostics) throws -> TurnKeeper? {
    do {
      return try TurnKeeper(path: path) { Timestamp.now() }
    } catch GibseyError.databaseReadOnly {
      diagnostics.notice("\(path) cannot be written: conversations are not kept")
      return nil
    }
  }

  private static func defaults(_ settings: Settings, isWholeBook: Bool) throws -> ContextBuilding.Defaults {
    var defaults = ContextBuilding.Defaults()
    defaults.isWholeBook = isWholeBook
    defaults.knowledge = try settings.knowledge()
    defaults.tokenFactor = try settings.factor(.tokenFactor)
    defaults.budgetTokens = try settings.count(.budget) ?? defaults.budgetTokens
    return defaults
  }

  private static func asking(
    _ context: ToolContext, _ transport: any Transport, _ memory: AskingMemory, _ limits: Limits
  ) throws -> Asking {
    var policy = try context.settings.askingPolicy()
    policy.answerLimitBytes = limits.answerBytes
    policy.prices = try context.priceList()
    let candidates = context.settings.candidates
    for case .unusable(let name, let error) in candidates where policy.fallback?.contains(name) != false {
      // Without a key a provider is passed over; with a broken setting every answer would fail, and this is when somebody looks.
      if case .badSetting = error { throw error }
    }
    return Asking(
      candidates: candidates, transport: transport, policy: policy,
      clock: context.askingClock, memory: memory)
  }

  /// What a signal asks for.
  private enum Wish: Sendable { case reread, end }

  /// Serves until a signal comes, and then until all is done that was begun, or `--grace` is over.
  /// - Parameter settings: what the settings are now, read again.
  func run(settings: () throws -> Settings) async throws -> ExitStatus {
    let (wishes, wishing) = AsyncStream.makeStream(of: Wish.self)
    let signals = try Signals { wishing.yield(.reread) }
    // Nothing below names it, and it watches only as long as it lives.
    defer { withExtendedLifetime(signals) {} }
    signals.listen { _ in wishing.yield(.end) }
    // Now rather than at the first question, which would wait for it, and others with it.
    CurlTransport.openLibrary()
    let telling = try IndexTelling(service)
    let server = try await start()
    let looking = Task { await telling.run() }
    for address in server.addresses { context.diagnostics.notice("listening at http://\(address)") }
    if let path = options.unixSocket { context.diagnostics.notice("listening at \(path)") }
    supervisor.tell(.ready, "listening")
    // Nothing waits for it, a signal least of all: an indexer may be writing.
    Task { [conversing = service.conversing] in await conversing.takeUpDrafts() }
    var latest = context
    for await wish in wishes {
      guard wish == .reread else { break }
      supervisor.tell(.reloading)
      reread(settings, &latest)
      supervisor.tell(.ready, "listening")
    }
    supervisor.tell(.stopping)
    await drain(server)
    looking.cancel()
    await looking.value
    await server.shutDown()
    events.close()
    return .done
  }

  /// Reads settings, characters and tokens again. What is wrong is told, and what it is about stays as it was.
  /// - Parameter latest: with the settings that hold.
  private func reread(_ settings: () throws -> Settings, _ latest: inout ToolContext) {
    var isGood = true
    func attempt(_ body: () throws -> Void) {
      do { try body() } catch {
        isGood = false
        context.diagnostics.error(error as? GibseyError ?? .ourBug("\(error)"))
      }
    }
    attempt {
      let context = context.with(try settings())
      let asking = try Self.asking(context, transport, memory, options.limits)
      _ = try Self.defaults(context.settings, isWholeBook: options.isWholeBook)
      current.replace(with: asking)
      latest = context
    }
    attempt {
      let defaults = try Self.defaults(latest.settings, isWholeBook: options.isWholeBook)
      // By the settings that hold, with the characters of before should these be broken.
      service.room.reread(defaults)
      try service.room.reread(latest, defaults)
    }
    attempt {
      try tokens.reread()
      service.sessions.leaveUnless { service.admission.isKnown($0) }
    }
    context.diagnostics.notice(
      isGood ? "settings, characters and tokens were read again" : "what is wrong stays as it was")
  }

  /// Of the grace, what is left for those who are cut off to be kept and told.
  private static let lastSeconds = 0.5
  /// From one look at what is left to the next.
  private static let glance = Duration.milliseconds(20)

  /// Lets what was begun come to its end, as long as there is time.
  private func drain(_ server: Server) async {
    let end = context.now() + max(0, options.grace - Self.lastSeconds)
    service.drain()
    await server.stopListening()
    service.sessions.drain()
    // Connections and answers end on many threads. Looking at their counts, here alone and only while the daemon ends, is
    // simpler than having each of them tell.
    while service.doors.openCount > 0 || service.sessions.isBusy, context.now() < end {
      try? await Task.sleep(for: Self.glance)
    }
    if service.doors.openCount > 0 || service.sessions.isBusy {
      service.sessions.cancelAll()
      let last = context.now() + min(Self.lastSeconds, options.grace)
      // Those who were cut off are kept and told, and what they are told leaves: looked at as above, for half a second at most.
      while service.doors.openCount > 0 || service.sessions.isBusy, context.now() < last {
        try? await Task.sleep(for: Self.glance)
      }
    }
    let left = await settle(atMost: max(0, end - context.now()))
    if left > 0 { context.diagnostics.warning("the database is held by another program: \(left) turns are not kept") }
  }

  /// So long the daemon waits for another program without saying so.
  private static let silentSeconds = 1.0

  /// Waits for the turns that are not kept yet, and says so where that takes long: the time to end may be hours.
  /// - Returns: how many are not kept.
  private func settle(atMost seconds: Double) async -> Int {
    let left = await service.conversing.settle(atMost: .seconds(min(seconds, Self.silentSeconds)))
    guard left > 0, seconds > Self.silentSeconds else { return left }
    let rest = seconds - Self.silentSeconds
    let words =
      "waiting for another program that holds the database, \(Int(rest.rounded(.up))) seconds at most: "
      + "\(left) turns are not kept yet"
    context.diagnostics.notice(words)
    supervisor.tell(.stopping, words)
    return await service.conversing.settle(atMost: .seconds(rest))
  }

  private func start() async throws -> Server {
    do {
      return try await Server(service, listen: options.listen, unixSocket: options.unixSocket, inherited: inherited)
    } catch let error as GibseyError where options.isUsualPlace {
      // Machines without IPv6 have no ::1. One that somebody else has is another matter.
      guard case .cannotCreate(_, let reason) = error, reason.contains("address"), !reason.contains("in use") else {
        throw error
      }
      return try await Server(service, listen: [options.listen[0]], unixSocket: options.unixSocket)
    }
  }
}

/// The token file as it is now.
final class Tokens: Sendable {
  private let path: String?
  private let credentials: String?
  private let state: Mutex<TokenFile?>

  /// - Parameter credentials: the folder of a service manager.
  /// - Throws: what reading the file throws.
  init(path: String?, credentials: String? = nil) throws {
    self.path = path
    self.credentials = credentials
    state = Mutex(try path.map { try TokenFile(path: $0, credentials: credentials) })
  }

  var areWanted: Bool { path != nil }
  var file: TokenFile? { state.withLock { $0 } }

  /// Reads the file again.
  /// - Throws: what is wrong with it; the tokens then stay as they were.
  func reread() throws {
    guard let path else { return }
    let file = try TokenFile(path: path, credentials: credentials)
    state.withLock { $0 = file }
  }
}
