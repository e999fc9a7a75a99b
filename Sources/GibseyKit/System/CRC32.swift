// CRC-32 as PNG, zip and Ethernet have it.

/// The checksum of ISO 3309 (PNG 1.2 annex D): of damage, not of malice.
enum CRC32 {
  /// What each byte does to the remainder: the polynomial 0xEDB88320, reflected.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }

  static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0 as UInt32) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
  }
}
