// How a text that is longer than a model can read is cut into windows that overlap.

/// A cut in pieces of words: windows of `length` pieces, the marks at both ends included, one every `stride` pieces.
public struct EmbeddingWindows: Hashable, Sendable, CustomStringConvertible {
  /// How many pieces a window has at most, [CLS] and [SEP] included.
  public let length: Int
  /// How far apart two windows begin.
  public let stride: Int
  /// A window's vectors are those of its parts of about so many pieces, each read with all of the window around it
  /// ("late chunking", Günther and others, 2024); 0 for one vector of all of it.
  public let span: Int
  /// How many windows a text has at most; what comes after is not read, and `TextEmbedding.isTruncated` says so.
  public let limit: Int

  /// `length` is at least 3, `stride` within 1...length - 2, `limit` at least 1: anything else is moved to the nearest.
  public init(length: Int, stride: Int, limit: Int, span: Int = 0) {
    self.length = max(3, length)
    self.stride = min(max(1, stride), self.length - 2)
    self.limit = max(1, limit)
    self.span = max(0, span)
  }

  /// Short windows without an overlap, some five sentences each, their marks left out of the mean: of what was tried what
  /// found the most of the right pages for its size (docs/design/0011-search.md). 128 windows are some 12,000 words.
  public static let standard = EmbeddingWindows(length: 128, stride: 126, limit: 128, span: 126)
  /// The beginning of a text alone: what most programs do with long texts.
  public static let firstOnly = EmbeddingWindows(length: 256, stride: 254, limit: 1)

  /// As in `256/254/64/96`: length, stride, limit and, where there is one, span.
  public var description: String { "\(length)/\(stride)/\(limit)" + (span > 0 ? "/\(span)" : "") }

  /// Where the parts of a window of `count` pieces begin and end, the mark before the first piece counted: as equal as they
  /// can be, as many as come nearest to `span` each. Without a span all of the window, its marks included, is one part.
  func bounds(count: Int) -> [UInt32] {
    guard span > 0, count > 0 else { return [0, UInt32(count + 2)] }
    let parts = max(1, (count + span / 2) / span)
    return (0...parts).map { UInt32(1 + count * $0 / parts) }
  }

  /// Where windows begin and end in a text of `count` pieces, without the marks; always at least one, perhaps empty.
  /// The last one ends where the text ends, so every window of a long text is full; those without an overlap are as equal
  /// as they can be instead, so that none is a scrap.
  func ranges(count: Int) -> [Range<Int>] {
    let room = length - 2
    guard count > room else { return [0..<count] }
    if stride == room {
      let windows = (count + room - 1) / room
      guard windows <= limit else { return (0..<limit).map { $0 * room..<($0 + 1) * room } }
      return (0..<windows).map { count * $0 / windows..<count * ($0 + 1) / windows }
    }
    var ranges: [Range<Int>] = []
    var start = 0
    while ranges.count < limit {
      if start + room >= count {
        ranges.append(count - room..<count)
        break
      }
      ranges.append(start..<start + room)
      start += stride
    }
    return ranges
  }
}
