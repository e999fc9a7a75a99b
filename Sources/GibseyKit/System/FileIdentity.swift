// Whether a path still leads to the same file.
internal import Glibc

/// Which file a path leads to.
struct FileIdentity: Hashable {
  private let device: dev_t
  private let number: ino_t

  /// Nil when there is none now.
  init?(path: String) {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    (device, number) = (facts.st_dev, facts.st_ino)
  }

  /// Of an open file; nil when the descriptor is none, or is no regular file: a terminal or a pipe is nobody's to spoil.
  init?(descriptor: Int32) {
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
    (device, number) = (facts.st_dev, facts.st_ino)
  }

  /// The regular files that this process has open.
  static func ofOpenFiles() -> Set<FileIdentity> {
    guard let folder = opendir("/dev/fd") else { return [] }
    defer { closedir(folder) }
    var files: Set<FileIdentity> = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let file = Int32(name).flatMap({ FileIdentity(descriptor: $0) }) { files.insert(file) }
    }
    return files
  }
}
