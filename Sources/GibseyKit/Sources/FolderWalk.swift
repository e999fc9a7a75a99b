// The files of a folder, in the order in which a person would read them.
internal import Glibc

/// Lists what a path holds.
enum FolderWalk {
  /// A file to read.
  struct Entry: Equatable {
    let path: String
    /// The path within the folder; the file's name when the path is a file itself.
    let relativePath: String
    let isInFolder: Bool
    /// Why it cannot be read; nil where that is still to be seen.
    var problem: GibseyError?
  }

  /// What a folder calls something in it: bytes, which need not be text.
  private struct Name {
    /// With the zero at its end.
    let bytes: [CChar]
    /// For a person where it is no text.
    let text: String
    let isText: Bool

    init(_ bytes: UnsafePointer<CChar>) {
      let text = String(validatingCString: bytes)
      self.bytes = Array(UnsafeBufferPointer(start: bytes, count: strlen(bytes) + 1))
      self.text = text ?? ForeignText.shown(bytes)
      isText = text != nil
    }
  }

  /// Deeper folders are an error: to leave them out in silence would let a sync remove their pages.
  static let depthLimit = 32

  /// The file itself, or the folder's readable files, naturally sorted, folders in their place. Hidden files, and
  /// README and LICENSE, which accompany a book and are not of it, are left out.
  /// - Throws: `GibseyError.noSuchFile`, `.cannotRead`, `.nothingToRead`.
  static func files(under path: String) throws -> [Entry] {
    var information = stat()
    guard stat(path, &information) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw GibseyError.noSuchFile(path: path) }
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    guard information.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR) else {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      return [Entry(path: path, relativePath: name, isInFolder: false)]
    }
    var entries: [Entry] = []
    try walk(path, relative: "", depth: 0, into: &entries)
    guard !entries.isEmpty else { throw GibseyError.nothingToRead(path: path) }
    return entries
  }

  static func size(of path: String) -> Int {
    var information = stat()
    return stat(path, &information) == 0 ? Int(information.st_size) : 0
  }

  /// Links are followed to files, never to folders: no cycle can keep the walk busy. A link to nothing is listed, so
  /// that reading it says what is wrong.
  private static func walk(
    _ path: String, relative: String, depth: Int, into entries: inout [Entry]
  ) throws {
    guard depth < depthLimit else {
      throw GibseyError.cannotRead(path: path, reason: "more than \(depthLimit) folders deep")
    }
    let folder = path.hasSuffix("/") ? path : path + "/"
    let names = try names(in: path).sorted { naturallyPrecedes($0.text, $1.text) }
    for name in names where !name.text.hasPrefix(".") {
      let child = folder + name.text
      let relativeChild = relative.isEmpty ? name.text : relative + "/" + name.text
      let kind = try kind(of: folder.utf8CString.dropLast() + name.bytes, called: child)
      if kind == mode_t(S_IFDIR), name.isText {
        try walk(child, relative: relativeChild, depth: depth + 1, into: &entries)
      } else if kind == mode_t(S_IFDIR) || isRead(name.text, kind) {
        // Ids and the names of sources are text: a page cannot be called after it.
        let problem = GibseyError.cannotRead(path: child, reason: "its name is not UTF-8: rename it")
        entries.append(
          Entry(path: child, relativePath: relativeChild, isInFolder: true, problem: name.isText ? nil : problem))
      }
    }
  }

  /// S_IFDIR for a folder itself, S_IFREG for a file or a link to one, S_IFLNK for a link to nothing, 0 for what is
  /// not read or has just gone.
  private static func kind(of path: [CChar], called name: String) throws -> mode_t {
    var information = stat()
    guard lstat(path, &information) == 0 else {
      if errno == ENOENT { return 0 }
      throw GibseyError.cannotRead(path: name, reason: SystemCall.reason(errno))
    }
    let kind = information.st_mode & mode_t(S_IFMT)
    guard kind == mode_t(S_IFLNK), stat(path, &information) == 0 else { return kind }
    let target = information.st_mode & mode_t(S_IFMT)
    return target == mode_t(S_IFREG) ? target : 0
  }

  private static func isRead(_ name: String, _ kind: mode_t) -> Bool {
    let isFile = kind == mode_t(S_IFREG) || kind == mode_t(S_IFLNK)
    return isFile && InputFile.format(ofName: name) != .auto && !isCompanion(name)
  }

  private static func isCompanion(_ name: String) -> Bool {
    let lower = name.lowercased()
    return lower == "readme.md" || lower == "readme.txt" || name.hasPrefix("LICENSE")
      || lower == "license.md" || lower == "license.txt"
  }

  private static func names(in path: String) throws -> [Name] {
    guard let folder = opendir(path) else {
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    defer { closedir(folder) }
    var names: [Name] = []
    errno = 0
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { Name($0) }
      }
      names.append(name)
      errno = 0
    }
    guard errno == 0 else {
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    return names.filter { $0.text != "." && $0.text != ".." }
  }

  /// Digits compare as numbers of any length: chapter-2 before chapter-10. What is equal so far is ordered by its
  /// bytes.
  static func naturallyPrecedes(_ left: String, _ right: String) -> Bool {
    let (first, second) = (chunks(left), chunks(right))
    for (one, other) in zip(first, second) where one != other {
      if let digits = significantDigits(one), let others = significantDigits(other),
        digits != others
      {
        guard digits.count == others.count else { return digits.count < others.count }
        return digits.lexicographicallyPrecedes(others)
      }
      return one.lexicographicallyPrecedes(other)
    }
    return first.count < second.count
  }

  /// The chunk without leading zeros, when it is a number.
  private static func significantDigits(_ chunk: [UInt8]) -> ArraySlice<UInt8>? {
    guard let first = chunk.first, isDigit(first) else { return nil }
    return chunk.drop { $0 == UInt8(ascii: "0") }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  /// Runs of digits and runs of anything else.
  private static func chunks(_ name: String) -> [[UInt8]] {
    var chunks: [[UInt8]] = []
    for byte in name.utf8 {
      if let end = chunks.last?.last, isDigit(end) == isDigit(byte) {
        chunks[chunks.count - 1].append(byte)
      } else {
        chunks.append([byte])
      }
    }
    return chunks
  }
}
