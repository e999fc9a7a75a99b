// ./.env: names and values, nothing that runs.
internal import Glibc

/// Reads `NAME=value` lines. There is no expansion of variables and no command substitution.
enum EnvironmentFile {
  static let limitBytes = 64 * 1024

  /// What a file says.
  struct Contents: Equatable {
    var settings: [SettingName: String] = [:]
    /// Settings that it names and may not set.
    var passedOver: Set<SettingName> = []
  }

  /// The known settings that the file gives; none when there is no file.
  /// - Throws: `GibseyError.unsafeSettingsFile` when it sets something and others may write it or its folder,
  ///   `.malformedInput`, `.cannotRead`.
  static func read(path: String) throws -> Contents {
    // A named pipe without a writer would block the opening of it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return Contents() }
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    defer { close(descriptor) }
    var file = stat()
    guard fstat(descriptor, &file) == 0 else {
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    // Some keep a folder of that name (Python's virtual environments): it sets nothing.
    if file.st_mode & S_IFMT == S_IFDIR { return Contents() }
    guard file.st_mode & S_IFMT == S_IFREG else {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "not a plain file")
    }
    let contents = try parse(try bytes(of: descriptor, path: path), path: path)
    if !contents.settings.isEmpty { try checkWriters(of: file, path: path) }
    return contents
  }

  private static func bytes(of descriptor: Int32, path: String) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let block = try FileDescriptor(number: descriptor).read(limit: limitBytes, named: path)
      if block.isEmpty { return bytes }
      bytes += block
      guard bytes.count <= limitBytes else {
        throw GibseyError.malformedInput(
          source: path, line: nil, reason: "longer than \(limitBytes) bytes")
      }
    }
  }

  /// What others can write, others can set.
  private static func checkWriters(of file: stat, path: String) throws {
    let folderPath = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    var folder = stat()
    guard stat(folderPath, &folder) == 0 else {
      throw GibseyError.unsafeSettingsFile(path: path, reason: SystemCall.reason(errno))
    }
    if file.st_mode & mode_t(S_IWGRP | S_IWOTH) != 0 {
      throw GibseyError.unsafeSettingsFile(
        path: path, reason: "others may write to it; chmod go-w \(path)")
    }
    // A group of the user's own, by the custom of equal numbers, is nobody else.
    let isGroupForeign = folder.st_gid != folder.st_uid
    if folder.st_mode & mode_t(S_IWOTH) != 0 || folder.st_mode & mode_t(S_IWGRP) != 0 && isGroupForeign {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "others may write to its folder")
    }
    func isForeign(_ owner: uid_t) -> Bool { owner != geteuid() && owner != 0 }
    if isForeign(file.st_uid) {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "it belongs to another user")
    }
    if isForeign(folder.st_uid) {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "its folder belongs to another user")
    }
  }

  /// The known settings in the bytes; lines about anything else are somebody else's.
  static func parse(_ bytes: [UInt8], path: String) throws -> Contents {
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw GibseyError.malformedInput(source: path, line: nil, reason: "not UTF-8 text")
    }
    var contents = Contents()
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (index, raw) in lines.enumerated() {
      var line = raw.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
      if line.hasPrefix("export ") { line = line.dropFirst(7).drop { $0.isWhitespace } }
      let word = line.prefix { $0 != "=" && !$0.isWhitespace }
      guard let known = SettingName(rawValue: String(word)) else { continue }
      if known.isFromEnvironmentOnly {
        contents.passedOver.insert(known)
        continue
      }
      let rest = line[word.endIndex...].drop { $0.isWhitespace }
      guard rest.first == "=" else {
        throw GibseyError.malformedInput(
          source: path, line: index + 1, reason: "wanted \(word)=value")
      }
      guard let value = unquoted(rest.dropFirst().trimmingSpace()) else {
        throw GibseyError.malformedInput(
          source: path, line: index + 1, reason: "a quote without its end")
      }
      contents.settings[known] = value
    }
    return contents
  }

  private static func unquoted(_ text: Substring) -> String? {
    switch text.first {
    case "'": text.dropFirst().firstIndex(of: "'").map { String(text.dropFirst()[..<$0]) }
    case "\"": unescaped(text.dropFirst())
    default: String(withoutComment(text).trimmingSpace())
    }
  }

  /// A comment begins at a `#` at the start or after white space.
  private static func withoutComment(_ text: Substring) -> Substring {
    var isAfterSpace = true
    for index in text.indices {
      if text[index] == "#", isAfterSpace { return text[..<index] }
      isAfterSpace = text[index].isWhitespace
    }
    return text
  }

  /// What stands before the closing quote, with `\n`, `\t` and escaped marks made whole; nil without one.
  private static func unescaped(_ body: Substring) -> String? {
    var value = ""
    var isEscaped = false
    for character in body {
      if isEscaped {
        value.append(character == "n" ? "\n" : character == "t" ? "\t" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        return value
      } else {
        value.append(character)
      }
    }
    return nil
  }
}

extension Substring {
  fileprivate func trimmingSpace() -> Substring {
    var text = drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
