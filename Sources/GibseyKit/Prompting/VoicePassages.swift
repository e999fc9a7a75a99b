// Where a page may be cut into passages that are long enough to have a voice, and short enough to have several of.

/// Passages: from the beginning of each paragraph, whole paragraphs as long as they fit, and of the one that does not fit the
/// sentences that do.
enum VoicePassages {
  /// Some 40 and 100 English words.
  static let leastBytes = 240
  static let mostBytes = 600

  /// The passages of a text, as ranges of its bytes.
  static func ranges(of bytes: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
    let paragraphs = paragraphs(of: bytes)
    return paragraphs.indices.compactMap { first in
      let start = paragraphs[first].lowerBound
      var end = start
      for paragraph in paragraphs[first...] {
        if paragraph.upperBound - start <= mostBytes {
          end = paragraph.upperBound
        } else {
          if end - start < leastBytes { end = sentences(bytes, paragraph, from: start) ?? end }
          break
        }
      }
      return end - start >= leastBytes ? start..<end : nil
    }
  }

  /// Where the last sentence of a paragraph ends that still fits into a passage; nil when none does.
  private static func sentences(
    _ bytes: UnsafeBufferPointer<UInt8>, _ paragraph: Range<Int>, from start: Int
  ) -> Int? {
    let limit = min(paragraph.upperBound, start + mostBytes)
    guard paragraph.lowerBound < limit else { return nil }
    return (paragraph.lowerBound + 1..<limit).last { isSpace(bytes[$0]) && endsSentence(bytes, before: $0) }
  }

  /// Whether a full stop, question or exclamation mark or an ellipsis stands before a place, quotation marks aside.
  private static func endsSentence(_ bytes: UnsafeBufferPointer<UInt8>, before place: Int) -> Bool {
    var last = place - 1
    while last >= 0 {
      switch bytes[last] {
      case 0x22, 0x27, 0x29: last -= 1
      case 0x99,
        0x9D where last >= 2 && bytes[last - 1] == 0x80 && bytes[last - 2] == 0xE2:
        last -= 3
      case 0xA6 where last >= 2: return bytes[last - 1] == 0x80 && bytes[last - 2] == 0xE2
      case 0x82 where last >= 2: return bytes[last - 1] == 0x80 && bytes[last - 2] == 0xE3
      default: return bytes[last] == 0x2E || bytes[last] == 0x21 || bytes[last] == 0x3F
      }
    }
    return false
  }

  /// Paragraphs, parted by lines of white space, without white space at either end.
  private static func paragraphs(of bytes: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
    var paragraphs: [Range<Int>] = []
    var start: Int?
    var end = 0
    var lineFeeds = 0
    for (index, byte) in bytes.enumerated() {
      if isSpace(byte) {
        if byte == 0x0A { lineFeeds += 1 }
        continue
      }
      if let begun = start, lineFeeds > 1 {
        paragraphs.append(begun..<end)
        start = nil
      }
      start = start ?? index
      end = index + 1
      lineFeeds = 0
    }
    if let start { paragraphs.append(start..<end) }
    return paragraphs
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
