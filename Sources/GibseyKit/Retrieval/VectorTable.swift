// The vectors of all pages, side by side in memory.

/// The vectors of one embedder, by their rows in the file. A value.
struct VectorTable: Sendable {
  private let firstRow: Int
  /// By row from the first on, where its bytes begin; one more behind the last.
  private var starts: [Int] = [0]
  private var numbers: [UInt8] = []

  /// - Parameter firstRow: of the rows that are appended.
  init(firstRow: Int) { self.firstRow = firstRow }

  /// About what it takes.
  var bytes: Int { numbers.count + starts.count * MemoryLayout<Int>.stride }

  /// Appends the vectors of a row behind those that are there.
  mutating func append(_ vectors: UnsafeRawBufferPointer, row: Int) {
    let place = row - firstRow
    starts.append(contentsOf: repeatElement(numbers.count, count: place + 1 - starts.count))
    numbers.append(contentsOf: vectors)
    starts.append(numbers.count)
  }

  /// The vectors of one text; empty when the row is not there.
  func withVectors<Result>(_ row: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let place = row - firstRow
    return numbers.withUnsafeBytes { bytes in
      let isThere = place >= 0 && place + 1 < starts.count
      return body(UnsafeRawBufferPointer(rebasing: bytes[isThere ? starts[place]..<starts[place + 1] : 0..<0]))
    }
  }
}

/// What tells one state of an embedder's vectors from every other, in any file. A value.
struct VectorState: Sendable, Equatable {
  let state: [UInt8]
  let embedder: Int
}
