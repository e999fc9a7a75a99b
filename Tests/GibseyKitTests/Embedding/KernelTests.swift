// The kernels against plain loops: every kind that this processor runs, every length around the widths of vectors.
import CKernels
import Testing

@testable import GibseyKit

@Suite struct KernelTests {
  private static let kinds = [ckernels_plain, ckernels_avx2, ckernels_avx512].filter {
    $0.rawValue <= ckernels_best().rawValue
  }.map { ckernels_of($0).pointee }

  @Test func productsOfBytesAreExactAtEveryLength() {
    var generator = SeededGenerator(seed: 1)
    for count in Array(0...130) + [384, 1000, 2048] {
      let a = (0..<count).map { _ in Int8.random(in: -128...127, using: &generator) }
      let b = (0..<count).map { _ in Int8.random(in: -128...127, using: &generator) }
      let expected = zip(a, b).reduce(Int32(0)) { $0 + Int32($1.0) * Int32($1.1) }
      #expect(ckernels_dot_i8(a, b, count) == expected)
      for kind in Self.kinds { #expect(kind.dot_i8(a, b, count) == expected) }
    }
    let lowest = [Int8](repeating: -128, count: 384)
    for kind in Self.kinds { #expect(kind.dot_i8(lowest, lowest, 384) == 384 * 128 * 128) }
  }

  @Test func productsOfFloatsAreTheSameBitsOnEveryKindAndNearlyExact() {
    var generator = SeededGenerator(seed: 2)
    for count in Array(0...70) + [384, 1001] {
      let a = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
      let b = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
      let exact = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      var results: Set = [ckernels_dot_f32(a, b, count).bitPattern]
      for kind in Self.kinds {
        let product = kind.dot_f32(a, b, count)
        results.insert(product.bitPattern)
        #expect(abs(Double(product) - exact) < 1e-5)
      }
      #expect(results.count == 1)
    }
  }

  @Test func bitsThatDifferAreCountedAtEveryLength() {
    var generator = SeededGenerator(seed: 3)
    for words in Array(0...20) + [1023] {
      let a = (0..<words).map { _ in generator.next() }
      let b = (0..<words).map { _ in generator.next() }
      let expected = zip(a, b).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
      #expect(ckernels_hamming(a, b, words) == UInt32(expected))
      for kind in Self.kinds { #expect(kind.hamming(a, b, words) == UInt32(expected)) }
    }
  }

  @Test func aScanIsTheProductOfEveryRow() {
    var generator = SeededGenerator(seed: 4)
    let (rows, count, words) = (37, 100, 6)
    let matrix = (0..<rows * count).map { _ in Float.random(in: -1...1, using: &generator) }
    let wholes = (0..<rows * count).map { _ in Int8.random(in: -127...127, using: &generator) }
    let codes = (0..<rows * words).map { _ in generator.next() }
    for kind in Self.kinds {
      var scores = [Float](repeating: 0, count: rows)
      var products = [Int32](repeating: 0, count: rows)
      var distances = [UInt16](repeating: 0, count: rows)
      kind.scan_f32(matrix, rows, count, matrix, &scores)
      kind.scan_i8(wholes, rows, count, wholes, &products)
      kind.scan_hamming(codes, rows, words, codes, &distances)
      for row in 0..<rows {
        let start = row * count
        #expect(scores[row] == ckernels_dot_f32(Array(matrix[start..<start + count]), matrix, count))
        #expect(products[row] == ckernels_dot_i8(Array(wholes[start..<start + count]), wholes, count))
        #expect(
          distances[row] == UInt16(ckernels_hamming(Array(codes[row * words..<row * words + words]), codes, words)))
      }
    }
  }

  @Test func theBestAreSortedAndAmongEqualsTheFirstRowsWin() {
    var generator = SeededGenerator(seed: 5)
    for rows in [0, 1, 2, 3, 10, 100, 1000] {
      for k in [0, 1, 2, 7, 100, 2000] {
        // Few different values: many are equal.
        let distances = (0..<rows).map { _ in UInt16.random(in: 0...20, using: &generator) }
        let scores = distances.map { Float($0) / 4 - 2 }
        let wholes = distances.map { Int32($0) - 10 }
        let best = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }.prefix(k).map { UInt32($0) }
        let nearest = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(k).map {
          UInt32($0)
        }
        func taken(_ body: (UnsafeMutablePointer<UInt32>) -> Int) -> [UInt32] {
          var room = [UInt32](repeating: 0, count: max(1, k))
          let count = body(&room)
          return Array(room.prefix(count))
        }
        #expect(taken { ckernels_top_f32(scores, rows, k, $0) } == best)
        #expect(taken { ckernels_top_i32(wholes, rows, k, $0) } == best)
        #expect(taken { ckernels_nearest_u16(distances, rows, k, $0) } == nearest)
      }
    }
    var room = [UInt32](repeating: 0, count: 3)
    #expect(ckernels_top_f32([.nan, 1, .nan, 3], 4, 3, &room) == 2)
    #expect(room.prefix(2) == [3, 1])
  }
}
