// Where each page stands in the reading order, and how long it is: what the gate and BM25 ask of every page.

/// A column for each fact, indexed by page row. Rows without a page have place 0.
public struct PlaceTable: Sendable {
  /// page_index by row; 0 where there is no page.
  public private(set) var places: [Int] = []
  /// Words in the full-text index, by row; see `isTold`.
  private var words: [UInt32] = []

  /// Whether it stands for every page that there is.
  private var isBoundless = false
  /// Whether `words` has one more for each row that is there, and 0 for others: then there are no places.
  private var isTold = false

  /// A table in which every row is a page, at no place: for whoever has no gate.
  public static func withoutBounds() -> PlaceTable {
    var table = PlaceTable()
    table.isBoundless = true
    return table
  }

  /// - Parameter rows: about how many there will be.
  public init(rows: Int = 0) {
    places.reserveCapacity(rows)
    words.reserveCapacity(rows)
  }

  /// A table of rows at no place.
  /// - Parameter told: from row 0 on, 1 + the words of a row that is there, and 0 for one that is not.
  init(told: [UInt32]) {
    words = told
    isTold = true
  }

  /// Words in the full-text index of a row that is there.
  func wordCount(_ row: Int) -> Int { Int(words[row]) - (isTold ? 1 : 0) }

  /// Appends a block of packed rows; see SearchBlocks.swift. False when the bytes cannot be one.
  public mutating func append(_ bytes: [UInt8], firstRow: Int) -> Bool {
    guard bytes.count % 12 == 0, firstRow >= places.count else { return false }
    places.append(contentsOf: repeatElement(0, count: firstRow - places.count))
    words.append(contentsOf: repeatElement(0, count: firstRow - words.count))
    let count = bytes.count / 12
    bytes.withUnsafeBytes { raw in
      places += Self.numbers(Int64.self, raw, at: 0, count).map { Int($0) }
      words += Self.numbers(UInt32.self, raw, at: count * 8, count)
    }
    return true
  }

  /// `count` numbers from `offset` on, copied at once.
  private static func numbers<Number: FixedWidthInteger>(
    _ type: Number.Type, _ raw: UnsafeRawBufferPointer, at offset: Int, _ count: Int
  ) -> [Number] {
    let size = count * MemoryLayout<Number>.size
    let numbers = [Number](unsafeUninitializedCapacity: count) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: raw[offset..<offset + size]))
      initialized = count
    }
    return 1.littleEndian == 1 ? numbers : numbers.map { Number(littleEndian: $0) }
  }

  /// Takes every other page out: to a search they are not there.
  public mutating func keep(only rows: [Int]) {
    var kept = [Int](repeating: 0, count: places.count)
    for row in rows where places.indices.contains(row) { kept[row] = places[row] }
    places = kept
  }

  /// Whether the row is a page that the reader may see.
  /// - Parameter gate: the last page_index that may be seen; nil for all.
  public func isOpen(_ row: Int, gate: Int?) -> Bool {
    if isBoundless { return gate == nil }
    if isTold { return gate == nil && words.indices.contains(row) && words[row] > 0 }
    guard places.indices.contains(row), places[row] > 0 else { return false }
    guard let gate else { return true }
    return places[row] <= gate
  }
}
