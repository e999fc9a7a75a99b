// The words and marks of texts as numbers, for counting.

/// Numbers words and marks as they come. A word is a run of letters, whatever its case; a quotation mark is one mark however it
/// is curled.
struct VoiceFeatures {
  /// A word or a mark, and where it begins.
  struct Token {
    let feature: Int32
    let offset: Int32
    let isWord: Bool
  }

  /// Words of all that was read.
  private(set) var wordCount = 0
  private var features: [UInt64: Int32] = [:]
  private var areMarks: [Bool] = []

  var count: Int { areMarks.count }

  func isMark(_ feature: Int) -> Bool { areMarks[feature] }

  /// The words and marks of a text, in its order. An empty line is a mark.
  mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) -> [Token] {
    var tokens: [Token] = []
    tokens.reserveCapacity(bytes.count / 4)
    var index = 0
    while index < bytes.count {
      let start = index
      let (kind, length) = Self.kind(bytes, at: index)
      index += length
      switch kind {
      case .space: continue
      case .mark(let mark):
        tokens.append(Token(feature: number(mark, isMark: true), offset: Int32(start), isWord: false))
      case .letter:
        index = start
        let hash = Self.word(bytes, &index)
        tokens.append(Token(feature: number(hash, isMark: false), offset: Int32(start), isWord: true))
        wordCount += 1
      }
    }
    return tokens
  }

  private enum Kind {
    case letter
    case mark(UInt64)
    case space
  }

  /// What stands at a place, and of how many bytes it is.
  private static func kind(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> (Kind, length: Int) {
    let byte = bytes[index]
    if byte | 0x20 &- 0x61 < 26 { return (.letter, 1) }
    if byte < 0x80 {
      if byte == 0x0A, index > 0, bytes[index - 1] == 0x0A { return (.mark(UInt64(byte)), 1) }
      return byte > 0x20 && !(0x30...0x39).contains(byte) ? (.mark(UInt64(byte)), 1) : (.space, 1)
    }
    // General punctuation, U+2000…U+206F, and that of Latin 1 and of Chinese and Japanese.
    if byte == 0xE2 || byte == 0xE3, index + 2 < bytes.count, bytes[index + 1] & 0xFE == 0x80 {
      return (.mark(folded(UInt64(byte) << 16 | UInt64(bytes[index + 1]) << 8 | UInt64(bytes[index + 2]))), 3)
    }
    if byte == 0xC2, index + 1 < bytes.count { return (.mark(UInt64(byte) << 8 | UInt64(bytes[index + 1])), 2) }
    return (.letter, 1)
  }

  private static func folded(_ mark: UInt64) -> UInt64 {
    switch mark {
    case 0xE28098, 0xE28099: 0x27
    case 0xE2809C, 0xE2809D: 0x22
    default: mark
    }
  }

  /// The hash of the word at a place (FNV-1a, without case), which is left behind. An apostrophe between letters is of it.
  private static func word(_ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    while index < bytes.count {
      let (kind, length) = kind(bytes, at: index)
      switch kind {
      case .letter:
        let byte = bytes[index]
        hash = (hash ^ UInt64(byte < 0x80 ? byte | 0x20 : byte)) &* 0x100_0000_01B3
      case .mark(0x27) where index + length < bytes.count:
        guard case .letter = Self.kind(bytes, at: index + length).0 else { return hash }
        hash = (hash ^ 0x27) &* 0x100_0000_01B3
      default: return hash
      }
      index += length
    }
    return hash
  }

  private mutating func number(_ hash: UInt64, isMark: Bool) -> Int32 {
    // Marks are smaller than any hash of a word is likely to be.
    if let known = features[hash] { return known }
    let next = Int32(areMarks.count)
    features[hash] = next
    areMarks.append(isMark)
    return next
  }
}
