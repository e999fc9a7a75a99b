// Whether a path still leads to the same file.
internal import Glibc

/// Which file a path leads to.
struct FileIdentity: Equatable {
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
}
