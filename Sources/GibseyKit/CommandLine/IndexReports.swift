// What gibsey-index tells of a database without changing it.

/// Reports on a database.
public struct IndexReports {
  let context: ToolContext
  public init(context: ToolContext) { self.context = context }

  /// Prints what the file holds, one fact a line.
  public func status(of path: String) throws -> ExitStatus {
    let status = try PageStore(path: path, access: .readOnly).status()
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

  /// Prints the pages as records, in reading order: indexing them again gives the same database.
  public func export(_ path: String) throws -> ExitStatus {
    let store = try PageStore(path: path, access: .readOnly)
    var block: [UInt8] = []
    var pages = 0
    try store.forEachPage { page in
      block += RecordCoder.encode(.page(page.page))
      pages += 1
      if block.count > 64 * 1024 {
        try context.output.write(block)
        block.removeAll(keepingCapacity: true)
      }
    }
    try context.output.write(block)
    return pages > 0 ? .done : .foundNothing
  }
}
