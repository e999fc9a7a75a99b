// How vectors are kept: small integers with a scale, so that a page's vector takes a third of what floats would.

/// Vectors of some number of dimensions as bytes: one after the other, each a 4-byte little-endian float, the scale, and its
/// components as integers that the scale multiplies.
public struct VectorCoding: Sendable, Equatable {
  /// How finely a component is kept.
  public enum Precision: String, Sendable {
    /// Four bits each, sixteen levels without a zero: a dot product of unit vectors errs by some 6e-3. Where a page has
    /// several vectors that moved the mean reciprocal rank by a hundredth or so, up on one set of cases and down on another;
    /// it takes an eighth of what floats do.
    case int4
    /// Twelve bits each, from -2047 to 2047: it errs by some 2e-5, and the order of 100,000 neighbours stays what it was.
    case int12
  }

  public let dimensions: Int
  public let precision: Precision

  public init(dimensions: Int, precision: Precision) {
    self.dimensions = dimensions
    self.precision = precision
  }

  /// Bytes of one vector.
  public var stride: Int {
    switch precision {
    case .int4: 4 + (dimensions + 1) / 2
    case .int12: 4 + dimensions + (dimensions + 1) / 2
    }
  }

  /// How many vectors the bytes hold.
  public func count(of bytes: [UInt8]) -> Int { bytes.count / stride }

  /// Sixteen levels reach this many standard deviations from 0; what is beyond is cut off. Components are spread much as a
  /// normal distribution, for which this loses least.
  private static let spread: Float = 2.7

  /// Appends a vector of `dimensions` finite components.
  public func append(_ vector: [Float], to bytes: inout [UInt8]) {
    switch precision {
    case .int4:
      let square = vector.reduce(0) { $0 + $1 * $1 } / Float(dimensions)
      let scale = square > 0 ? Self.spread * square.squareRoot() / 7.5 : 1
      bytes.append(littleEndian: scale.bitPattern)
      let levels = vector.map { UInt8(min(15, max(0, ($0 / scale + 8).rounded(.down)))) }
      Self.append(nibbles: levels, to: &bytes)
    case .int12:
      let largest = vector.reduce(0) { max($0, abs($1)) }
      let scale = largest > 0 ? largest / 2047 : 1
      bytes.append(littleEndian: scale.bitPattern)
      let numbers = vector.map { Int32(($0 / scale).rounded()) }
      for number in numbers { bytes.append(UInt8(bitPattern: Int8(clamping: number >> 4))) }
      Self.append(nibbles: numbers.map { UInt8($0 & 15) }, to: &bytes)
    }
  }

  private static func append(nibbles: [UInt8], to bytes: inout [UInt8]) {
    for place in Swift.stride(from: 0, to: nibbles.count, by: 2) {
      bytes.append(nibbles[place] | (place + 1 < nibbles.count ? nibbles[place + 1] << 4 : 0))
    }
  }

  /// 64-bit words of a code.
  public var codeWords: Int { (dimensions + 63) / 64 }

  /// The code of the vector at `index`: a bit for each component, set where it is above 0.
  public func signs(of bytes: [UInt8], at index: Int) -> [UInt64] {
    let start = index * stride + 4
    precondition(start + stride - 4 <= bytes.count, "a vector that the bytes do not have")
    let low = precision == .int4 ? start : start + dimensions
    return bytes.withUnsafeBufferPointer { bytes in
      (0..<codeWords).map { word in
        var bits: UInt64 = 0
        for place in word * 64..<min(dimensions, word * 64 + 64) {
          let nibble = bytes[low + place / 2] >> UInt8(truncatingIfNeeded: place % 2 * 4) & 15
          let isPositive: Bool
          switch precision {
          case .int4: isPositive = nibble >= 8
          case .int12:
            let high = Int8(bitPattern: bytes[start + place])
            isPositive = high > 0 || high == 0 && nibble > 0
          }
          bits |= (isPositive ? 1 : 0) << UInt64(place % 64)
        }
        return bits
      }
    }
  }
}
