// Base64 (RFC 4648 §4).

/// Reads and writes the standard alphabet; on reading white space is passed over, and the padding may be missing.
public enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  /// What a byte stands for; `none` for one that is no digit.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: none, count: 256)
    for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
    return values
  }()
  private static let none: UInt8 = 0x80

  /// The bytes as text, padded.
  public static func encoded(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var word = 0
      for index in 0..<3 { word = word << 8 | (index < count ? Int(bytes[start + index]) : 0) }
      for index in 0..<4 { text.append(index <= count ? alphabet[word >> (18 - 6 * index) & 63] : UInt8(ascii: "=")) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes; nil for what is no Base64.
  static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
    text.withContiguousStorageIfAvailable { decoded($0) } ?? Array(text).withUnsafeBufferPointer { decoded($0) }
  }

  private static func decoded(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    let values = Self.values
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3 + 3)
    var bits: UInt32 = 0
    var digits = 0
    var padding = 0
    var place = 0
    while place < text.count {
      // Four digits in a row, as nearly all are.
      while digits % 4 == 0, padding == 0, place + 4 <= text.count {
        let first = values[Int(text[place])]
        let second = values[Int(text[place + 1])]
        let third = values[Int(text[place + 2])]
        let fourth = values[Int(text[place + 3])]
        guard first | second | third | fourth < none else { break }
        bytes.append(first << 2 | second >> 4)
        bytes.append(second << 4 | third >> 2)
        bytes.append(third << 6 | fourth)
        place += 4
      }
      guard place < text.count else { break }
      let byte = text[place]
      place += 1
      if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { continue }
      if byte == UInt8(ascii: "=") {
        padding += 1
        continue
      }
      let value = values[Int(byte)]
      guard padding == 0, value < none else { return nil }
      bits = bits << 6 | UInt32(value)
      digits += 1
      if digits % 4 != 1 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * ((digits - 1) % 4)))) }
    }
    guard digits % 4 != 1, padding == 0 || (digits + padding) % 4 == 0, padding <= 2 else { return nil }
    return bytes
  }
}
