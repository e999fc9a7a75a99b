// Where each page stands in the reading order, and how long it is: what the gate and BM25 ask of every page.

/// A column for each fact, indexed by page row. Rows without a page have place 0.
public struct PlaceTable: Sendable {
  /// page_index by row; 0 where there is no page.
  public private(set) var places: [Int] = []
  /// Words in the full-text index, by row.
  public private(set) var words: [UInt32] = []

  public init() {}

  /// Appends a block of packed rows; see SearchBlocks.swift. False when the bytes cannot be one.
  public mutating func append(_ bytes: [UInt8], firstRow: Int) -> Bool {
    guard bytes.count % 12 == 0, firstRow >= places.count else { return false }
    places.append(contentsOf: repeatElement(0, count: firstRow - places.count))
    words.append(contentsOf: repeatElement(0, count: firstRow - words.count))
    let count = bytes.count / 12
    bytes.withUnsafeBytes { raw in
      for index in 0..<count {
        let place = raw.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)
        places.append(Int(Int64(littleEndian: place)))
      }
      for index in 0..<count {
        let length = raw.loadUnaligned(fromByteOffset: count * 8 + index * 4, as: UInt32.self)
        words.append(UInt32(littleEndian: length))
      }
    }
    return true
  }

  /// Whether the row is a page that the reader may see.
  /// - Parameter gate: the last page_index that may be seen; nil for all.
  public func isOpen(_ row: Int, gate: Int?) -> Bool {
    guard places.indices.contains(row), places[row] > 0 else { return false }
    guard let gate else { return true }
    return places[row] <= gate
  }
}
