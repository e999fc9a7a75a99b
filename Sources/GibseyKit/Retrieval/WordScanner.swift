// The words of a text as the full-text index sees them, fast where the text is ASCII.

enum WordScanner {
  /// A word is looked at up to here; no word of a book is as long.
  private static let wordLimitBytes = 64

  /// The distinct words, lower-case, in the order of the text.
  static func distinctWords(of text: String) -> [String] {
    var text = text
    return text.withUTF8 { bytes in
      guard bytes.allSatisfy({ $0 < 0x80 }) else { return mixed(bytes) }
      return ascii(bytes)
    }
  }

  private static func ascii(_ bytes: UnsafeBufferPointer<UInt8>) -> [String] {
    var words: [String] = []
    var seen: Set<String> = []
    var start = 0
    for place in 0...bytes.count {
      if place < bytes.count, isWordPart(bytes[place]) { continue }
      if place > start { add(bytes[start..<min(place, start + wordLimitBytes)], &words, &seen) }
      start = place + 1
    }
    return words
  }

  private static func add(
    _ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ words: inout [String], _ seen: inout Set<String>
  ) {
    let word = String(unsafeUninitializedCapacity: bytes.count) { buffer in
      var count = 0
      for byte in bytes {
        buffer[count] = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
        count += 1
      }
      return count
    }
    if seen.insert(word).inserted { words.append(word) }
  }

  private static func isWordPart(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
  }

  /// Runs of ASCII are split here; a stretch with anything else goes the long way.
  private static func mixed(_ bytes: UnsafeBufferPointer<UInt8>) -> [String] {
    var words: [String] = []
    var seen: Set<String> = []
    var start = 0
    var isForeign = false
    for place in 0...bytes.count {
      if place < bytes.count, isWordPart(bytes[place]) || bytes[place] >= 0x80 {
        isForeign = isForeign || bytes[place] >= 0x80
        continue
      }
      let stretch = bytes[start..<place]
      if isForeign {
        for word in KeywordQuery.words(of: String(decoding: stretch, as: UTF8.self))
        where seen.insert(word).inserted { words.append(word) }
      } else if !stretch.isEmpty {
        add(stretch.prefix(wordLimitBytes), &words, &seen)
      }
      start = place + 1
      isForeign = false
    }
    return words
  }
}
