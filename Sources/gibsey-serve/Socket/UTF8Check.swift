// Whether bytes are UTF-8 so far, however they are cut (RFC 3629 §4).

/// Checks a text that comes in pieces. A value; it keeps three bytes of state.
struct UTF8Check: Sendable, Equatable {
  /// Continuation bytes that are still to come.
  private var missing: UInt8 = 0
  /// What the next of them must be within: narrower than 80 to BF after E0, ED, F0 and F4.
  private var low: UInt8 = 0x80
  private var high: UInt8 = 0xBF

  /// Whether the text may end here.
  var isWhole: Bool { missing == 0 }

  /// False once the bytes cannot be the beginning of any text.
  mutating func consume(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var place = 0
    while place < bytes.count {
      if missing == 0 {
        // Eight at a time, while they are ASCII.
        while place + 8 <= bytes.count,
          bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        {
          place += 8
        }
        guard place < bytes.count else { return true }
        guard begin(bytes[place]) else { return false }
      } else {
        guard (low...high).contains(bytes[place]) else { return false }
        missing -= 1
        (low, high) = (0x80, 0xBF)
      }
      place += 1
    }
    return true
  }

  /// The first byte of a character; false for one that begins none.
  private mutating func begin(_ byte: UInt8) -> Bool {
    switch byte {
    case 0..<0x80: return true
    case 0xC2...0xDF: missing = 1
    case 0xE0: (missing, low) = (2, 0xA0)
    case 0xED: (missing, high) = (2, 0x9F)
    case 0xE1...0xEF: missing = 2
    case 0xF0: (missing, low) = (3, 0x90)
    case 0xF1...0xF3: missing = 3
    case 0xF4: (missing, high) = (3, 0x8F)
    default: return false
    }
    return true
  }
}
