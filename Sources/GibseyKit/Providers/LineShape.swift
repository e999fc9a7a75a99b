// The quick way through a stream whose lines differ only in a token: compare the rest with a line already understood.
internal import Glibc

/// What surrounded the token in a line that was parsed in full. Lines of a stream are alike but for the token and a
/// time stamp; one that has the same bytes around both needs no parsing. A value that learns.
struct LineShape: Sendable {
  /// Up to and with the quote that opens the time stamp.
  private var head: [UInt8] = []
  /// From the quote that closes the time stamp to the one that opens the token.
  private var middle: [UInt8] = []
  /// From the quote that closes the token.
  private var tail: [UInt8] = []
  private var hasStamp = false
  /// A stream whose lines differ elsewhere too (OpenAI's `obfuscation`) is not worth learning from for ever.
  private var lessonsLeft = 8

  /// Appends the token of a line of this shape; false, with nothing done, for every other line.
  func take(_ line: UnsafeBufferPointer<UInt8>, into batch: inout AnswerBatch) -> Bool {
    guard !tail.isEmpty, line.count > head.count + middle.count + tail.count,
      let base = line.baseAddress,
      Self.matches(base, head)
    else { return false }
    var start = head.count
    let stop = line.count - tail.count
    if hasStamp {
      guard let quote = memchr(base + start, 0x22, stop - start) else { return false }
      let end = UnsafeRawPointer(base).distance(to: UnsafeRawPointer(quote))
      guard end + middle.count < stop, Self.isPlain(base + start, end - start),
        Self.matches(base + end, middle)
      else { return false }
      start = end + middle.count
    }
    guard stop > start, Self.matches(base + stop, tail), Self.isPlain(base + start, stop - start)
    else {
      return false
    }
    batch.token {
      $0.append(contentsOf: UnsafeBufferPointer(start: base + start, count: stop - start))
    }
    return true
  }

  /// Learns from a line that was parsed in full.
  /// - Parameters:
  ///   - content: the token's bytes in the line, with its quotes.
  ///   - isPlain: whether the line said nothing but the token.
  mutating func learn(
    _ line: UnsafeBufferPointer<UInt8>, content: UnsafeBufferPointer<UInt8>, isPlain: Bool
  ) {
    guard isPlain, lessonsLeft > 0, let base = line.baseAddress, let place = content.baseAddress
    else { return }
    lessonsLeft -= 1
    let open = base.distance(to: place) + 1
    let close = open + content.count - 2
    tail = Array(UnsafeBufferPointer(start: base + close, count: line.count - close))
    (head, middle, hasStamp) = (Array(UnsafeBufferPointer(start: base, count: open)), [], false)
    // Ollama's lines carry the time of each token before it.
    guard let mark = Self.find("\"created_at\":\"", in: head),
      let end = head[mark..<open].firstIndex(of: 0x22)
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

  private static func matches(_ base: UnsafePointer<UInt8>, _ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBufferPointer { $0.isEmpty || memcmp(base, $0.baseAddress!, $0.count) == 0 }
  }

  /// Whether the bytes are printable ASCII without quote and backslash: a JSON string that stands for itself.
  private static func isPlain(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    for index in 0..<count {
      let byte = base[index]
      if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return false }
    }
    return true
  }
}
