// What keywords and vectors each say of a page, and the one score that is made of it.

/// What is known of a page that may be among the best.
public struct PageEvidence: Sendable, Equatable {
  public let row: Int
  /// BM25; 0 without a word of the question.
  public var keywords = 0.0
  /// The cosine of the question and the part of the page that is nearest to it; nil without a vector.
  public var meaning: Double?
  /// The share of the question that the page's words cover, from 0 to 1.
  public var coverage = 0.0
  /// The share of the question's pairs of neighbouring words that stand close together in the page, from 0 to 1.
  public var closeness = 0.0

  public init(row: Int) { self.row = row }

  /// What a page that covers the whole question counts beside a cosine of 1.
  static let coverageWeight = 1.25
  /// What a page counts that has all of the question's neighbours close together.
  static let closenessWeight = 0.25

  /// What the page is ranked by. Each part is the page's own: nothing is scaled by what other pages reach, so that no page
  /// behind the gate can be felt. How the weights were found: docs/design/0011-search.md.
  public var score: Double {
    (meaning ?? 0) + Self.coverageWeight * coverage + Self.closenessWeight * closeness
  }
}

extension Array {
  /// The elements with the `count` largest keys, and those that tie with the last of them, in no order.
  func largest(_ count: Int, by key: (Element) -> Double) -> [Element] {
    guard self.count > count, count > 0 else { return self }
    var keys = map(key)
    let bar = keys.select(place: count - 1)
    return filter { key($0) >= bar }
  }
}

extension Array where Element: Comparable {
  /// The element at a place of the descending order (Hoare's selection); the elements are in another order then.
  mutating func select(place: Int) -> Element {
    withUnsafeMutableBufferPointer { keys in
      var low = 0
      var high = keys.count - 1
      while low < high {
        let pivot = keys[(low + high) / 2]
        var left = low
        var right = high
        while left <= right {
          while keys[left] > pivot { left += 1 }
          while keys[right] < pivot { right -= 1 }
          if left <= right {
            keys.swapAt(left, right)
            left += 1
            right -= 1
          }
        }
        if place <= right {
          high = right
        } else if place >= left {
          low = left
        } else {
          return pivot
        }
      }
      return keys[low]
    }
  }
}
