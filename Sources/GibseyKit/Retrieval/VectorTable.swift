// The vectors of all pages, side by side in memory.

/// The vectors of one embedder, by page. A value.
struct VectorTable: Sendable {
  /// The rows of the pages, ascending.
  private let rows: [Int]
  /// (pages,), where each one's vectors are; nowhere for one that has none.
  private var ranges: [Range<Int>]
  private var numbers: [UInt8] = []

  /// - Parameters:
  ///   - rows: of the pages, ascending; their vectors are put in later.
  ///   - bytes: how many of these there will be.
  init(rows: [Int], bytes: Int) {
    self.rows = rows
    numbers.reserveCapacity(bytes)
    ranges = [Range<Int>](repeating: 0..<0, count: rows.count)
  }

  /// About what it takes.
  var bytes: Int { numbers.count + rows.count * (MemoryLayout<Int>.stride + MemoryLayout<Range<Int>>.stride) }

  /// Puts in the vectors of the page that is `place`th among the rows.
  mutating func put(_ vectors: UnsafeRawBufferPointer, at place: Int) {
    let start = numbers.count
    numbers.append(contentsOf: vectors)
    ranges[place] = start..<numbers.count
  }

  /// The cosine of each page that is open with the nearest of its vectors; not those of pages that have none.
  func meanings(_ query: VectorQuery, isOpen: (Int) -> Bool) -> PageMeanings {
    var pages: [(row: Int, meaning: Double)] = []
    pages.reserveCapacity(rows.count)
    numbers.withUnsafeBytes { numbers in
      for (row, range) in zip(rows, ranges) where isOpen(row) {
        guard let meaning = query.nearest(UnsafeRawBufferPointer(rebasing: numbers[range])) else { continue }
        pages.append((row, meaning))
      }
    }
    return PageMeanings(pages)
  }
}

/// What tells one state of an embedder's vectors from every other, in any file. A value.
struct VectorState: Sendable, Equatable {
  let state: [UInt8]
  let embedder: Int
}
