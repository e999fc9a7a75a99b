// A file with a character card: JSON, or a PNG picture with the JSON inside.
internal import Glibc

/// The bytes of a card's file and the JSON text in it.
struct CardFile {
  /// A picture with its card; a larger file is none.
  static let limitBytes = 64 << 20
  /// The JSON of a card with the largest book of lore.
  static let textLimitBytes = 32 << 20

  let path: String
  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// The card, UTF-8, as it came, perhaps behind a byte-order mark.
  let json: [UInt8]
  /// The whole file when it is a picture.
  let picture: [UInt8]?

  /// The card as it is read: without the mark.
  var text: ArraySlice<UInt8> { json.starts(with: Self.mark) ? json.dropFirst(Self.mark.count) : json[...] }

  /// - Throws: `GibseyError.noSuchFile`, `.cannotRead`, `.malformedInput`.
  init(path: String) throws { try self.init(path: path, bytes: Self.bytes(of: path)) }

  /// - Throws: `GibseyError.malformedInput`.
  init(path: String, bytes: [UInt8]) throws {
    self.path = path
    guard bytes.count <= Self.limitBytes else { throw Self.problem(path, "longer than \(Self.limitBytes) bytes") }
    let isPicture = PNGText.isPNG(bytes)
    picture = isPicture ? bytes : nil
    if isPicture {
      do { json = try Self.card(in: bytes) } catch let problem as PNGText.Problem {
        throw Self.problem(path, problem.reason)
      }
    } else {
      json = bytes
    }
    guard json.count <= Self.textLimitBytes else {
      throw Self.problem(path, "the card is longer than \(Self.textLimitBytes) bytes")
    }
  }

  /// Version 3 stands in `ccv3`, version 2 in `chara`; who writes both means the newer (CCv3 "Embedding methods").
  private static func card(in picture: [UInt8]) throws -> [UInt8] {
    let texts = try PNGText.texts(in: picture, keywords: ["ccv3", "chara"])
    guard let text = texts["ccv3"] ?? texts["chara"] else {
      throw PNGText.Problem(reason: "a picture without a card: it has neither a ccv3 nor a chara chunk")
    }
    guard let json = Base64.decoded(text) else { throw PNGText.Problem(reason: "the card inside is not Base64") }
    return json
  }

  private static func problem(_ path: String, _ reason: String) -> GibseyError {
    .malformedInput(source: path, line: nil, reason: reason)
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let number = errno
      throw number == ENOENT
        ? GibseyError.noSuchFile(path: path) : .cannotRead(path: path, reason: SystemCall.reason(number))
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while bytes.count <= limitBytes {
      let block = try FileDescriptor(number: descriptor).read(limit: 1 << 20, named: path)
      if block.isEmpty { break }
      bytes += block
    }
    return bytes
  }
}
