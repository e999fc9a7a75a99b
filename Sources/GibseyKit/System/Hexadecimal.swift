// Bytes as digits. By hand: `String(_:radix:)` has the runtime look through what every type conforms to, a tenth of a millisecond.

/// Bytes in lower-case hexadecimal digits, two a byte.
enum Hexadecimal {
  static func text(of bytes: [UInt8]) -> String {
    var digits: [UInt8] = []
    digits.reserveCapacity(2 * bytes.count)
    for byte in bytes { append(byte, to: &digits) }
    return String(decoding: digits, as: UTF8.self)
  }

  /// Appends the two digits of a byte, ASCII.
  static func append(_ byte: UInt8, to text: inout [UInt8]) {
    for digit in [byte >> 4, byte & 0xF] {
      text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}
