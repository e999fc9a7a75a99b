// A user's folder of characters: the Markdown files in it.
internal import Glibc

/// Reads the files of characters; what they say is not looked at here.
enum CharacterFolder {
  /// The Markdown files of a folder, or a file itself, each with its path; none for an empty folder. Hidden files and a
  /// README are left out.
  /// - Parameter limitBytes: of a file, no more is read than tells that it is longer.
  /// - Throws: `GibseyError.noSuchFile`, `.cannotRead`.
  static func files(in path: String, limitBytes: Int) throws -> [(path: String, bytes: [UInt8])] {
    let entries: [FolderWalk.Entry]
    do { entries = try FolderWalk.files(under: path) } catch GibseyError.nothingToRead { return [] }
    return try entries.filter { !$0.isInFolder || InputFile.format(ofName: $0.relativePath) == .markdown }
      .map { entry in
        if let problem = entry.problem { throw problem }
        return (entry.path, try bytes(of: entry.path, limitBytes: limitBytes))
      }
  }

  private static func bytes(of path: String, limitBytes: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while bytes.count <= limitBytes {
      let block = try FileDescriptor(number: descriptor).read(limit: limitBytes, named: path)
      if block.isEmpty { break }
      bytes += block
    }
    return bytes
  }
}
