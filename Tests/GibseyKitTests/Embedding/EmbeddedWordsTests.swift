// Words by themselves: how near their rows are, in full and in four bits.
import CKernels
import Testing

@testable import GibseyKit

@Suite struct EmbeddedWordsTests {
  @Test func wordsInFourBitsAreAsNearAsInFullOnEveryKindOfKernelsAndAFileWithoutThemWorks() async throws {
    let words = ["a", "b", "ab", "abab", "é"]
    func cosines(_ model: TinyModel) async throws -> [Float] {
      try await TinyModel.with(model) { path in
        let model = try EmbeddedModel(path: path)
        let terms = try words.flatMap { try #require(model.vector(ofWord: $0)) }
        let kinds = [ckernels_plain, ckernels_avx2, ckernels_avx512].filter { $0.rawValue <= ckernels_best().rawValue }
        var spelled = SpelledWords()
        for word in words { spelled.append(model.pieces(of: word), of: model) }
        let all = kinds.map { kind in
          var found = [Float](repeating: 0, count: words.count * words.count)
          withUnsafePointer(to: model.file.encoder) {
            ckernels_of(kind).pointee.compare_words(
              $0, spelled.pieces, spelled.bounds, spelled.lengths, spelled.all, words.count, terms, words.count, &found)
          }
          return found
        }
        #expect(Set(all).count == 1)
        #expect(all[0] == model.cosines(of: spelled.all, in: spelled, with: terms, count: words.count))
        return all[0]
      }
    }
    let (full, near) = (try await cosines(TinyModel()), try await cosines(TinyModel(hasNearWords: true)))
    #expect(full != near)
    #expect(zip(full, near).allSatisfy { abs($0 - $1) < 0.05 })
    #expect(words.indices.allSatisfy { near[$0 * words.count + $0] > 0.97 })
  }

  @Test(arguments: [false, true])
  func aTermIsAsNearAmongOthersAsAlone(hasNearWords: Bool) async throws {
    try await TinyModel.with(TinyModel(hasNearWords: hasNearWords)) { path in
      let model = try EmbeddedModel(path: path)
      let words = (0..<11).map { ["a", "b", "ab", "abab", "é"][$0 % 5] }
      var spelled = SpelledWords()
      for word in words { spelled.append(model.pieces(of: word), of: model) }
      spelled.append([], of: model)
      let vectors = try words.map { try #require(model.vector(ofWord: $0)) }
      let alone = vectors.map { model.cosines(of: spelled.all, in: spelled, with: $0, count: 1) }
      #expect(Set(alone).count > 1)
      for count in 1...words.count {
        let together = model.cosines(
          of: spelled.all, in: spelled, with: vectors.prefix(count).flatMap(\.self), count: count)
        let expected = (0..<spelled.count).flatMap { word in (0..<count).map { alone[$0][word] } }
        #expect(together == expected, "\(count) terms")
      }
    }
  }

  @Test(arguments: [false, true])
  func wordsOfManyPiecesAndTermsWithoutEndAreComparedAsFew(hasNearWords: Bool) async throws {
    try await TinyModel.with(TinyModel(hasNearWords: hasNearWords)) { path in
      let model = try EmbeddedModel(path: path)
      var spelled = SpelledWords()
      // As many pieces as count, and one more; the last word has none.
      for count in [1, 2, 16, 17, 0] { spelled.append((0..<count).map { Int32(4 + $0 % 6) }, of: model) }
      let words = try (0..<40).map { try #require(model.vector(ofWord: ["a", "b", "ab", "abab", "é"][$0 % 5])) }
      let all = model.cosines(of: spelled.all, in: spelled, with: words.flatMap(\.self), count: words.count)
      for (place, vector) in words.enumerated() {
        let alone = model.cosines(of: spelled.all, in: spelled, with: vector, count: 1)
        #expect((0..<spelled.count).map { all[$0 * words.count + place] } == alone)
        #expect(alone[4] == 0)
        #expect(hasNearWords == (alone[2] == alone[3]), "a piece beyond them says nothing where rows are of four bits")
      }
      // Some of the words, in another order, twice.
      let some = model.cosines(of: [3, 0, 3], in: spelled, with: words[1], count: 1)
      let alone = model.cosines(of: spelled.all, in: spelled, with: words[1], count: 1)
      #expect(some == [alone[3], alone[0], alone[3]])
    }
  }

  @Test(arguments: [64, 128, 192, 384])
  func rowsOfFourBitsAreAsNearAsTheirNumbersSayOnEveryKindOfKernels(dims: Int) {
    var generator = SeededGenerator(seed: UInt64(dims))
    let rows = (0..<40).map { _ in (0..<dims).map { _ in Int.random(in: 0...15, using: &generator) } }
    let scales = rows.map { _ in Float.random(in: 0.001...0.02, using: &generator) }
    var bytes: [UInt8] = []
    for (row, scale) in zip(rows, scales) {
      bytes += withUnsafeBytes(of: scale, Array.init)
      for group in stride(from: 0, to: dims, by: 32) {
        bytes += (group..<group + 16).map { UInt8(row[$0] | row[$0 + 16] << 4) }
      }
    }
    let terms = (0..<18).map { term -> [Float] in
      // One that is nearly all in one place, one that is nothing, and others.
      let numbers = (0..<dims).map { place -> Float in
        term == 0 ? (place == dims - 1 ? 1 : 0.001) : term == 1 ? 0 : .random(in: -1...1, using: &generator)
      }
      let length = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return numbers.map { length > 0 ? $0 / length : 0 }
    }
    let spellings = (0..<60).map { word in (0..<word % 4).map { _ in Int32.random(in: 0..<40, using: &generator) } }
    func numbers(_ word: Int) -> [Double] {
      (0..<dims).map { place in
        spellings[word].reduce(0.0) { $0 + Double(scales[Int($1)]) * (Double(rows[Int($1)][place]) - 7.5) }
      }
    }
    func length(_ numbers: [Double]) -> Double { numbers.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    func cosine(_ word: Int, _ term: [Float]) -> Double {
      let numbers = numbers(word)
      let length = length(numbers)
      return length > 0 ? zip(numbers, term).reduce(0) { $0 + $1.0 * Double($1.1) } / length : 0
    }
    let all = [ckernels_plain, ckernels_avx2, ckernels_avx512].filter { $0.rawValue <= ckernels_best().rawValue }.map {
      kind in
      var found = [Float](repeating: 0, count: spellings.count * terms.count)
      var spelled = SpelledWords()
      var encoder = ckernels_encoder.shape(
        dims: UInt32(dims), layers: 1, heads: UInt32(dims / 32), inner: 64, positions: 1, vocabulary: 40)
      bytes.withUnsafeBufferPointer { rows in
        encoder.near_words = rows.baseAddress
        for spelling in spellings {
          spelled.append(spelling, length: ckernels_of(kind).pointee.word_length(&encoder, spelling, spelling.count))
        }
        ckernels_of(kind).pointee.compare_words(
          &encoder, spelled.pieces, spelled.bounds, spelled.lengths, spelled.all, spelled.count,
          terms.flatMap(\.self), terms.count, &found)
      }
      return spelled.lengths + found
    }
    #expect(Set(all).count == 1)
    let (lengths, cosines) = (all[0].prefix(spellings.count), all[0].dropFirst(spellings.count).map(\.self))
    for word in spellings.indices {
      #expect(abs(Double(lengths[word]) - length(numbers(word))) < 1e-5, "word \(word)")
      for (place, term) in terms.enumerated() {
        #expect(
          abs(Double(cosines[word * terms.count + place]) - cosine(word, term)) < 0.01, "word \(word), term \(place)")
      }
    }
  }

  @Test func whatIsNoWordOrNoPieceOfTheModelIsNearToNothing() async throws {
    try await TinyModel.with(TinyModel(hasNearWords: true)) { path in
      let model = try EmbeddedModel(path: path)
      let term = try #require(model.vector(ofWord: "ab"))
      for piece in [-1, 13, .max] as [Int32] {
        var spelled = SpelledWords()
        spelled.append([4], of: model)
        #expect(model.cosines(of: [0], in: spelled, with: term, count: 1) != [0])
        spelled.append([5, piece], of: model)
        #expect(model.cosines(of: [0, 1], in: spelled, with: term, count: 1) == [0, 0], "\(piece)")
      }
      var spelled = SpelledWords()
      spelled.append([4], of: model)
      for word in [-1, 1] as [Int32] {
        #expect(model.cosines(of: [0, word], in: spelled, with: term, count: 1) == [0, 0])
      }
    }
  }
}
