// Recordings as files: written while an answer comes, read to play it again.
internal import Glibc
internal import Synchronization

/// A recording that is being written. Its identity is an open file of mode 0600: answers are private.
final class RecordingFile: Sendable {
  private let path: String
  private let descriptor: Int32
  private let turn = Mutex(())

  /// Makes the file, or empties one that holds a recording and keeps others from reading it.
  /// - Parameter others: files that it must not be, with the reason.
  /// - Throws: `GibseyError.cannotCreate`, also for a file that holds anything but a recording, which stays as it is.
  init(path: String, apartFrom others: [(file: FileIdentity, words: String)] = []) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(path, SystemCall.reason(errno)) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { throw Self.failure(path, SystemCall.reason(errno)) }
    guard facts.st_mode & S_IFMT == S_IFREG else { return }
    if let other = others.first(where: { $0.file == FileIdentity(descriptor: descriptor) }) {
      throw Self.failure(path, "\(other.words), and would be emptied: name another file")
    }
    guard facts.st_size == 0 || Self.isRecording(path) else {
      throw Self.failure(path, "it is there and holds no recording: name another file, or remove it first")
    }
    guard facts.st_mode & 0o077 == 0 || fchmod(descriptor, 0o600) == 0, ftruncate(descriptor, 0) == 0 else {
      throw Self.failure(path, SystemCall.reason(errno))
    }
  }

  private static func failure(_ path: String, _ reason: String) -> GibseyError {
    .cannotCreate(path: path, reason: reason)
  }

  /// Whether the file begins as recordings do; a run that was killed may have left half a line.
  private static func isRecording(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard let start = try? FileDescriptor(number: descriptor).read(limit: 64 << 10, named: path) else { return false }
    let line = start.prefix { $0 != 0x0A }
    return line.starts(with: "{\"exchange\":1,\"ms\":".utf8) || (try? RecordingLine(Array(line))) != nil
  }

  deinit { close(descriptor) }

  /// - Throws: `GibseyError.cannotWrite`.
  func write(_ line: [UInt8]) throws {
    try turn.withLock { _ in
      do {
        try FileDescriptor(number: descriptor).write(line, named: path)
      } catch GibseyError.readerLeft {
        throw GibseyError.cannotWrite(what: path, reason: "its reader left")
      }
    }
  }
}

extension Recording {
  private static let limitBytes = 256 << 20

  /// - Throws: `GibseyError.noSuchFile`, `.cannotRead`, `.malformedInput`, `.nothingToRead`.
  init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT
        ? GibseyError.noSuchFile(path: path)
        : .cannotRead(path: path, reason: SystemCall.reason(errno))
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      let block = try FileDescriptor(number: descriptor).read(limit: 1 << 20, named: path)
      if block.isEmpty { break }
      bytes += block
      guard bytes.count <= Self.limitBytes else {
        throw GibseyError.malformedInput(source: path, line: nil, reason: "longer than \(Self.limitBytes) bytes")
      }
    }
    guard !bytes.isEmpty else {
      throw GibseyError.malformedInput(source: path, line: nil, reason: "an empty file, no recording")
    }
    try self.init(bytes, source: path)
  }

  /// The providers that were asked, in order, at the addresses where they were, without keys. The path of an address tells
  /// which wire it speaks.
  var candidates: [Asking.Candidate] {
    let wires: [(path: String, name: ProviderSettings.Name, model: SettingName)] = [
      ("/api/chat", .ollama, .ollamaModel), ("/v1/messages", .anthropic, .claudeModel),
      ("/chat/completions", .openai, .openAIModel),
    ]
    return urls.compactMap { url in
      guard let wire = wires.first(where: { url.hasSuffix($0.path) }),
        let base = try? WebAddress(String(url.dropLast(wire.path.count)))
      else { return nil }
      let account = ProviderAccount(baseURL: base, model: wire.model.defaultValue ?? "")
      return .usable(wire.name.provider(account))
    }
  }
}
