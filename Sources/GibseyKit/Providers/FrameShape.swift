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

  /// The start of a frame of this shape whose end has not come.
  private var begun: [UInt8] = []
  /// Longer ones are not held.
  private static let begunLimitBytes = 1024

  /// Appends the tokens of the frames of this shape that lie end to end from `start` on. One whose end has not come is held,
  /// for `goOn`.
  /// - Returns: where the first other frame starts.
  mutating func take(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, into batch: inout AnswerBatch) -> Int {
    guard !tail.isEmpty, !bytes.isEmpty else { return start }
    let place = takeWhole(bytes, from: start, into: &batch)
    guard isBegun(bytes, from: place) else { return place }
    begun = Array(bytes[place...])
    return bytes.count
  }

  /// Reads the rest of the frame that is held, and maybe some after it: a frame cut by the network needs no parsing either.
  /// - Returns: up to where the block was read; and what was held, when it is not of this shape and to be read first.
  mutating func goOn(
    with block: UnsafeBufferPointer<UInt8>, into batch: inout AnswerBatch
  ) -> (start: Int, other: [UInt8]) {
    guard !begun.isEmpty else { return (0, []) }
    var joined = release()
    let count = joined.count
    joined.append(contentsOf: block.prefix(Self.begunLimitBytes))
    let (place, isBegun) = joined.withUnsafeBufferPointer { bytes in
      let place = takeWhole(bytes, from: 0, into: &batch)
      return (place, place == 0 && self.isBegun(bytes, from: 0))
    }
    if place >= count { return (place - count, []) }
    guard isBegun, joined.count == count + block.count else { return (0, Array(joined[..<count])) }
    begun = joined
    return (block.count, [])
  }

  /// What is held, to be read otherwise.
  mutating func release() -> [UInt8] {
    defer { begun = [] }
    return begun
  }

  /// Whether what there is from `start` on is the start of a frame of this shape, and no more than that.
  private func isBegun(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
    guard let base = bytes.baseAddress, start < bytes.count, bytes.count - start <= Self.begunLimitBytes else {
      return false
    }
    let end = bytes.count
    var place = start
    for part in hasStamp ? [head, middle] : [head] {
      let count = min(part.count, end - place)
      guard memcmp(base + place, part, count) == 0 else { return false }
      // A stamp follows the head, the token what is before it.
      place = PlainRun.end(in: base, from: place + count, to: end, or: UInt8(ascii: "\""), UInt8(ascii: "\\"))
      if place == end { return true }
    }
    return end - place < tail.count && memcmp(base + place, tail, end - place) == 0
  }

  private mutating func takeWhole(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, into batch: inout AnswerBatch
  ) -> Int {
    var place = start
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.roomBytes) { text in
      withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.roomTokens) { ends in
        while true {
          let gathered = gather(bytes, from: place, text, ends, offset: batch.text.count)
          guard gathered.tokens > 0 else { return }
          batch.add(UnsafeBufferPointer(rebasing: text[..<gathered.bytes]), ends: ends[..<gathered.tokens])
          count += gathered.tokens
          place = gathered.place
          if place == bytes.count { return }
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

/// Reads an answer whose frames are mostly of one shape, which need no parsing.
protocol FramedParser: AnswerParser {
  var shape: FrameShape { get set }
  /// - Parameter isStrange: whether the block is not of the shape, for sure.
  mutating func read(_ block: UnsafeBufferPointer<UInt8>, isStrange: Bool, into batch: inout AnswerBatch) throws
}

extension FramedParser {
  mutating func consume(_ block: UnsafeBufferPointer<UInt8>, into batch: inout AnswerBatch) throws {
    let (start, other) = shape.goOn(with: block, into: &batch)
    try readStrange(other, into: &batch)
    try read(UnsafeBufferPointer(rebasing: block[start...]), isStrange: false, into: &batch)
  }

  /// Reads what was held of a frame that is not of the shape.
  mutating func readStrange(_ bytes: [UInt8], into batch: inout AnswerBatch) throws {
    try bytes.withUnsafeBufferPointer { try read($0, isStrange: true, into: &batch) }
  }
}
