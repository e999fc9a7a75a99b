// Who may come in: a file of names and tokens that only its owner can read.
import GibseyKit
import Glibc
import NIOHTTP1

/// The tokens of a file, one `name:token` a line. A value; tokens are kept as their SHA-256.
struct TokenFile: Sendable, Equatable {
  /// A file longer than this is none of ours.
  private static let limitBytes = 1 << 20
  /// Shorter ones can be guessed.
  static let shortestToken = 16

  private let entries: [(name: String, digest: [UInt8])]

  static func == (left: TokenFile, right: TokenFile) -> Bool {
    left.entries.elementsEqual(right.entries) { $0 == $1 }
  }

  /// - Parameter credentials: the folder in which a service manager hands files over. It lets this service read them by an
  ///   access control list, which looks like a right of the group (acl(5)).
  /// - Throws: `GibseyError.cannotRead`, `.unsafeSettingsFile` when others may read it, `.malformedInput`.
  init(path: String, credentials: String? = nil) throws {
    try self.init(text: try Self.read(path, credentials), path: path)
  }

  init(text: String, path: String) throws {
    var entries: [(name: String, digest: [UInt8])] = []
    // A carriage return and a line feed are one Character.
    let lines = (text.first == "\u{FEFF}" ? text.dropFirst() : text[...]).split(omittingEmptySubsequences: false) {
      $0 == "\n" || $0 == "\r\n"
    }
    for (index, line) in lines.enumerated() {
      guard !line.isEmpty, line.first != "#" else { continue }
      func wrong(_ reason: String) -> GibseyError { .malformedInput(source: path, line: index + 1, reason: reason) }
      guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { throw wrong("wanted name:token") }
      let (name, token) = (String(line[..<colon]), line[colon...].dropFirst())
      guard token.utf8.count >= Self.shortestToken else {
        throw wrong("the token is shorter than \(Self.shortestToken) characters")
      }
      guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw wrong("a token is of visible ASCII characters without spaces")
      }
      guard !entries.contains(where: { $0.name == name }) else { throw wrong("the name is there twice") }
      let digest = SHA256.digest(of: Array(token.utf8))
      if let other = entries.first(where: { $0.digest == digest }) {
        throw wrong("the token is that of \(other.name), too")
      }
      entries.append((name, digest))
    }
    guard !entries.isEmpty else { throw GibseyError.malformedInput(source: path, line: nil, reason: "holds no token") }
    self.entries = entries
  }

  /// Whose token it is. The time it takes depends on how many there are, not on what they are: digests are compared, whole
  /// and all.
  func name(of token: String) -> String? { identity(of: token)?.name }

  /// The same, with what shows later whether the token still holds.
  func identity(of token: String) -> Identity? {
    let digest = SHA256.digest(of: Array(token.utf8))
    var name: String?
    for entry in entries {
      var difference: UInt8 = 0
      for index in 0..<digest.count { difference |= digest[index] ^ entry.digest[index] }
      if difference == 0 { name = entry.name }
    }
    return name.map { Identity(name: $0, digest: digest) }
  }

  /// Whether it holds this very token under this name.
  func knows(_ identity: Identity) -> Bool {
    entries.contains { $0.name == identity.name && $0.digest == identity.digest }
  }

  private static func read(_ path: String, _ credentials: String?) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw GibseyError.cannotRead(path: path, reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "not a plain file")
    }
    let isHandedOver =
      [0, geteuid()].contains(facts.st_uid) && (credentials.map { isFile(path, inside: $0) } ?? false)
    guard facts.st_mode & (isHandedOver ? 0o037 : 0o077) == 0 else {
      throw GibseyError.unsafeSettingsFile(path: path, reason: "others may read it; chmod 600 \(path)")
    }
    var bytes: [UInt8] = []
    while bytes.count <= limitBytes {
      let block = try FileDescriptor(number: descriptor).read(limit: 64 << 10, named: path)
      if block.isEmpty { break }
      bytes += block
    }
    guard bytes.count <= limitBytes, let text = String(validating: bytes, as: UTF8.self) else {
      throw GibseyError.malformedInput(source: path, line: nil, reason: "no text, or longer than \(limitBytes) bytes")
    }
    return text
  }
}

extension TokenFile {
  /// Whether a file lies in a folder or below it, whatever links lead there.
  private static func isFile(_ path: String, inside folder: String) -> Bool {
    guard let file = canonical(path), let folder = canonical(folder) else { return false }
    return file.hasPrefix(folder + "/")
  }

  private static func canonical(_ path: String) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }
}

/// Where a client puts its token: never in the address, which is logged and kept.
enum BearerToken {
  /// The subprotocol under which a browser, which cannot set headers, sends it: `gibsey.token.` before the token.
  static let subprotocolPrefix = "gibsey.token."
  /// Before the token's bytes in hexadecimal: a subprotocol has no `/`, `=` or `:` (RFC 9110 §5.6.2), many tokens do.
  static let hexadecimalPrefix = "gibsey.token-hex."

  /// The one token of a head; nil when there is none, or more than one.
  static func read(from headers: HTTPHeaders) -> String? {
    let values = headers["authorization"]
    guard values.count <= 1 else { return nil }
    if let value = values.first {
      guard value.count > 7, value.prefix(7).lowercased() == "bearer " else { return nil }
      return String(value.dropFirst(7).drop { $0 == " " })
    }
    let offered = headers[canonicalForm: "sec-websocket-protocol"].compactMap { offer -> String?? in
      if offer.hasPrefix(subprotocolPrefix) { return .some(String(offer.dropFirst(subprotocolPrefix.count))) }
      return offer.hasPrefix(hexadecimalPrefix)
        ? .some(text(ofHexadecimal: offer.dropFirst(hexadecimalPrefix.count))) : nil
    }
    return offered.count == 1 ? offered[0] : nil
  }

  /// The text whose UTF-8 the digits are; nil when they are of none.
  private static func text(ofHexadecimal digits: Substring) -> String? {
    guard digits.utf8.count % 2 == 0 else { return nil }
    let values = digits.compactMap(\.hexDigitValue)
    guard values.count == digits.utf8.count else { return nil }
    let bytes = stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    return String(validating: bytes, as: UTF8.self)
  }
}
