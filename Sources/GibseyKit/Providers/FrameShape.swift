// The quick way through a stream whose frames differ only in a token: compare the rest with a frame already understood.
internal import Glibc

/// What surrounded the token in a frame that was parsed in full: a line of NDJSON with its line feed, an event with its name
/// and its empty line. Frames of a stream are alike but for the token and a time stamp; one that has the same bytes around
/// both needs no parsing. A value that learns.
struct FrameShape: Sendable {
  /// Text without these, and without control characters, stands for itself in a JSON string.
  private static let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))

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
      start = PlainRun.end(in: base, from: start, to: end, or: Self.quote, Self.backslash)
      guard start + middle.count < end, Self.matches(base + start, middle) else { return nil }
      start += middle.count
    }
    let stop = PlainRun.end(in: base, from: start, to: end, or: Self.quote, Self.backslash)
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
}
