// ./.env: names and values, nothing that runs.
internal import Glibc

/// Reads `NAME=value` lines. There is no expansion of variables and no command substitution.
enum EnvironmentFile {
  static let limitBytes = 64 * 1024

  /// The known settings that the file gives; none when there is no file.
  /// - Throws: `GibseyError.unsafeSettingsFile` when others may write the file or its folder, `.malformedInput`.
  static func read(path: String) throws -> [SettingName: String] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return [:] }
      throw GibseyError.cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      let block = try FileDescriptor(number: descriptor).read(limit: limitBytes, named: path)
      if block.isEmpty { break }
      bytes += block
      guard bytes.count <= limitBytes else {
        throw GibseyError.malformedInput(source: path, line: nil, reason: "longer than \(limitBytes) bytes")
      }
    }
    let settings = try parse(bytes, path: path)
    if !settings.isEmpty { try checkOwnership(descriptor, path: path) }
    return settings
  }

  /// What others can write, others can set.
  private static func checkOwnership(_ descriptor: Int32, path: String) throws {
    var file = stat()
    var folder = stat()
    fstat(descriptor, &file)
    stat(".", &folder)
    let othersMayWrite = mode_t(S_IWGRP | S_IWOTH)
    if file.st_mode & othersMayWrite != 0 {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "others may write to it; chmod go-w \(path)")
    }
    if folder.st_mode & mode_t(S_IWOTH) != 0, folder.st_mode & mode_t(S_ISVTX) == 0 {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "others may write to its folder")
    }
    if file.st_uid != geteuid(), file.st_uid != 0 {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "it belongs to another user")
    }
  }

  static func parse(_ bytes: [UInt8], path: String) throws -> [SettingName: String] {
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw GibseyError.malformedInput(source: path, line: nil, reason: "not UTF-8 text")
    }
    var settings: [SettingName: String] = [:]
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (index, raw) in lines.enumerated() {
      var line = raw.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix("export ") { line = line.dropFirst(7).drop { $0.isWhitespace } }
      guard let equals = line.firstIndex(of: "=") else {
        throw GibseyError.malformedInput(source: path, line: index + 1, reason: "wanted NAME=value")
      }
      let name = line[..<equals].trimmingSpace()
      guard let known = SettingName(rawValue: String(name)) else { continue }
      guard let value = unquoted(line[line.index(after: equals)...].trimmingSpace()) else {
        throw GibseyError.malformedInput(source: path, line: index + 1, reason: "a quote without its end")
      }
      settings[known] = value
    }
    return settings
  }

  private static func unquoted(_ text: Substring) -> String? {
    guard let quote = text.first, quote == "\"" || quote == "'" else {
      // A comment begins at a # after white space.
      var plain = text
      if let comment = text.indices.first(where: {
        $0 > text.startIndex && text[$0] == "#" && text[text.index(before: $0)].isWhitespace
      }) {
        plain = text[..<comment]
      }
      return String(plain.trimmingSpace())
    }
    let body = text.dropFirst()
    guard quote == "\"" else { return body.firstIndex(of: "'").map { String(body[..<$0]) } }
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
