// The quick way through a stream whose frames differ only in a token: compare the rest with a frame already understood.
internal import Glibc

/// What surrounded the token in a frame that was parsed in full: a line of NDJSON with its line feed, an event with its name
/// and its empty line. Frames of a stream are alike but for the token and a time stamp; one that has the same bytes around
/// both needs no parsing. A value that learns.
struct FrameShape: Sendable {
  /// Up to and with the quote that opens the time stamp, or the token where there is none.
  private var head: [UInt8] = []
  /// From the quote that closes the time stamp to the one that opens the token.
  private var middle: [UInt8] = []
  /// From the quote that closes the token.
  private var tail: [UInt8] = []
  private var hasStamp = false
  /// A stream whose frames differ elsewhere too (OpenAI's `obfuscation`) is not worth learning from for ever.
  private var lessonsLeft = 8
  /// Frames that were taken so far.
  private(set) var count = 0

  /// Appends the tokens of the frames of this shape that lie end to end from `start` on.
  /// - Returns: where the first other frame starts, or one whose end has not come.
  mutating func take(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, into batch: inout AnswerBatch
  ) -> Int {
    guard !tail.isEmpty, let base = bytes.baseAddress else { return start }
    var place = start
    head.withUnsafeBufferPointer { head in
      middle.withUnsafeBufferPointer { middle in
        tail.withUnsafeBufferPointer { tail in
          while let token = token(base, place, bytes.count, head, middle, tail) {
            batch.append(UnsafeBufferPointer(start: base + token.lowerBound, count: token.count))
            place = token.upperBound + tail.count
            count += 1
          }
        }
      }
    }
    return place
  }

  /// Where the token of the frame at `place` lies; nil for a frame of any other shape.
  @inline(__always)
  private func token(
    _ base: UnsafePointer<UInt8>, _ place: Int, _ end: Int, _ head: UnsafeBufferPointer<UInt8>,
    _ middle: UnsafeBufferPointer<UInt8>, _ tail: UnsafeBufferPointer<UInt8>
  ) -> Range<Int>? {
    var start = place + head.count
    guard start + middle.count + tail.count < end, Self.matches(base + place, head) else { return nil }
    if hasStamp {
      start = Self.plainEnd(base, from: start, to: end)
      guard start + middle.count < end, Self.matches(base + start, middle) else { return nil }
      start += middle.count
    }
    let stop = Self.plainEnd(base, from: start, to: end)
    guard stop > start, stop + tail.count <= end, Self.matches(base + stop, tail) else { return nil }
    return start..<stop
  }

  /// Learns from a frame that was parsed in full.
  /// - Parameters:
  ///   - frame: its bytes up to where the next one starts; nil when they do not lie in one piece.
  ///   - content: the token's bytes in the frame, with its quotes.
  ///   - isPlain: whether the frame said nothing but the token.
  mutating func learn(
    _ frame: UnsafeBufferPointer<UInt8>?, content: UnsafeBufferPointer<UInt8>, isPlain: Bool
  ) {
    guard isPlain, lessonsLeft > 0, let frame, let base = frame.baseAddress, let place = content.baseAddress
    else { return }
    lessonsLeft -= 1
    let open = base.distance(to: place) + 1
    let close = open + content.count - 2
    tail = Array(UnsafeBufferPointer(start: base + close, count: frame.count - close))
    (head, middle, hasStamp) = (Array(UnsafeBufferPointer(start: base, count: open)), [], false)
    // Ollama's lines carry the time of each token before it.
    guard let mark = Self.find("\"created_at\":\"", in: head), let end = head[mark..<open].firstIndex(of: 0x22)
    else { return }
    (head, middle, hasStamp) = (Array(head[0..<mark]), Array(head[end..<open]), true)
  }

  /// Where the bytes after the first `text` start.
  private static func find(_ text: StaticString, in bytes: [UInt8]) -> Int? {
    let count = text.utf8CodeUnitCount
    guard bytes.count > count else { return nil }
    return bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return nil }
      var start = 0
      while start + count < buffer.count {
        if memcmp(base + start, text.utf8Start, count) == 0 { return start + count }
        start += 1
      }
      return nil
    }
  }

  @inline(__always)
  private static func matches(_ base: UnsafePointer<UInt8>, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.isEmpty || memcmp(base, bytes.baseAddress!, bytes.count) == 0
  }

  /// Where the printable ASCII without quote and backslash ends that starts at `start`: such text in a JSON string stands
  /// for itself. Eight bytes at once (graphics.stanford.edu/~seander/bithacks.html, "determine if a word has a byte …").
  @inline(__always)
  private static func plainEnd(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int {
    let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    var place = start
    while place + 8 <= end {
      let word = UInt64(littleEndian: UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self))
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      let low = (word &- ones &* 0x20) & ~word
      let special = (quote &- ones) & ~quote | (backslash &- ones) & ~backslash
      let found = (low | special | word) & highs
      if found != 0 { return place + found.trailingZeroBitCount / 8 }
      place += 8
    }
    while place < end, base[place] >= 0x20, base[place] < 0x80, base[place] != 0x22, base[place] != 0x5C {
      place += 1
    }
    return place
  }
}
