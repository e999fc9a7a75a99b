// One open file, read by its format.

/// A file of a source.
struct InputFile {
  let path: String
  let descriptor: FileDescriptor
  let format: ReadingOptions.Format
  /// What the ids of its pages begin with.
  let prefix: String

  private static let blockBytes = 256 * 1024

  static func format(ofName name: String) -> ReadingOptions.Format {
    guard let dot = name.lastIndex(of: ".") else { return .auto }
    switch name[name.index(after: dot)...].lowercased() {
    case "jsonl", "ndjson": return .jsonl
    case "json": return .json
    case "md", "markdown": return .markdown
    case "txt", "text": return .text
    default: return .auto
    }
  }

  func read(
    _ options: ReadingOptions, _ shelf: inout Shelf, _ visit: (SourceItem) throws -> Void
  ) throws {
    var first = try beginning()
    guard !first.isEmpty else { throw GibseyError.nothingToRead(path: path) }
    let markBytes = first.starts(with: ByteOrderMark.utf8) ? ByteOrderMark.utf8.count : 0
    first.removeFirst(markBytes)
    switch format == .auto ? Self.sniffed(first) : format {
    case .jsonl, .auto: try readLines(first, options, &shelf, visit)
    case .json: try JSONArrayPages(path: path, prefix: prefix).read(try rest(after: first), &shelf, visit)
    case .markdown:
      let bytes = try rest(after: first)
      guard let text = try validText(bytes, markBytes, &shelf, visit) else { return }
      do {
        try add(try MarkdownPages.pages(of: text, options), &shelf, visit)
      } catch let problem as FrontMatter.Problem {
        let reason = "front matter: \(problem.reason)"
        try shelf.fail(
          prefix, .malformedInput(source: path, line: problem.line, reason: reason), visit)
      }
    case .text:
      let bytes = try rest(after: first)
      guard let text = try validText(bytes, markBytes, &shelf, visit) else { return }
      try add(PlainTextPages.pages(of: text, options), &shelf, visit)
    }
  }

  private func add(
    _ pages: [Page], _ shelf: inout Shelf, _ visit: (SourceItem) throws -> Void
  ) throws {
    guard !pages.isEmpty else { throw GibseyError.nothingToRead(path: path) }
    for (index, page) in pages.enumerated() {
      try shelf.add(page, prefix: prefix, ordinal: index + 1, place: .file(path: path), visit)
    }
  }

  /// The first bytes: a pipe may give them in small pieces, and it takes one that is neither of a byte-order mark nor
  /// white space to tell a format. Empty for an empty file.
  private func beginning() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < Self.blockBytes {
      let block = try descriptor.read(limit: Self.blockBytes, named: path)
      if block.isEmpty { break }
      bytes += block
      let isMark = bytes.count < 3 && ByteOrderMark.utf8.starts(with: bytes)
      if !isMark, bytes.contains(where: { $0 > 0x20 && !ByteOrderMark.utf8.contains($0) }) { break }
    }
    return bytes
  }

  /// What the first bytes look like: a brace begins JSON lines, a bracket an array, anything else is text.
  private static func sniffed(_ bytes: [UInt8]) -> ReadingOptions.Format {
    switch bytes.first(where: { $0 > 0x20 }) {
    case UInt8(ascii: "{"): .jsonl
    case UInt8(ascii: "["): .json
    default: .text
    }
  }

  private func rest(after first: [UInt8]) throws -> [UInt8] {
    var bytes = first
    while true {
      let block = try descriptor.read(limit: 1 << 20, named: path)
      if block.isEmpty { return bytes }
      bytes += block
      guard bytes.count <= PageSource.fileLimitBytes else {
        throw GibseyError.cannotRead(
          path: path, reason: "larger than \(PageSource.fileLimitBytes) bytes; make it JSON lines")
      }
    }
  }

  private func validText(
    _ bytes: [UInt8], _ markBytes: Int, _ shelf: inout Shelf, _ visit: (SourceItem) throws -> Void
  ) throws -> String? {
    if let text = String(validating: bytes, as: UTF8.self) {
      guard let place = bytes.firstIndex(of: 0) else { return text }
      let reason = "a NUL at byte \(markBytes + place + 1): not a text"
      try shelf.fail(prefix, .malformedInput(source: path, line: nil, reason: reason), visit)
      return nil
    }
    let place = markBytes + Self.firstInvalidByte(bytes) + 1
    let reason = "not UTF-8 at byte \(place); convert it with iconv(1)"
    try shelf.fail(prefix, .malformedInput(source: path, line: nil, reason: reason), visit)
    return nil
  }

  /// Where the longest valid beginning ends.
  static func firstInvalidByte(_ bytes: [UInt8]) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var place = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) {
      place += UTF8.width(scalar)
    }
    return place
  }

  private func readLines(
    _ first: [UInt8], _ options: ReadingOptions, _ shelf: inout Shelf,
    _ visit: (SourceItem) throws -> Void
  ) throws {
    var splitter = LineSplitter(limitBytes: options.lineLimitBytes)
    var pages = LinePages(path: path, prefix: prefix, limitBytes: options.lineLimitBytes)
    var block = first
    while !block.isEmpty {
      try splitter.consume(block) { try pages.add($0, &shelf, visit) }
      block = try descriptor.read(limit: Self.blockBytes, named: path)
    }
    try splitter.finish { try pages.add($0, &shelf, visit) }
  }
}
