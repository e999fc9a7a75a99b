// The quick way through a stream whose frames differ only in a token: compare the rest with a frame already understood.
internal import CKernels
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
  private var lessonsLeft = FrameShape.lessonLimit
  /// Lessons in a row that helped with no frame.
  private static let lessonLimit = 8
  /// Frames that were taken so far.
  private(set) var count = 0

  /// Bytes of text, and tokens, that are gathered on the stack before a batch grows by them. Beyond 1,024 bytes each Swift
  /// would take them from the heap.
  private static let (roomBytes, roomTokens) = (1024, 128)

  /// Appends the tokens of the frames of this shape that lie end to end from `start` on.
  /// - Returns: where the first other frame starts, or one whose end has not come.
  mutating func take(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, into batch: inout AnswerBatch
  ) -> Int {
    guard !tail.isEmpty, !bytes.isEmpty else { return start }
    var place = start
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.roomBytes) { text in
      withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.roomTokens) { ends in
        while true {
          let gathered = gather(bytes, from: place, text, ends, offset: batch.text.count)
          guard gathered.tokens > 0 else { return }
          batch.add(UnsafeBufferPointer(rebasing: text[..<gathered.bytes]), ends: ends[..<gathered.tokens])
          count += gathered.tokens
          place = gathered.place
        }
      }
    }
    if place > start { lessonsLeft = Self.lessonLimit }
    return place
  }

  /// One round: until a frame has another shape, or there is no room for its token.
  private func gather(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ text: UnsafeMutableBufferPointer<UInt8>,
    _ ends: UnsafeMutableBufferPointer<Int>, offset: Int
  ) -> ckernels_tokens {
    head.withUnsafeBufferPointer { head in
      middle.withUnsafeBufferPointer { middle in
        tail.withUnsafeBufferPointer { tail in
          var frame = ckernels_frame(
            head: head.baseAddress, middle: middle.baseAddress, tail: tail.baseAddress!, head_count: head.count,
            middle_count: middle.count, tail_count: tail.count, has_stamp: hasStamp ? 1 : 0)
          return ckernels_take_tokens(
            &frame, bytes.baseAddress!, bytes.count, start, text.baseAddress!, text.count, ends.baseAddress!,
            ends.count, offset)
        }
      }
    }
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
}
