// The words of a text as the full-text index sees them, fast where the text is ASCII.

enum WordScanner {
  /// A word is looked at up to here; no word of a book is as long.
  private static let wordLimitBytes = 64

  /// Visits the words, lower-case, in the order of the text, each with a hash of its bytes (FNV-1a, 64 bits); the word itself
  /// is made when it is asked for.
  static func forEachWord(of text: String, _ visit: (UInt64, () -> String) -> Void) {
    var text = text
    text.withUTF8 { bytes in
      var place = 0
      while place < bytes.count {
        let start = place
        var hash = seed
        while place < bytes.count, let byte = lowercase[Int(bytes[place])] {
          hash = (hash ^ UInt64(byte)) &* prime
          place += 1
        }
        if place < bytes.count, bytes[place] >= 0x80 {
          place = stretchEnd(bytes, place)
          visitForeign(bytes[start..<place], visit)
        } else {
          if place - start > wordLimitBytes { hash = Self.hash(bytes[start..<start + wordLimitBytes]) }
          if place > start { visit(hash) { word(bytes[start..<min(place, start + wordLimitBytes)]) } }
          place += 1
        }
      }
    }
  }

  /// The hash of a word, lower-case.
  static func hash(of word: String) -> UInt64 { word.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* prime } }

  private static let seed: UInt64 = 0xCBF2_9CE4_8422_2325
  private static let prime: UInt64 = 0x100_0000_01B3

  /// The lower-case byte of an ASCII letter or digit; nil for all others.
  private static let lowercase: [UInt8?] = (0..<256).map { code in
    switch UInt8(code) {
    case 0x41...0x5A: UInt8(code) | 0x20
    case 0x61...0x7A, 0x30...0x39: UInt8(code)
    default: nil
    }
  }

  private static func hash(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> UInt64 {
    bytes.reduce(seed) { ($0 ^ UInt64(lowercase[Int($1)] ?? $1)) &* prime }
  }

  private static func word(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String {
    String(unsafeUninitializedCapacity: bytes.count) { buffer in
      for (place, byte) in bytes.enumerated() { buffer[place] = lowercase[Int(byte)] ?? byte }
      return bytes.count
    }
  }

  /// Where a stretch of letters and characters beyond ASCII ends.
  private static func stretchEnd(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var place = start
    while place < bytes.count, bytes[place] >= 0x80 || lowercase[Int(bytes[place])] != nil { place += 1 }
    return place
  }

  /// A stretch with anything beyond ASCII goes the long way.
  private static func visitForeign(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ visit: (UInt64, () -> String) -> Void)
  {
    for word in KeywordQuery.words(of: String(decoding: bytes, as: UTF8.self)) {
      visit(hash(of: word)) { word }
    }
  }
}
