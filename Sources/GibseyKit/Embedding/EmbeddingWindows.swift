// How a text that is longer than a model can read is cut into windows that overlap.

/// A cut in pieces of words: windows of `length` pieces, the marks at both ends included, one every `stride` pieces.
public struct EmbeddingWindows: Hashable, Sendable, CustomStringConvertible {
  /// How many pieces a window has at most, [CLS] and [SEP] included.
  public let length: Int
  /// How far apart two windows begin.
  public let stride: Int
  /// How many windows a text has at most; what comes after is not read, and `TextEmbedding.isTruncated` says so.
  public let limit: Int

  /// `length` is at least 3, `stride` within 1...length - 2, `limit` at least 1: anything else is moved to the nearest.
  public init(length: Int, stride: Int, limit: Int) {
    self.length = max(3, length)
    self.stride = min(max(1, stride), self.length - 2)
    self.limit = max(1, limit)
  }

  /// What the model reads at once, and an overlap of a half. 64 windows are some 6,000 words.
  public static let standard = EmbeddingWindows(length: 256, stride: 128, limit: 64)
  /// The beginning of a text alone: what most programs do with long texts.
  public static let firstOnly = EmbeddingWindows(length: 256, stride: 254, limit: 1)

  /// As in `256/128`, with `/limit` behind when it is not the standard one.
  public var description: String {
    "\(length)/\(stride)" + (limit == Self.standardLimit ? "" : "/\(limit)")
  }
  private static let standardLimit = 64

  /// Where windows begin and end in a text of `count` pieces, without the marks; always at least one, perhaps empty.
  /// The last one ends where the text ends, so every window of a long text is full.
  func ranges(count: Int) -> [Range<Int>] {
    let room = length - 2
    guard count > room else { return [0..<count] }
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
