// A vector of length one: what embedders make, the store keeps and the search compares.

/// Finite numbers of length one. The cosine of two of them is their dot product.
public struct UnitVector: Hashable, Sendable {
  /// components (dimensions,)
  public let components: [Float]

  /// The vector in the direction of `numbers`; nil when they have none: empty, all zero, NaN or infinite among them.
  public init?(normalizing numbers: [Float]) {
    // In double precision, in order: the same numbers give the same bytes on every machine.
    var square = 0.0
    for number in numbers { square += Double(number) * Double(number) }
    guard square > 0, square.isFinite else { return nil }
    let scale = 1 / square.squareRoot()
    components = numbers.map { Float(Double($0) * scale) }
  }

  /// How many numbers it has.
  public var dimensions: Int { components.count }

  /// The cosine of the angle between the two, in -1...1 but for rounding. Both have the same dimensions.
  public func cosine(_ other: UnitVector) -> Float {
    precondition(dimensions == other.dimensions, "vectors of two spaces")
    var sum: Float = 0
    for (mine, theirs) in zip(components, other.components) { sum += mine * theirs }
    return sum
  }
}
