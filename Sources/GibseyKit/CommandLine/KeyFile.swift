// A file that holds a key: nobody but its owner may read it.
internal import Glibc

/// Reads a key from a file of mode 0600 or stricter.
enum KeyFile {
  private static let limitBytes = 64 << 10

  /// - Throws: `GibseyError.keyUnavailable`, `.unsafeSettingsFile`. Neither tells what is in the file.
  static func read(_ path: String, provider: String, name: SettingName) throws -> APIKey {
    let failure = { (reason: String) in
      GibseyError.keyUnavailable(provider: provider, name: name.rawValue, reason: reason)
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("\(path): \(SystemCall.reason(errno))") }
    defer { close(descriptor) }
    var file = stat()
    guard fstat(descriptor, &file) == 0, file.st_mode & S_IFMT == S_IFREG else {
      throw failure("\(path): not a plain file")
    }
    guard file.st_mode & 0o077 == 0 else {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "others may use it; chmod 600 \(path)")
    }
    guard file.st_uid == geteuid() || file.st_uid == 0 else {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "it belongs to another user")
    }
    let bytes = try FileDescriptor(number: descriptor).read(limit: limitBytes, named: path)
    guard let text = String(validating: bytes, as: UTF8.self), let key = Settings.key(in: text) else {
      throw failure("\(path): wanted one line with a key, without spaces")
    }
    return key
  }
}
