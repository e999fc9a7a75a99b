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
  }

  private static let depthLimit = 32

  /// The file itself, or the folder's readable files, naturally sorted, folders in their place. Hidden files, and
  /// README.md and LICENSE, which accompany a book and are not of it, are left out.
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

  /// Links are followed to files, never to folders: no cycle can keep the walk busy.
  private static func walk(
    _ path: String, relative: String, depth: Int, into entries: inout [Entry]
  ) throws {
    guard depth < depthLimit else { return }
    for name in try names(in: path).sorted(by: naturallyPrecedes) where !name.hasPrefix(".") {
      let child = path.hasSuffix("/") ? path + name : path + "/" + name
      let relativeChild = relative.isEmpty ? name : relative + "/" + name
      var information = stat()
      guard lstat(child, &information) == 0 else { continue }
      if information.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR) {
        try walk(child, relative: relativeChild, depth: depth + 1, into: &entries)
      } else if stat(child, &information) == 0, information.st_mode & mode_t(S_IFMT) == mode_t(S_IFREG),
        InputFile.format(ofName: name) != .auto, !isCompanion(name)
      {
        entries.append(Entry(path: child, relativePath: relativeChild, isInFolder: true))
      }
    }
  }

  private static func isCompanion(_ name: String) -> Bool {
    let lower = name.lowercased()
    return lower == "readme.md" || lower == "readme.txt" || lower.hasPrefix("license")
  }

  private static func names(in path: String) throws -> [String] {
    guard let folder = opendir(path) else {
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      names.append(name)
    }
    return names.filter { $0 != "." && $0 != ".." }
  }

  /// Digits compare as numbers: chapter-2 before chapter-10. What is equal so far is ordered by its bytes.
  static func naturallyPrecedes(_ left: String, _ right: String) -> Bool {
    let (first, second) = (chunks(left), chunks(right))
    for (one, other) in zip(first, second) where one != other {
      if let number = Int(one), let otherNumber = Int(other), number != otherNumber {
        return number < otherNumber
      }
      return one.utf8.lexicographicallyPrecedes(other.utf8)
    }
    return first.count < second.count
  }

  private static func chunks(_ name: String) -> [String] {
    var chunks: [String] = []
    for scalar in name.unicodeScalars {
      let isDigit = ("0"..."9").contains(scalar)
      if let last = chunks.last, let end = last.unicodeScalars.last, ("0"..."9").contains(end) == isDigit {
        chunks[chunks.count - 1].unicodeScalars.append(scalar)
      } else {
        chunks.append(String(scalar))
      }
    }
    return chunks
  }
}
