// The tokenizer of uncased BERT: github.com/google-research/bert, tokenization.py; as the library `tokenizers` does it.
internal import Glibc

/// Cuts text into pieces of words that the model knows: white space, punctuation and ideographs part words, accents
/// and case are dropped, and each word is cut into the longest pieces that there are.
///
/// What becomes of each character, and the pieces in a hash table, stand ready in the model's file. Two things are not as
/// in `tokenizers`: "[SEP]" in a text is five characters and no mark, and characters newer than its Unicode 8 are known.
struct WordPiece {
  /// 0x110000 code points in blocks of 256.
  static let blockCount = 4352
  /// A word of more characters is one unknown piece.
  private static let longestWord = 100

  /// Id + 1 of a piece at its hash or behind it, 0 for none; the count is a power of two.
  let slots: UnsafeBufferPointer<UInt32>
  /// Where the bytes of a piece begin; one more than there are pieces.
  let places: UnsafeBufferPointer<UInt32>
  let pieceBytes: UnsafeBufferPointer<UInt8>
  let blocks: UnsafeBufferPointer<UInt16>
  let characters: UnsafeBufferPointer<UInt32>
  /// The id of [UNK].
  let unknown: Int32

  /// What a character means to the words around it; the numbers are those of the file.
  private enum Kind: UInt32 {
    case nothing, space, word, letter, several
  }

  /// A word that is being collected.
  private struct Word {
    var bytes: [UInt8] = []
    var characterCount = 0
    /// FNV-1a of the beginnings of what is left of it.
    var hashes: [UInt64] = []
  }

  /// The ids of the pieces, in order, without marks; at most `limit`.
  func pieces(of text: String, limit: Int = .max) -> [Int32] {
    var ids: [Int32] = []
    var word = Word()
    for scalar in text.unicodeScalars {
      take(entry(of: scalar.value), scalar.value, &word, &ids)
      if ids.count >= limit { return Array(ids.prefix(limit)) }
    }
    finish(&word, &ids)
    return ids.count > limit ? Array(ids.prefix(limit)) : ids
  }

  /// The id of a word that is one piece, given in lower-case ASCII letters and digits; nil for any other.
  func wholePiece(_ word: UnsafeBufferPointer<UInt8>) -> Int32? {
    var hash = Self.hashStart
    for byte in word {
      guard byte &- 0x61 < 26 || byte &- 0x30 < 10 else { return nil }
      hash = Self.hashed(hash, byte)
    }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
    for _ in 0...mask {
      let id = Int(slots[slot]) - 1
      guard id >= 0, id + 1 < places.count else { return nil }
      let (first, end) = (Int(places[id]), Int(places[id + 1]))
      guard end <= pieceBytes.count, first <= end else { return nil }
      if end - first == word.count, isPiece(word.baseAddress, at: first, count: word.count) { return Int32(id) }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Whether a piece has these bytes; both have so many.
  private func isPiece(_ bytes: UnsafePointer<UInt8>?, at first: Int, count: Int) -> Bool {
    guard count > 0, let bytes, let pieces = pieceBytes.baseAddress else { return count == 0 }
    return memcmp(bytes, pieces + first, count) == 0
  }

  private func entry(of code: UInt32) -> UInt32 {
    let place = Int(blocks[Int(code >> 8)]) << 8 | Int(code & 0xFF)
    return place < characters.count ? characters[place] : 0
  }

  private func take(_ entry: UInt32, _ code: UInt32, _ word: inout Word, _ ids: inout [Int32]) {
    let value = entry & 0xFF_FFFF
    switch Kind(rawValue: entry >> 24) {
    case .letter: append(value == 0 ? code : value, to: &word)
    case .space: finish(&word, &ids)
    case .word:
      finish(&word, &ids)
      append(value == 0 ? code : value, to: &word)
      finish(&word, &ids)
    case .several:
      let place = Int(value)
      guard place < characters.count, characters.count - place > Int(characters[place]) else { return }
      for index in 0..<Int(characters[place]) {
        let part = characters[place + 1 + index]
        guard Kind(rawValue: part >> 24) != .several else { continue }
        take(part, part & 0xFF_FFFF, &word, &ids)
      }
    case .nothing, nil: break
    }
  }

  private func append(_ code: UInt32, to word: inout Word) {
    guard word.characterCount <= Self.longestWord, let scalar = Unicode.Scalar(code) else { return }
    word.characterCount += 1
    if code < 0x80 {
      word.bytes.append(UInt8(truncatingIfNeeded: code))
    } else {
      word.bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }

  /// Cuts the word into pieces, longest first, or none: then it is unknown as a whole.
  private func finish(_ word: inout Word, _ ids: inout [Int32]) {
    guard !word.bytes.isEmpty else { return }
    defer {
      word.bytes.removeAll(keepingCapacity: true)
      word.characterCount = 0
    }
    guard word.characterCount <= Self.longestWord else { return ids.append(unknown) }
    let before = ids.count
    var start = 0
    while start < word.bytes.count {
      guard let (id, end) = longestPiece(in: &word, from: start) else {
        ids.removeSubrange(before...)
        return ids.append(unknown)
      }
      ids.append(id)
      start = end
    }
  }

  private func longestPiece(in word: inout Word, from start: Int) -> (id: Int32, end: Int)? {
    word.hashes.removeAll(keepingCapacity: true)
    var hash = start == 0 ? Self.hashStart : Self.continuedHashStart
    for byte in word.bytes[start...] {
      hash = Self.hashed(hash, byte)
      word.hashes.append(hash)
    }
    return word.bytes.withUnsafeBufferPointer { bytes in
      for length in stride(from: word.hashes.count, to: 0, by: -1) {
        let part = UnsafeBufferPointer(rebasing: bytes[start..<start + length])
        if let id = find(part, isContinued: start > 0, hash: word.hashes[length - 1]) { return (id, start + length) }
      }
      return nil
    }
  }

  private func find(_ bytes: UnsafeBufferPointer<UInt8>, isContinued: Bool, hash: UInt64) -> Int32? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
    for _ in 0...mask {
      let id = Int(slots[slot]) - 1
      guard id >= 0, id + 1 < places.count else { return nil }
      var first = Int(places[id])
      let end = Int(places[id + 1])
      guard end <= pieceBytes.count, first <= end else { return nil }
      let marked =
        end - first > 2 && pieceBytes[first] == UInt8(ascii: "#") && pieceBytes[first + 1] == UInt8(ascii: "#")
      if isContinued { first += 2 }
      if isContinued ? marked : true, end - first == bytes.count,
        isPiece(bytes.baseAddress, at: first, count: bytes.count)
      {
        return Int32(id)
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  // FNV-1a, 64 bits (datatracker.ietf.org/doc/html/draft-eastlake-fnv).
  private static let hashStart: UInt64 = 0xcbf2_9ce4_8422_2325
  private static let continuedHashStart = hashed(hashed(hashStart, UInt8(ascii: "#")), UInt8(ascii: "#"))
  private static func hashed(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
}
