// The texts that a PNG picture carries (PNG 1.2 §4.2.3.1).

/// Reads `tEXt` chunks. Every chunk's checksum is looked at, and nothing is decompressed.
enum PNGText {
  struct Problem: Error, Equatable {
    let reason: String
  }

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func isPNG(_ bytes: [UInt8]) -> Bool { bytes.starts(with: signature) }

  /// The first text of each keyword, as its bytes.
  /// - Throws: `Problem` for a picture that is cut short or damaged.
  static func texts(in bytes: [UInt8], keywords: Set<String>) throws -> [String: ArraySlice<UInt8>] {
    var texts: [String: ArraySlice<UInt8>] = [:]
    var place = signature.count
    while true {
      guard bytes.count - place >= 12 else { throw Problem(reason: "the picture is cut short") }
      let length = Int(number(bytes, place))
      guard length <= bytes.count - place - 12 else { throw Problem(reason: "the picture is cut short") }
      let name = String(decoding: bytes[place + 4..<place + 8], as: UTF8.self)
      let data = bytes[place + 8..<place + 8 + length]
      guard CRC32.checksum(bytes[place + 4..<data.endIndex]) == number(bytes, data.endIndex) else {
        throw Problem(reason: "the picture is damaged: wrong checksum of its chunk \(name) at byte \(place)")
      }
      if name == "IEND" { return texts }
      if name == "tEXt", let end = data.firstIndex(of: 0) {
        let keyword = String(decoding: data[..<end], as: UTF8.self)
        if keywords.contains(keyword), texts[keyword] == nil { texts[keyword] = data[(end + 1)...] }
      }
      place = data.endIndex + 4
    }
  }

  /// Four bytes, the highest first.
  private static func number(_ bytes: [UInt8], _ place: Int) -> UInt32 {
    bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }
}
