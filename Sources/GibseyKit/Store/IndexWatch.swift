// Looks whether an indexer has changed the pages of a database since the last look.

/// Remembers the pages of one database, on a thread of its own. Its identity is what it remembers.
///
/// A look at a file that nobody has written to costs microseconds; one after any writing, be it only of a conversation, reads
/// every page's row.
public final class IndexWatch: Sendable {
  /// Looks that may wait for the one before.
  private static let waitingLimit = 4

  private let pool: WorkerPool<Desk>

  /// - Throws: `GibseyError.ourBug` when there are no threads.
  public init(path: String) throws {
    pool = try WorkerPool(threads: 1, waitingLimit: Self.waitingLimit) { Desk(path: path) }
  }

  /// What became of the pages since the look before; nil when nothing did. The first look remembers and tells nothing.
  /// Nil as well when another file has taken the place: see `letGo`.
  /// - Throws: what opening and reading the database throws; the next look then tells of the time since the last good one.
  public func look() async throws -> IndexChange? { try await pool.run { try $0.look() } }

  /// Lets the file go when another one has taken its place; the next look opens that one.
  /// - Returns: whether somebody else here still has a file open that had the path, and has to let it go, too.
  public func letGo() async throws -> Bool { try await pool.run { $0.letGo() } }
}

/// The connection of the thread, and what it saw last.
private struct Desk {
  private struct Picture {
    let marks: PageMarks
    let embedder: String?
  }

  private let path: String
  private var open: (store: PageStore, change: Int)?
  private var last: Picture?

  init(path: String) { self.path = path }

  mutating func letGo() -> Bool {
    if open?.store.standing == .another { open = nil }
    return DatabaseLog.isAnybodyElsewhere(path)
  }

  mutating func look() throws -> IndexChange? {
    let store: PageStore
    if let open {
      switch open.store.standing {
      case .same: store = open.store
      case .missing: throw GibseyError.noDatabase(path: path)
      case .another: return nil
      }
    } else {
      store = try PageStore(path: path, access: .readOnly)
    }
    // Read before the pages: what is written meanwhile makes the next look read again.
    let change = try store.changeNumber()
    if let open, open.store === store, open.change == change { return nil }
    let picture = try store.reading {
      Picture(marks: try store.pageMarks(), embedder: try store.activeEmbedder()?.fingerprint)
    }
    open = (store, change)
    defer { last = picture }
    guard let last else { return nil }
    let found = last.marks.change(to: picture.marks, hasNewEmbedder: last.embedder != picture.embedder)
    return found.isEmpty ? nil : found
  }
}
