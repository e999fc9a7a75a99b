// What gibsey-index tells of a database without changing what is in it.
internal import Glibc

/// Reports on a database.
public struct IndexReports {
  let context: ToolContext
  public init(context: ToolContext) { self.context = context }

  /// Prints what the file holds, one fact a line.
  public func status(of path: String) throws -> ExitStatus {
    let start = context.now()
    let status = try PageStore(path: path, access: .readOnly).status()
    context.diagnostics.debug("\(path): read in \(context.elapsed(since: start))")
    var lines = [
      "database   \(path)", "schema     \(status.schema)", "bytes      \(status.fileBytes)",
      "pages      \(status.pages)",
      "order      \(status.order.map { "\($0.lowerBound) to \($0.upperBound)" } ?? "none")",
      "embedder   \(status.embedder ?? "none")", "turns      \(status.turns)",
    ]
    for source in status.sources {
      lines.append("source     \(Diagnostics.oneLine(source.name)) (\(source.pages) pages)")
    }
    try context.output.write(Array((lines.joined(separator: "\n") + "\n").utf8))
    return .done
  }

  /// Brings a file of an older schema up to date, and prints what it holds.
  public func upgrade(_ path: String, waitSeconds: Int) throws -> ExitStatus {
    guard access(path, F_OK) == 0 else { throw GibseyError.noDatabase(path: path) }
    let lock = try WriterLock(path: path, limitSeconds: waitSeconds) {
      context.diagnostics.notice("waiting for another gibsey-index on \(path)")
    }
    defer { withExtendedLifetime(lock) {} }
    _ = try PageStore(path: path, access: .readWrite, patienceMilliseconds: max(1, waitSeconds) * 1000)
    return try status(of: path)
  }

  /// Looks through the file and prints what is amiss, one finding a line, with the command that mends it on standard error.
  /// - Returns: `malformed` for a damaged file, `foundNothing` for a sound one with pages that have no vectors.
  public func check(_ path: String) throws -> ExitStatus {
    let start = context.now()
    let store = try PageStore(path: path, access: .readOnly)
    let findings = try self.findings(in: store)
    context.diagnostics.debug("\(path): looked through in \(context.elapsed(since: start))")
    var status = ExitStatus.done
    for finding in findings {
      switch finding {
      case .damage(let words):
        status = .malformed
        try tell("damaged    \(words)")
      case .damagedCard(let id, let words):
        status = .malformed
        try tell("damaged    the card \(id): \(words)")
      case .withoutVectors(let pages, let example, let embedder):
        if status == .done { status = .foundNothing }
        try tell("missing    \(pages) pages, as \(example), have no vectors of \(embedder.fingerprint)")
      case .wordsNotCompared:
        context.diagnostics.warning("\(path) cannot be written: the full-text index was not compared with the pages")
      }
    }
    if let hint = hint(for: findings, path: path, status) { context.diagnostics.notice("hint: \(hint)") }
    if status == .done {
      let vectors = try store.activeEmbedder().map { ", all with vectors of \($0.fingerprint)" } ?? ""
      try tell("sound      \(try store.pageCount()) pages\(vectors)")
    }
    return status
  }

  /// What is amiss, damage before what is only missing.
  private func findings(in store: PageStore) throws -> [StoreFinding] {
    let all = try store.check() + CardInspection(store).findings()
    let isDamage = { (finding: StoreFinding) in
      switch finding {
      case .damage, .damagedCard: true
      case .withoutVectors, .wordsNotCompared: false
      }
    }
    return all.filter(isDamage) + all.filter { !isDamage($0) }
  }

  private func tell(_ line: String) throws { try context.output.write(Array((Diagnostics.oneLine(line) + "\n").utf8)) }

  /// The command that mends what was found.
  private func hint(for findings: [StoreFinding], path: String, _ status: ExitStatus) -> String? {
    if status == .malformed {
      let areCards = findings.allSatisfy { if case .damage = $0 { false } else { true } }
      if areCards { return "import what is damaged again: `gibsey-index --database \(path) --import-card FILE…`" }
      return "index the sources into a new file, or save what can be read: "
        + "`gibsey-index --database \(path) --export | gibsey-index --database NEW --source story -`"
    }
    for case .withoutVectors(_, _, let embedder) in findings {
      let command = "gibsey-index --database \(path)"
      if let (service, model) = embedder.remote {
        return "`\(command) --embedder \(service.rawValue) --embedding-model \(model)`"
      }
      return GivenVectors.made(embedder)
        ? "index these pages again with their vectors: `\(command) --embedder given PATH…`"
        : "`\(command) --embedder minilm`"
    }
    return nil
  }

  /// Prints the pages as records, in reading order: indexing them again gives the same database.
  /// - Returns: `malformed` when one of them is longer than a line may be; it is printed all the same.
  public func export(_ path: String) throws -> ExitStatus {
    let start = context.now()
    let store = try PageStore(path: path, access: .readOnly)
    var block: [UInt8] = []
    var pages = 0
    var status = ExitStatus.done
    try store.forEachPage { page in
      let line = RecordCoder.encode(.page(page.page))
      if line.count - 1 > RecordCoder.lineLimitBytes {
        status = .malformed
        let reason =
          "page \(page.page.id ?? "") takes \(line.count - 1) bytes as a record: as a line it cannot be indexed again"
        context.diagnostics.error(.malformedInput(source: path, line: nil, reason: reason))
      }
      block += line
      pages += 1
      if block.count > 64 * 1024 {
        try context.write(json: block)
        block.removeAll(keepingCapacity: true)
      }
    }
    try context.write(json: block)
    context.diagnostics.debug("\(path): exported \(pages) pages in \(context.elapsed(since: start))")
    return pages > 0 ? status : .foundNothing
  }
}
