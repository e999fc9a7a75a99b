// What some editors write before a text: no part of it.

/// The byte-order mark of UTF-8.
enum ByteOrderMark {
  static let utf8: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// The bytes without a mark at their start.
  static func dropped(from bytes: [UInt8]) -> ArraySlice<UInt8> {
    bytes.starts(with: utf8) ? bytes[utf8.count...] : bytes[...]
  }
}
