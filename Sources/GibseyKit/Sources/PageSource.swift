// A source: one PATH of the command line, or standard input, read into pages.
internal import Glibc

/// How sources are read.
public struct ReadingOptions: Sendable {
  public enum Format: String, Sendable, CaseIterable { case auto, jsonl, json, markdown, text }
  public enum Split: String, Sendable, CaseIterable { case auto, none, formfeed, heading, size }

  public var format = Format.auto
  public var split = Split.auto
  /// Text and Markdown longer than this are split, at paragraph ends where there are any.
  public var pageSizeCharacters = 4000
  public var lineLimitBytes = RecordCoder.lineLimitBytes

  public init() {}
}

/// What a source gives, in its order.
public enum SourceItem: Sendable {
  /// A page with its id and its place filled in.
  case page(Page)
  /// Something that could not be read as a page; `id` is what it would have been called.
  case failure(id: String, GibseyError)
}

/// One source of pages. Its name owns the ids that come from it.
public struct PageSource: Sendable {
  /// What the database remembers it by.
  public let name: String
  private let origin: Origin

  private enum Origin: Sendable { case path(String), stream(FileDescriptor) }

  /// A whole file in memory is at most this large; JSON lines are read as they come and have no such limit.
  static let fileLimitBytes = 1 << 30

  /// - Parameter name: the path without "./" and extra slashes, unless another name is given.
  public init(path: String, name: String? = nil) {
    self.name = name ?? Self.normalized(path)
    origin = .path(path)
  }

  /// Standard input, or any open file.
  public init(stream: FileDescriptor, name: String) {
    self.name = name
    origin = .stream(stream)
  }

  /// "./a//b/" becomes "a/b".
  static func normalized(_ path: String) -> String {
    let parts = path.split(separator: "/").filter { $0 != "." }
    if path.hasPrefix("/") { return "/" + parts.joined(separator: "/") }
    return parts.isEmpty ? "." : parts.joined(separator: "/")
  }

  /// Bytes to read, as far as the file system tells; for an estimate of the time left.
  public var byteCount: Int? {
    guard case .path(let path) = origin, let files = try? FolderWalk.files(under: path) else { return nil }
    return files.reduce(0) { $0 + FolderWalk.size(of: $1.path) }
  }

  /// Visits everything that the source gives, in order.
  /// - Returns: how many pages had no `page_index` and took their place from the order of the source.
  /// - Throws: `GibseyError.noSuchFile`, `.cannotRead`, `.nothingToRead` for the source as a whole, and what `visit`
  ///   throws.
  @discardableResult
  public func read(options: ReadingOptions, visit: (SourceItem) throws -> Void) throws -> Int {
    var shelf = Shelf(source: name)
    switch origin {
    case .stream(let descriptor):
      let file = InputFile(path: name, descriptor: descriptor, format: options.format, prefix: name)
      try file.read(options, &shelf, visit)
    case .path(let path):
      for entry in try FolderWalk.files(under: path) {
        try read(entry, options, &shelf, visit)
      }
    }
    guard shelf.items > 0 else { throw GibseyError.nothingToRead(path: name) }
    return shelf.placesGiven
  }

  private func read(
    _ entry: FolderWalk.Entry, _ options: ReadingOptions, _ shelf: inout Shelf,
    _ visit: (SourceItem) throws -> Void
  ) throws {
    let prefix = entry.isInFolder ? "\(name)/\(entry.relativePath)" : name
    if let problem = entry.problem { return try shelf.fail(prefix, problem, visit) }
    let descriptor = open(entry.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let error = GibseyError.cannotRead(path: entry.path, reason: SystemCall.reason(errno))
      guard entry.isInFolder else { throw error }
      return try shelf.fail(prefix, error, visit)
    }
    defer { close(descriptor) }
    let format = options.format == .auto ? InputFile.format(ofName: entry.path) : options.format
    let file = InputFile(
      path: entry.path, descriptor: FileDescriptor(number: descriptor), format: format, prefix: prefix)
    let before = shelf.items
    do {
      try file.read(options, &shelf, visit)
      if entry.isInFolder, shelf.items == before {
        // As with an empty file: a sync must not take it for pages that are gone.
        try shelf.fail(prefix, .nothingToRead(path: entry.path), visit)
      }
    } catch let error as GibseyError {
      guard entry.isInFolder else { throw error }
      switch error {
      case .cannotRead, .nothingToRead: try shelf.fail(prefix, error, visit)
      default: throw error
      }
    }
  }
}
