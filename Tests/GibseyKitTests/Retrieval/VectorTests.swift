// Vectors as small integers, their signs, and the scan over these.
import CKernels
import Testing

@testable import GibseyKit

@Suite struct VectorTests {
  private func unit(_ dimensions: Int, _ generator: inout SeededGenerator) throws -> [Float] {
    let numbers = (0..<dimensions).map { _ in Float.random(in: -1...1, using: &generator) }
    return try #require(UnitVector(normalizing: numbers)).components
  }

  private func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }

  @Test(arguments: [VectorCoding.Precision.int4, .int12], [1, 2, 3, 63, 64, 65, 384, 1000])
  func aCodedVectorIsNearWhatItWas(_ precision: VectorCoding.Precision, _ dimensions: Int) throws {
    var generator = SeededGenerator(seed: 3)
    let how = VectorCoding(dimensions: dimensions, precision: precision)
    for _ in 0..<20 {
      let (query, first, second) = (
        try unit(dimensions, &generator), try unit(dimensions, &generator), try unit(dimensions, &generator)
      )
      var bytes: [UInt8] = []
      how.append(first, to: &bytes)
      how.append(second, to: &bytes)
      #expect(bytes.count == 2 * how.stride && how.count(of: bytes) == 2)
      let whole = VectorQuery(query, coding: how)
      for (index, vector) in [first, second].enumerated() {
        let cosine = bytes.withUnsafeBytes { Double(whole.dot($0, at: index)) }
        // Few components do not make up for each other's errors.
        let bound = precision == .int12 ? 0.001 : dimensions < 60 ? 0.4 : 0.04
        #expect(abs(cosine - dot(query, vector)) <= bound)
      }
      let nearest = bytes.withUnsafeBytes { whole.nearest($0) }
      let each = (0..<2).map { index in bytes.withUnsafeBytes { Double(whole.dot($0, at: index)) } }
      #expect(nearest == each.max())
      #expect([UInt8]().withUnsafeBytes { whole.nearest($0) } == nil)
    }
  }

  @Test func theSignsAreThoseOfTheComponents() throws {
    var generator = SeededGenerator(seed: 4)
    for precision in [VectorCoding.Precision.int4, .int12] {
      let coding = VectorCoding(dimensions: 100, precision: precision)
      let vector = try unit(100, &generator)
      var bytes: [UInt8] = []
      coding.append(vector, to: &bytes)
      let signs = coding.signs(of: bytes, at: 0)
      // What is smaller than a step may fall on either side.
      for place in 0..<100 where abs(vector[place]) > 0.01 {
        #expect(signs[place / 64] >> UInt64(place % 64) & 1 == (vector[place] > 0 ? 1 : 0))
      }
    }
  }

  @Test(arguments: [VectorCoding.Precision.int4, .int12])
  func aCutVectorCountsNothing(_ precision: VectorCoding.Precision) {
    let coding = VectorCoding(dimensions: 8, precision: precision)
    let query = VectorQuery([Float](repeating: 1, count: 8), coding: coding)
    let cut = [UInt8](repeating: 0xFF, count: coding.stride - 1)
    #expect(cut.withUnsafeBytes { query.dot($0, at: 0) } == 0)
    // A scale that is no number.
    let broken = [UInt8](repeating: 0xFF, count: coding.stride)
    #expect(broken.withUnsafeBytes { query.dot($0, at: 0) } == 0)
  }

  /// What four bits are compared with is a question in whole numbers: as near to its own as they are written, on all processors alike.
  @Test(arguments: [1, 2, 127, 128, 129, 384, 1000, 4386, 4387, 8192])
  func aQuestionInWholeNumbersIsNearItself(dimensions: Int) throws {
    var generator = SeededGenerator(seed: 6)
    let kinds = [ckernels_plain, ckernels_avx2, ckernels_avx512].filter { $0.rawValue <= ckernels_best().rawValue }
    for shape in 0..<4 {
      // The last ones are the largest that there are, all of one sign.
      var numbers = try unit(dimensions, &generator)
      if shape > 1 { numbers = [Float](repeating: shape == 2 ? 1 : -1, count: dimensions) }
      let levels = (0..<dimensions).map { _ in shape > 1 ? 15 : UInt8.random(in: 0...15, using: &generator) }
      var entry = [UInt8](repeating: 0, count: (dimensions + 1) / 2)
      for place in levels.indices { entry[place / 2] |= levels[place] << UInt8(place % 2 * 4) }
      var parts = [Int8](repeating: 1, count: ckernels_query_bytes(dimensions))
      let products = parts.withUnsafeMutableBufferPointer { parts in
        kinds.map { kind in
          guard let start = parts.baseAddress else { return Float.nan }
          var query = ckernels_query(dims: 0, parts: UnsafePointer(start), factor: 0, total: 0)
          ckernels_make_query(numbers, dimensions, start, &query)
          return ckernels_of(kind).pointee.dot_int4(&query, entry)
        }
      }
      #expect(Set(products).count == 1)
      let wanted = zip(numbers, levels).reduce(0) { $0 + Double($1.0) * (Double($1.1) - 7.5) }
      let top = Double(numbers.reduce(0) { max($0, abs($1)) })
      // Each is half a step off at most, times what it meets; more coarsely where there are many.
      let step = top / min(32_512, Double(Int32.max) / 15 / Double(dimensions) - 129)
      let bound = 0.5 * step * levels.reduce(0) { $0 + abs(Double($1) - 7.5) } + 1e-6 * abs(wanted)
      #expect(abs(Double(products[0]) - wanted) <= bound, "shape \(shape): \(products[0]), wanted \(wanted)")
    }
  }

  @Test func aQuestionThatIsNoVectorIsNearNothing() {
    let coding = VectorCoding(dimensions: 3, precision: .int4)
    var bytes: [UInt8] = []
    coding.append([1, 2, 3], to: &bytes)
    let questions: [[Float]] = [
      [1, .nan, 1], [1, .infinity, 1], [0, 0, 0], [1e-31, 0, 0], [1e-38, 0, 0], [1, 1], [],
    ]
    for numbers in questions {
      let query = VectorQuery(numbers, coding: coding)
      #expect(bytes.withUnsafeBytes { query.nearest($0) } == 0, "\(numbers)")
      guard !numbers.isEmpty, numbers != [1, 1] else { continue }
      var parts = [Int8](repeating: 1, count: ckernels_query_bytes(numbers.count))
      parts.withUnsafeMutableBufferPointer { parts in
        guard let start = parts.baseAddress else { return }
        var whole = ckernels_query(dims: 0, parts: UnsafePointer(start), factor: 1, total: 1)
        ckernels_make_query(numbers, numbers.count, start, &whole)
        #expect(whole.factor == 0 && whole.total == 0 && parts.allSatisfy { $0 == 0 }, "\(numbers)")
      }
    }
  }

  /// A block as the store packs it, of codes of one word each.
  private func block(_ codes: [UInt64], words: Int) -> [UInt8] {
    let count = codes.count / words
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt32(count))
    for slot in 0..<count { bytes.append(littleEndian: UInt16(slot)) }
    for row in 0..<count { bytes.append(littleEndian: UInt32(row + 100)) }
    for group in stride(from: 0, to: count, by: 8) {
      for word in 0..<words {
        for entry in group..<group + 8 { bytes.append(littleEndian: entry < count ? codes[entry * words + word] : 0) }
      }
    }
    return bytes
  }

  @Test(arguments: [1, 2, 6, 12]) func aScanCountsWhatABitByBitSumCounts(words: Int) throws {
    var generator = SeededGenerator(seed: 5)
    let dimensions = words * 64
    for count in [1, 7, 8, 9, 30] {
      let codes = (0..<count * words).map { _ in UInt64.random(in: 0 ... .max, using: &generator) }
      let query = try unit(dimensions, &generator)
      let coded = CodedQuery(query)
      let coding = VectorCoding(dimensions: dimensions, precision: .int4)
      let scores = block(codes, words: words).withUnsafeBytes { CodeBlock($0, coding: coding)?.scores(coded) }
      let slow = (0..<count).map { entry in
        (0..<dimensions).reduce(into: Int32(0)) { sum, place in
          guard codes[entry * words + place / 64] >> UInt64(place % 64) & 1 == 1 else { return }
          let level = (0..<4).reduce(0) { level, plane in
            level | Int32(coded.planes[plane * words + place / 64] >> UInt64(place % 64) & 1) << Int32(plane)
          }
          sum += level - 8
        }
      }
      #expect(scores == slow)
    }
  }

  @Test func aBlockOfTheWrongLengthIsNone() {
    let coding = VectorCoding(dimensions: 64, precision: .int4)
    let sound = block([1, 2, 3], words: 1)
    func count(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { CodeBlock($0, coding: coding)?.count } }
    #expect(count(sound) == 3)
    for cut in [0, 3, 4, 10, sound.count - 1] { #expect(count(Array(sound.prefix(cut))) == nil) }
    #expect(count(sound + [0]) == nil)
    var huge = sound
    for index in 0..<4 { huge[index] = 0xFF }
    #expect(count(huge) == nil)
  }

  @Test func theNearestAreKeptWithAllThatTie() throws {
    let coding = VectorCoding(dimensions: 64, precision: .int4)
    let query = [Float](repeating: 1, count: 64)
    // The more bits, the nearer; three have eight of them.
    let codes: [UInt64] = [0xF, 0xFF, 0x1, 0xFF00, 0xFFFF, 0xFF0000]
    let bytes = block(codes, words: 1)
    var places = PlaceTable()
    var packed: [UInt8] = []
    for place in 1...6 { packed.append(littleEndian: Int64(place)) }
    for _ in 1...6 { packed.append(littleEndian: UInt32(10)) }
    let isTaken = places.append(packed, firstRow: 0)
    #expect(isTaken)
    func nearest(gate: Int?) throws -> [NearestCodes.Entry] {
      var nearest = NearestCodes(query: query, limit: 2, gate: gate)
      try bytes.withUnsafeBytes { bytes in
        nearest.add(try #require(CodeBlock(bytes, coding: coding)), firstRow: 0, places: places)
      }
      return nearest.finish()
    }
    #expect(try nearest(gate: nil).map(\.pageRow) == [1, 3, 4, 5])
    #expect(try nearest(gate: 4).map(\.vectorRow) == [101, 103])
  }

  @Test func theLargestAreFoundInAnyOrderWithTies() {
    var generator = SeededGenerator(seed: 6)
    for _ in 0..<300 {
      let keys = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
        Double(Int.random(in: 0...12, using: &generator))
      }
      let count = Int.random(in: 1...20, using: &generator)
      let sorted = keys.sorted(by: >)
      let bar = sorted.count > count ? sorted[count - 1] : -1
      #expect(keys.largest(count, by: { $0 }).sorted(by: >) == sorted.filter { $0 >= bar })
    }
  }

  @Test func base64IsWrittenAsItIsRead() {
    for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
      #expect(Base64.encoded(Array(bytes.utf8)) == text)
    }
  }

  @Test func base64IsReadWhereverWhiteSpaceStandsAndWithoutItsPadding() {
    var generator = SeededGenerator(seed: 7)
    for length in 0..<60 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      var text = Array(Base64.encoded(bytes).utf8)
      if length.isMultiple(of: 2) { text.removeAll { $0 == UInt8(ascii: "=") } }
      #expect(Base64.decoded(text) == bytes)
      for _ in 0..<Int.random(in: 1...5, using: &generator) {
        text.insert(
          [0x20, 0x0A, 0x0D, 0x09][Int.random(in: 0..<4, using: &generator)],
          at: Int.random(in: 0...text.count, using: &generator))
      }
      #expect(Base64.decoded(text) == bytes)
      text.insert(UInt8(ascii: "-"), at: Int.random(in: 0...text.count, using: &generator))
      #expect(Base64.decoded(text) == nil)
    }
    for text in ["Z", "Zm9vY", "Zg=", "Zg===", "Z===", "Zg==Zg==", "=", "Zm9v=", "Zm9é"] {
      #expect(Base64.decoded(text.utf8) == nil, "\(text)")
    }
  }
}
