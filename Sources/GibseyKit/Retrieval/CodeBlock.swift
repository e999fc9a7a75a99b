// The signs of a thousand pages' vectors, and a scan over them: a quick guess at which vectors are near.
internal import CKernels

/// One block of codes, as the store keeps it: a look at bytes that somebody else owns, who keeps them as long as it is used.
public struct CodeBlock {
  /// Codes that stand side by side.
  static let abreast = Int(CKERNELS_CODES_ABREAST)

  private let bytes: UnsafeRawBufferPointer
  private let words: Int
  public let count: Int

  /// - Returns: nil when the bytes cannot be a block of vectors of so many dimensions.
  public init?(_ bytes: UnsafeRawBufferPointer, coding: VectorCoding) {
    guard bytes.count >= 4 else { return nil }
    let count = Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
    let groups = (count + Self.abreast - 1) / Self.abreast
    guard bytes.count == 4 + count * 6 + groups * Self.abreast * coding.codeWords * 8 else { return nil }
    self.bytes = bytes
    self.count = count
    words = coding.codeWords
  }

  /// The page of an entry, from the block's first page on.
  public func slot(_ entry: Int) -> Int { number(UInt16.self, at: 4 + entry * 2) }

  /// The row of an entry's vectors. The vectors of one row stand next to each other.
  public func row(_ entry: Int) -> Int { number(UInt32.self, at: 4 + count * 2 + entry * 4) }

  private func number<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Int {
    precondition(offset + MemoryLayout<Number>.size <= bytes.count, "an entry that the block does not have")
    return Int(Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type)))
  }

  /// scores (count,): the larger, the nearer to the query, by signs alone.
  public func scores(_ query: CodedQuery) -> [Int32] {
    let groups = (count + Self.abreast - 1) / Self.abreast
    return [Int32](unsafeUninitializedCapacity: groups * Self.abreast) { scores, initialized in
      query.planes.withUnsafeBufferPointer { planes in
        if let base = bytes.baseAddress, let planes = planes.baseAddress, let scores = scores.baseAddress {
          ckernels_scan_codes(base + 4 + count * 6, groups, words, planes, scores)
        }
      }
      initialized = count
    }
  }
}

/// A query for scans: its components in four bits each, as bit planes.
public struct CodedQuery: Sendable {
  /// planes (4, words)
  let planes: [UInt64]

  public init(_ query: [Float]) {
    let words = (query.count + 63) / 64
    var planes = [UInt64](repeating: 0, count: 4 * words)
    let largest = query.reduce(0) { max($0, abs($1)) }
    let step = largest > 0 ? largest / 7.5 : 1
    for (place, component) in query.enumerated() {
      let level = UInt64(min(15, max(0, (component / step + 8).rounded())))
      for plane in 0..<4 where level >> UInt64(plane) & 1 == 1 {
        planes[plane * words + place / 64] |= 1 << UInt64(place % 64)
      }
    }
    self.planes = planes
  }
}
