// How far signs can be trusted: when no vector that is left can still be among the nearest.

/// Learns from vectors that were compared in full what a score by signs says of a cosine.
///
/// The vectors are chosen by their scores, so a line through (score, cosine) is not bent by the choice. How far the cosines
/// lie from it depends on the model and the book, and is measured, not assumed.
struct SignTrust {
  /// A cosine above the line by so many standard deviations is one in thirty thousand, if they are spread normally.
  private static let deviations = 4.0
  /// A line through fewer is no line.
  private static let least = 100

  private let wanted: Int
  private var count = 0.0
  private var sums = (score: 0.0, cosine: 0.0, scores: 0.0, both: 0.0, cosines: 0.0)
  /// The largest cosines so far, in ascending order: as many as are wanted.
  private var largest: [Double] = []

  /// - Parameter wanted: how many of the nearest are wanted.
  init(wanted: Int) { self.wanted = wanted }

  mutating func add(score: Int32, cosine: Double) {
    let score = Double(score)
    count += 1
    sums.score += score
    sums.cosine += cosine
    sums.scores += score * score
    sums.both += score * cosine
    sums.cosines += cosine * cosine
    if largest.count == wanted {
      guard let smallest = largest.first, cosine > smallest else { return }
      largest.removeFirst()
    }
    largest.insert(cosine, at: largest.firstIndex { $0 > cosine } ?? largest.endIndex)
  }

  /// Whether vectors of this score and below may be left out: that one of them is among the nearest is next to impossible.
  func isBeyond(_ score: Int32) -> Bool {
    guard count >= Double(max(Self.least, 2 * wanted)), largest.count == wanted, let smallest = largest.first else {
      return false
    }
    let mean = (score: sums.score / count, cosine: sums.cosine / count)
    let variance = sums.scores / count - mean.score * mean.score
    let together = sums.both / count - mean.score * mean.cosine
    guard variance > 0, together > 0 else { return false }
    let slope = together / variance
    let rest = max(0, sums.cosines / count - mean.cosine * mean.cosine - slope * together)
    return mean.cosine + slope * (Double(score) - mean.score) + Self.deviations * rest.squareRoot() < smallest
  }
}
