// The embedded model with a tiny file: what it promises whatever the weights, and what it refuses.
import CKernels
import Foundation
import Testing

@testable import GibseyKit

@Suite struct EmbeddedModelTests {
  private static func refusal(_ model: TinyModel) throws -> GibseyError? {
    let path = try model.write()
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      _ = try EmbeddedModel(path: path).embedQuery("ab")
      return nil
    } catch let error as GibseyError {
      // The path is another one each time.
      switch error {
      case .badEmbeddingModel(_, let reason): return .badEmbeddingModel(path: "tiny", reason: reason)
      case .otherEmbeddingModel(_, let version, let supported):
        return .otherEmbeddingModel(path: "tiny", version: version, supported: supported)
      default: return error
      }
    }
  }

  @Test func aTextHasTheSamePiecesAsItsWords() async throws {
    try await TinyModel.with(TinyModel()) { path in
      let model = try EmbeddedModel(path: path)
      #expect(model.pieces(of: "") == [])
      #expect(model.pieces(of: "ab AB abab") == [6, 6, 6, 9])
      #expect(model.pieces(of: "ba!a") == [5, 7, 12, 4])
      #expect(model.pieces(of: "é中a") == [10, 11, 4])
      #expect(model.pieces(of: "abc ab") == [1, 6])
      #expect(model.pieces(of: String(repeating: "a", count: 100)).count == 100)
      #expect(model.pieces(of: String(repeating: "a", count: 101)) == [1])
      #expect(model.pieces(of: "a a a a", limit: 3) == [4, 4, 4])
    }
  }

  @Test func theSameTextGivesTheSameBytesInAnyCompanyOnAnyKindOfKernels() async throws {
    try await TinyModel.with(TinyModel()) { path in
      var generator = SeededGenerator(seed: 3)
      let texts = (0..<24).map { _ in
        (0..<Int.random(in: 0...70, using: &generator)).map { _ in
          ["a", "b", "ab", "aba", "!", "é"].randomElement(using: &generator) ?? ""
        }.joined(separator: " ")
      }
      let windows = EmbeddingWindows(length: 32, stride: 20, limit: 8)
      let alone = try EmbeddedModel(path: path, windows: windows, threads: 1)
      var expected: [TextEmbedding] = []
      for text in texts { expected += try await alone.embed([text]) }
      for kind in [ckernels_plain, ckernels_avx2, ckernels_avx512] where kind.rawValue <= ckernels_best().rawValue {
        for threads in [1, 4] {
          let model = try EmbeddedModel(path: path, windows: windows, threads: threads, kernels: kind)
          let embeddings = try await model.embed(texts)
          #expect(embeddings == expected)
        }
      }
    }
  }

  @Test func aLongTextHasAVectorForEachWindowAndAShortOneIsItsOwnQuery() async throws {
    try await TinyModel.with(TinyModel()) { path in
      let model = try EmbeddedModel(path: path, windows: EmbeddingWindows(length: 12, stride: 5, limit: 3))
      let texts = [
        "a b", Array(repeating: "a b", count: 10).joined(separator: " "), String(repeating: "a ", count: 21),
      ]
      let embeddings = try await model.embed(texts)
      #expect(embeddings.map(\.pieces) == [[2], [10, 10, 10], [10, 10, 10]])
      #expect(embeddings.map(\.isTruncated) == [false, false, true])
      // Of a file of version 1, which has no other weights for questions.
      #expect(try model.embedQuery("a b") == embeddings[0].whole)
      #expect(try model.embedQuery(texts[1]) == embeddings[1].windows[0])
      #expect(abs(embeddings[1].whole.cosine(embeddings[1].whole) - 1) < 1e-5)
      #expect(model.fingerprint.description == "tiny@abababababab 64 12/5/3")
    }
  }

  @Test(arguments: [false, true])
  func weightsThatAreReadGiveWhatMappedOnesGiveOnEveryKindOfKernels(hasSmallWeights: Bool) async throws {
    try await TinyModel.with(TinyModel(hasSmallWeights: hasSmallWeights)) { path in
      let model = try EmbeddedModel(path: path)
      // From one row to more than any kind takes at once, and more than go through a layer together.
      for count in Array(1...20) + [Int(CKERNELS_BLOCK) + 1, 60] {
        let ids = (0..<count).map { Int32(4 + $0 * 5 % 9) }
        var results: Set<[Float]> = []
        for kind in [ckernels_plain, ckernels_avx2, ckernels_avx512] where kind.rawValue <= ckernels_best().rawValue {
          for source in [ckernels_mapped, ckernels_near, ckernels_read] {
            let encoded = Self.encode(ids, model.file.questionEncoder(by: source), kind)
            #expect(encoded.failure == 0)
            results.insert(encoded.sums)
          }
        }
        #expect(results.count == 1)
        #expect(results.first?.contains { $0 != 0 } == true)
      }
      // Of one process: read, mapped, fetched ahead.
      let questions = try (0..<3).map { _ in try model.embedQuery("ab a! b") }
      #expect(questions == [questions[0], questions[0], questions[0]])
    }
  }

  @Test func weightsThatCannotBeReadAreAFailureAndNoVector() async throws {
    try await TinyModel.with(TinyModel()) { path in
      let model = try EmbeddedModel(path: path)
      var encoder = model.file.questionEncoder(by: ckernels_read)
      encoder.start = encoder.start.map { $0 - TinyModel().bytes.count }
      #expect(Self.encode([2, 4, 3], encoder, ckernels_best()).failure == EIO)
      encoder.file = -1
      #expect(Self.encode([2, 4, 3], encoder, ckernels_best()).failure == EBADF)
      withExtendedLifetime(model) {}
    }
  }

  /// The sums of all rows, and what reading the weights came to.
  private static func encode(
    _ ids: [Int32], _ encoder: ckernels_encoder, _ kind: ckernels_kind
  ) -> (sums: [Float], failure: CInt) {
    withUnsafePointer(to: encoder) { encoder in
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: ckernels_encoder_workspace(encoder, ids.count), alignment: 64)
      defer { memory.deallocate() }
      var sums = [Float](repeating: 0, count: TinyModel.dims)
      let failure = ckernels_of(kind).pointee.encode(encoder, ids, ids.count, memory, [0, UInt32(ids.count)], 1, &sums)
      return (sums, failure)
    }
  }

  @Test func aQuestionByWeightsOfEightBitsPointsWhereItWouldByThoseOfSixteen() async throws {
    for seed in 1...3 as ClosedRange<UInt64> {
      let (small, full) = (TinyModel(seed: seed, hasSmallWeights: true), TinyModel(seed: seed))
      let texts = ["ab", "a b ab", "é 中 ! a abab b", Array(repeating: "a ab!", count: 18).joined(separator: " ")]
      let pages = try await TinyModel.with(small) {
        try await EmbeddedModel(path: $0, windows: .firstOnly).embed(texts)
      }
      #expect(
        try await pages == TinyModel.with(full) { try await EmbeddedModel(path: $0, windows: .firstOnly).embed(texts) })
      let questions = try await TinyModel.with(small) { path in
        let model = try EmbeddedModel(path: path, windows: .firstOnly)
        return try texts.map(model.embedQuery)
      }
      for (page, question) in zip(pages, questions) {
        #expect(page.whole != question, "it is made with other weights")
        #expect(page.whole.cosine(question) > 0.999)
      }
    }
  }

  @Test(arguments: [false, true])
  func aQuestionOfAnyLengthIsTheSameOnEveryKindOfKernels(hasSmallWeights: Bool) async throws {
    try await TinyModel.with(TinyModel(seed: 7, hasSmallWeights: hasSmallWeights)) { path in
      let plain = try EmbeddedModel(path: path, windows: .firstOnly, threads: 1, kernels: ckernels_plain)
      for kind in [ckernels_avx2, ckernels_avx512] where kind.rawValue <= ckernels_best().rawValue {
        let model = try EmbeddedModel(path: path, windows: .firstOnly, threads: 1, kernels: kind)
        for length in 1...62 {
          let question = (0..<length).map { ["a", "b", "ab", "!"][($0 * $0 + length) % 4] }.joined(separator: " ")
          #expect(try model.embedQuery(question) == plain.embedQuery(question), "\(length) pieces and two marks")
        }
      }
    }
  }

  @Test func theMemoryOfAQuestionIsKeptForTheNextOneAndThatOfALongTextIsNot() async throws {
    try await TinyModel.with(TinyModel()) { path in
      let model = try EmbeddedModel(path: path)
      #expect(model.memory.keptNow == 0)
      let vector = try model.embedQuery("ab a! b")
      let kept = model.memory.keptNow
      #expect(kept > 0)
      for question in ["a", "ab a! b", "b b b b"] { _ = try model.embedQuery(question) }
      #expect(model.memory.keptNow == kept, "one after the other needs one")
      // Many at once have memory of their own each, and say the same.
      await withTaskGroup(of: Bool.self) { group in
        for number in 0..<32 {
          let isSame = number % 2 == 0
          group.addTask { (try? model.embedQuery(isSame ? "ab a! b" : "b a a b ab a")) == vector || !isSame }
        }
        for await isRight in group { #expect(isRight) }
      }
      #expect((kept...32 * kept).contains(model.memory.keptNow))
    }
    let memory = EncodingMemory(keptBlocks: 4)
    let (small, large) = (memory.lend(1), memory.lend(1 << 20))
    #expect(UInt(bitPattern: small.start) % 64 == 0 && UInt(bitPattern: large.start) % 64 == 0)
    let both = (0..<6).map { _ in memory.lend(100_000) }
    #expect(Set(both.map(\.start)).count == 6, "what is lent is lent once")
    memory.takeBack(large)
    #expect(memory.keptNow == 0)
    memory.takeBack(small)
    #expect(memory.keptNow == 1 << 16)
    for block in both { memory.takeBack(block) }
    #expect(memory.keptNow == 4 * (1 << 17), "four are kept, the largest")
    let again = memory.lend(1)
    #expect(both.contains { $0.start == again.start })
    #expect(memory.keptNow == 3 * (1 << 17))
  }

  @Test func nothingInIsNothingOut() async throws {
    try await TinyModel.with(TinyModel()) { path in
      let embeddings = try await EmbeddedModel(path: path).embed([])
      #expect(embeddings == [])
    }
  }

  @Test func aCancelledTaskStops() async throws {
    try await TinyModel.with(TinyModel()) { path in
      let model = try EmbeddedModel(path: path)
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await model.embed(["a", "b"])
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test func aMissingModelIsSaidSoWithTheCommandThatMakesIt() {
    let error = GibseyError.noEmbeddingModel(path: "/nowhere/model.gibsey")
    #expect(throws: error) { try EmbeddedModel(path: "/nowhere/model.gibsey") }
    #expect(error.message == "/nowhere/model.gibsey: no such embedding model")
    #expect(error.hint == "make it with `make model`; GIBSEY_MODEL names another place")
    #expect(error.exitStatus == .noInput)
  }

  @Test func aModelCutShortIsRefusedWhereverItIsCut() throws {
    let whole = TinyModel()
    #expect(try Self.refusal(whole) == nil)
    var outside = TinyModel(hasNearWords: true)
    #expect(try Self.refusal(outside) == nil)
    outside.bytes.replaceSubrange(248..<256, with: TinyModel.bytes(of: UInt64(outside.bytes.count / 64 * 64)))
    #expect(try Self.refusal(outside) == .badEmbeddingModel(path: "tiny", reason: "section 10 is not inside of it"))
    for section in 11...13 {
      var outside = TinyModel(hasSmallWeights: true)
      #expect(try Self.refusal(outside) == nil)
      let place = 168 + 8 * section
      outside.bytes.replaceSubrange(place..<place + 8, with: TinyModel.bytes(of: UInt64(outside.bytes.count / 64 * 64)))
      #expect(
        try Self.refusal(outside) == .badEmbeddingModel(path: "tiny", reason: "section \(section) is not inside of it"))
    }
    for count in [0, 7, 255, 256, 4096, whole.bytes.count - 1] {
      var cut = whole
      cut.bytes.removeLast(whole.bytes.count - count)
      let wanted = count < 256 ? "\(count) bytes" : "\(count) of \(whole.bytes.count) bytes"
      let error = GibseyError.badEmbeddingModel(path: "tiny", reason: "it is cut short: \(wanted)")
      #expect(try Self.refusal(cut) == error)
      #expect(error.exitStatus == .malformed)
      #expect(error.hint == "make it again with `make model`")
    }
  }

  @Test func aModelOfAnotherVersionAndAnotherKindOfFileAreRefused() throws {
    var newer = TinyModel()
    for version in [0, 3] as [UInt8] {
      newer.bytes[8] = version
      #expect(try Self.refusal(newer) == .otherEmbeddingModel(path: "tiny", version: Int(version), supported: 2))
    }
    #expect(
      GibseyError.otherEmbeddingModel(path: "tiny", version: 3, supported: 2).message
        == "tiny: an embedding model of version 3, this gibsey reads up to version 2")
    newer.bytes[8] = 2
    #expect(try Self.refusal(newer) == .badEmbeddingModel(path: "tiny", reason: "its header has another length"))
    var other = TinyModel()
    other.bytes[0] = 0x50
    #expect(try Self.refusal(other) == .badEmbeddingModel(path: "tiny", reason: "it is another kind of file"))
  }

  @Test(arguments: [(3, 77), (1, 6), (2, 64), (12, 3)])
  func aNumberThatIsNoneIsFoundInEverySectionThatCanHoldOne(section: Int, index: Int) throws {
    for (number, isOld) in [(Float.nan, false), (.infinity, false), (.nan, true), (.infinity, true)] {
      if section == 12, isOld { continue }
      var model = TinyModel(hasSmallWeights: !isOld)
      let place = model.places[section] + index * 4
      model.bytes.replaceSubrange(place..<place + 4, with: TinyModel.bytes(of: number))
      guard case .badEmbeddingModel(_, let reason)? = try Self.refusal(model) else {
        Issue.record("not refused")
        continue
      }
      #expect(["there are numbers in it that are none (NaN)", "what comes out of it is no number"].contains(reason))
    }
  }

  @Test func aDamagedByteAnywhereBehindTheHeaderIsFoundByWhoeverReadsAllOfIt() async throws {
    for model in [TinyModel(), TinyModel(hasSmallWeights: true)] {
      try await TinyModel.with(model) { path in try EmbeddedModel(path: path).checkWhole() }
    }
    let whole = TinyModel(hasSmallWeights: true)
    for place in whole.places.map({ $0 + 1 }) + [whole.bytes.count - 1] {
      var model = whole
      model.bytes[place] ^= 0x10
      try await TinyModel.with(model) { path in
        // Where it opens at all: some of it is looked at every time.
        guard let file = try? EmbeddedModelFile(path: path) else { return }
        #expect(
          throws: GibseyError.badEmbeddingModel(path: path, reason: "it is damaged: its checksum is another"),
          performing: file.checkWhole)
      }
    }
  }

  @Test func aFlippedBitInTheHeaderOrTheWordsNeverCrashes() throws {
    let models = [TinyModel(), TinyModel(hasSmallWeights: true)]
    var generator = SeededGenerator(seed: 9)
    for round in 0..<600 {
      let whole = models[round % 2]
      var flipped = whole
      let range = Bool.random(using: &generator) ? 8..<whole.places[0] : whole.places[5]..<whole.bytes.count
      flipped.bytes[Int.random(in: range, using: &generator)] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      _ = try Self.refusal(flipped)
    }
  }
}
