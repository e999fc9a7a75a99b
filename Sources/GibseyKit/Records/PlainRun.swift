// The long stretches of a text in which nothing happens: eight bytes at once.

/// Finds where printable ASCII ends.
enum PlainRun {
  /// The place of the first byte from `start` on that is no printable ASCII, or one of the two; `end` when there is none
  /// (graphics.stanford.edu/~seander/bithacks.html, "determine if a word has a byte equal to n" and "less than n").
  @inline(__always)
  static func end(
    in base: UnsafePointer<UInt8>, from start: Int, to end: Int, or first: UInt8, _ second: UInt8
  ) -> Int {
    let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    let (firsts, seconds) = (ones &* UInt64(first), ones &* UInt64(second))
    var place = start
    while place + 8 <= end {
      let word = UInt64(littleEndian: UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self))
      let (one, other) = (word ^ firsts, word ^ seconds)
      let low = (word &- ones &* 0x20) & ~word
      let equal = (one &- ones) & ~one | (other &- ones) & ~other
      let found = (low | equal | word) & highs
      if found != 0 { return place + found.trailingZeroBitCount / 8 }
      place += 8
    }
    while place < end, base[place] >= 0x20, base[place] < 0x80, base[place] != first, base[place] != second {
      place += 1
    }
    return place
  }
}
