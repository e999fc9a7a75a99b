// How many tokens a text will be, never too few: docs/design/0005-token-estimate.md.

/// The estimate of tokens: one rule for every model, on the safe side.
///
/// A word of up to 6 letters is 1 piece, a longer one 1 + ⌈(n − 6) / 4⌉; a digit, a mark and a line feed are 1 each; then
/// 12 % on top. Measured on a novel of 710 pages this covered every page for five tokenizers. For what that did not
/// measure: an accented Latin letter costs 1 more, a character of another script its UTF-8 bytes, a space after a space 1.
public enum TokenEstimate {
  /// What a chat template adds to a prompt, and to each message of it.
  static let promptOverhead = 16
  static let messageOverhead = 8

  /// The tokens of a text.
  public static func tokens(of text: String) -> Int { tokens(pieces: pieces(of: text)) }

  /// What so many pieces are. Pieces of texts that are joined at line feeds add up; tokens are rounded.
  static func tokens(pieces: Int) -> Int { (pieces * 112 + 99) / 100 }

  /// Words, marks and parts of long words.
  static func pieces(of text: String) -> Int {
    var text = text
    return text.withUTF8 { Self.pieces(of: $0) }
  }

  /// The words of a text: runs of letters. No tokenizer makes fewer tokens.
  static func words(in text: String) -> Int {
    var words = 0
    var isInWord = false
    for byte in text.utf8 {
      let isLetter = byte | 0x20 &- 0x61 < 26 || byte >= 0x80
      if isLetter, !isInWord { words += 1 }
      isInWord = isLetter
    }
    return words
  }

  private static func pieces(of bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var pieces = 0
    var letters = 0
    var isAfterSpace = true
    func close() {
      if letters > 0 { pieces += letters <= 6 ? 1 : 1 + (letters - 3) / 4 }
      letters = 0
    }
    for (index, byte) in bytes.enumerated() {
      let isLetter = byte | 0x20 &- 0x61 < 26
      if isLetter {
        letters += 1
        isAfterSpace = false
      } else if byte == 0x20 {
        close()
        if isAfterSpace { pieces += 1 }
        isAfterSpace = true
      } else if isAccentedLatin(byte, bytes, index) {
        letters += 1
        pieces += 1
        isAfterSpace = false
      } else if byte & 0xC0 == 0x80, letters > 0 {
        continue  // the second byte of such a letter
      } else {
        close()
        pieces += 1
        isAfterSpace = false
      }
    }
    close()
    return pieces
  }

  /// Whether the byte leads one of U+00C0…U+024F, Latin letters with accents.
  private static func isAccentedLatin(_ lead: UInt8, _ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
    (0xC3...0xC8).contains(lead) || lead == 0xC9 && index + 1 < bytes.count && bytes[index + 1] < 0x90
  }
}
