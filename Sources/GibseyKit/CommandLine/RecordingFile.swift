// Recordings as files: written while an answer comes, read to play it again.
internal import Glibc
internal import Synchronization

/// A recording that is being written. Its identity is an open file of mode 0600: answers are private.
final class RecordingFile: Sendable {
  private let path: String
  private let descriptor: Int32
  private let turn = Mutex(())

  /// Empties the file, or makes it.
  /// - Throws: `GibseyError.cannotCreate`.
  init(path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw GibseyError.cannotCreate(path: path, reason: SystemCall.reason(errno))
    }
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
