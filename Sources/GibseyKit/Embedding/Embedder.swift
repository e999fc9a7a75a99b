// Who turns texts into vectors: the embedded model, or a server far away.

/// Turns texts into vectors of one space.
public protocol Embedder: Sendable {
  /// What every vector from here is made by.
  var fingerprint: EmbeddingFingerprint { get }
  /// One embedding for each text, in the order of the texts; the same text gives the same vectors in any company.
  /// - Throws: `GibseyError`; `CancellationError` when the task was cancelled.
  func embed(_ texts: [String]) async throws -> [TextEmbedding]
}

/// The vectors of one text: one for each window of it.
public struct TextEmbedding: Hashable, Sendable {
  /// At least one, in reading order, all of the same dimensions.
  public let windows: [UnitVector]
  /// How many pieces of words each window holds, its marks not counted; the weights of the mean.
  public let pieces: [Int]
  /// Whether the end of the text was not read.
  public let isTruncated: Bool

  /// `windows` is not empty, and `pieces` has one count for each.
  public init(windows: [UnitVector], pieces: [Int], isTruncated: Bool) {
    precondition(!windows.isEmpty && windows.count == pieces.count, "a count for each window")
    self.windows = windows
    self.pieces = pieces
    self.isTruncated = isTruncated
  }

  /// The mean of the windows, each weighing as many as its pieces; the first window where the mean has no direction.
  public var whole: UnitVector {
    guard windows.count > 1 else { return windows[0] }
    var sum = [Float](repeating: 0, count: windows[0].dimensions)
    for (window, count) in zip(windows, pieces) {
      for index in sum.indices { sum[index] += window.components[index] * Float(count) }
    }
    return UnitVector(normalizing: sum) ?? windows[0]
  }
}
