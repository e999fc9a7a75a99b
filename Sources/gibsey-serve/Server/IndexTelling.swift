// What an indexer changes while the daemon runs, told: to each socket what its reader may see, to the event log how much it was.
import GibseyKit
import NIOCore

/// Looks for changes of the index, and tells of them. A value.
struct IndexTelling: Sendable {
  /// A look at a file that nobody has written to costs some microseconds.
  private static let interval = Duration.seconds(1)
  /// A look after some writing reads every page's row: it may take a hundredth of the time.
  private static let share = 100
  /// So many pages of one change are told to a socket: a new book is no reason to send a whole table of contents to everybody.
  static let pageLimit = 1000
  /// So many readers' gates are looked up at once: questions wait for the same threads.
  private static let gateLimit = 256

  private let service: Service
  private let watch: IndexWatch

  /// - Throws: as `IndexWatch`.
  init(_ service: Service) throws {
    self.service = service
    watch = try IndexWatch(path: service.room.path)
  }

  /// Looks again and again, until the task is cancelled.
  func run() async {
    var due = NIODeadline.now()
    while !Task.isCancelled {
      await letGo()
      let start = NIODeadline.now()
      if start >= due {
        await look()
        due = start + (NIODeadline.now() - start) * Self.share
      }
      // Nobody tells of a change of the file: it is looked for, a hundredth of the time at most (docs/design/0020).
      try? await Task.sleep(for: Self.interval)
    }
  }

  /// Has everybody let the file go that was there before, when another one has taken its place. Who writes turns is the last: then
  /// no reader keeps the log from being folded.
  func letGo() async {
    let isAnybodyElsewhere = (try? await watch.letGo()) == true
    if isAnybodyElsewhere { await service.room.letGo() }
    if isAnybodyElsewhere || service.conversing.hasNoFile { await service.conversing.turnToFile() }
  }

  /// Looks once. What cannot be read now will be read another time.
  func look() async {
    do {
      guard let change = try await watch.look() else { return }
      try await tell(change)
    } catch {
      service.parts.diagnostics.debug("the index was not looked at: \((error as? GibseyError)?.message ?? "\(error)")")
    }
  }

  private func tell(_ change: IndexChange) async throws {
    service.metrics.countIndexChange()
    service.events.note(.indexChanged) { event in
      let kinds: [PageIndexed.Change] = [.added, .updated, .relabelled, .removed]
      let counted = kinds.reduce(event.with("pages", change.pageCount)) { $0.with($1.rawValue, change.count($1)) }
      return counted.with("embedder", change.hasNewEmbedder ? "changed" : nil)
    }
    guard !change.pages.isEmpty else { return }
    var frames: [IndexChange.Sight: ByteBuffer] = [:]
    let conversations = service.sessions.conversations
    for start in stride(from: 0, to: conversations.count, by: Self.gateLimit) {
      let some = conversations[start..<min(start + Self.gateLimit, conversations.count)]
      for (conversation, sight) in zip(some, try await sights(of: some.map(\.reader), in: change)) {
        guard let sight, let socket = conversation.socket else { continue }
        let buffer = frames[sight] ?? self.frames(of: change, for: sight)
        frames[sight] = buffer
        // Whoever is behind is passed over, as with everything that is said to all.
        if buffer.readableBytes > 0 { _ = socket.offerIfKeepingUp(buffer) }
      }
    }
  }

  private func sights(
    of readers: [Browsing.Reader], in change: IndexChange
  ) async throws -> [IndexChange.Sight?] {
    try await service.room.read { reading in
      try readers.map { try reading.browsing.sight(of: $0, in: change) }
    }
  }

  /// A `page_update` for each page that such a reader may see; the last one tells how many were left out.
  private func frames(of change: IndexChange, for sight: IndexChange.Sight) -> ByteBuffer {
    let seen = change.pages.compactMap { page in page.seen(by: sight).map { (id: page.id, change: $0) } }
    let (told, time) = (seen.prefix(Self.pageLimit), service.now().text)
    var buffer = ByteBuffer()
    for (place, page) in told.enumerated() {
      var data = JSONObject()
      data["change"] = .string(page.change.rawValue)
      if place == told.count - 1, seen.count > told.count {
        data["left_out"] = .number(JSONNumber(seen.count - told.count))
      }
      var fields = JSONObject()
      fields["page_id"] = .string(page.id)
      fields["page_data"] = .object(data)
      fields["timestamp"] = .string(time)
      FrameWriter.append(.text, RecordCoder.frame(.frame(.pageUpdate, FrameData(fields))), to: &buffer)
    }
    return buffer
  }
}

extension SocketConversation {
  /// Who reads here, and how far they are as far as this socket knows. A watcher cannot move: its session's page counts.
  fileprivate var reader: Browsing.Reader {
    Browsing.Reader(pageID: namedPageID, sessionID: session, owner: identity.name)
  }
}
