// The real model against other programs on the same weights: Reference/make-reference.py tells how they were asked.
import CKernels
import Foundation
import Testing

@testable import GibseyKit

/// A text with what `tokenizers` and `transformers` make of it.
private struct Reference: Decodable {
  let text: String
  let times: Int
  let ids: [Int32]
  /// 384 little-endian float16, base64.
  let vector: Data

  var whole: String { String(repeating: text, count: times) }

  var numbers: [Float] {
    stride(from: 0, to: vector.count, by: 2).map {
      Float(Float16(bitPattern: UInt16(vector[$0]) | UInt16(vector[$0 + 1]) << 8))
    }
  }

  static func all() throws -> [Reference] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Reference/reference.jsonl")
    return try Data(contentsOf: file).split(separator: 0x0A).map {
      try JSONDecoder().decode(Reference.self, from: $0)
    }
  }
}

/// Where `make model` puts the model.
private enum RealModel {
  static var path: String {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["GIBSEY_MODEL"], !path.isEmpty { return path }
    let data = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (data ?? "\(NSHomeDirectory())/.local/share") + "/gibsey/all-minilm-l6-v2.gibsey"
  }
  static var isThere: Bool { FileManager.default.fileExists(atPath: path) }
}

@Suite(.enabled(if: RealModel.isThere, "skipped: no model; run make model")) struct ReferenceTests {
  @Test func thePiecesOfEveryTextAreThoseOfTheReference() throws {
    let model = try EmbeddedModel(path: RealModel.path)
    let references = try Reference.all()
    #expect(references.count >= 200)
    for reference in references {
      let mine = [101] + model.pieces(of: reference.whole, limit: 254) + [102]
      #expect(mine == reference.ids, "\(reference.text.debugDescription)")
    }
  }

  @Test func theVectorOfEveryTextPointsWhereTheReferencePoints() async throws {
    let model = try EmbeddedModel(path: RealModel.path, windows: .firstOnly)
    let references = try Reference.all()
    let embeddings = try await model.embed(references.map(\.whole))
    for (reference, embedding) in zip(references, embeddings) {
      let vector = try #require(UnitVector(normalizing: reference.numbers))
      let cosine = embedding.whole.cosine(vector)
      #expect(cosine >= 0.9999, "\(reference.text.debugDescription): \(cosine)")
    }
  }

  @Test func theVectorOfAQuestionPointsNearlyWhereTheReferencePoints() throws {
    let model = try EmbeddedModel(path: RealModel.path, windows: .firstOnly)
    let references = try Reference.all().filter { $0.ids.count <= 40 }
    #expect(references.count >= 100)
    var sums: (all: Float, longer: Float, longerCount: Float) = (0, 0, 0)
    for reference in references {
      let vector = try #require(UnitVector(normalizing: reference.numbers))
      let cosine = try model.embedQuery(reference.whole).cosine(vector)
      // The fewest pieces are the least alike: empty texts and single marks.
      #expect(cosine >= (reference.ids.count < 6 ? 0.994 : 0.997), "\(reference.text.debugDescription): \(cosine)")
      sums.all += cosine
      if reference.ids.count >= 6 { (sums.longer, sums.longerCount) = (sums.longer + cosine, sums.longerCount + 1) }
    }
    #expect(sums.all / Float(references.count) >= 0.9990)
    #expect(sums.longer / sums.longerCount >= 0.9993)
  }

  @Test func everyKindOfKernelsGivesTheSameBytes() async throws {
    let texts = try Reference.all().filter { $0.ids.count < 20 }.enumerated().filter { $0.offset % 20 == 0 }
      .map(\.element.whole)
    var results: Set<[TextEmbedding]> = []
    var questions: Set<[[Float]]> = []
    for kind in [ckernels_plain, ckernels_avx2, ckernels_avx512] where kind.rawValue <= ckernels_best().rawValue {
      let model = try EmbeddedModel(path: RealModel.path, windows: .firstOnly, threads: .max, kernels: kind)
      results.insert(try await model.embed(texts))
      questions.insert(try texts.map { try model.embedQuery($0).components })
    }
    #expect(results.count == 1)
    #expect(questions.count == 1)
  }

  @Test func wordsAreAsNearOnEveryKindOfKernelsAndToThemselvesNearest() throws {
    let words = ["ferry", "boat", "stone", "unbelievably", "été", "x"]
    let model = try EmbeddedModel(path: RealModel.path)
    let vectors = try words.map { try #require(model.vector(ofWord: $0)) }
    var spelled = SpelledWords()
    for word in words { spelled.append(model.spelling(ofWord: word), of: model) }
    spelled.append(model.spelling(ofWord: "\u{E000}"), of: model)
    let all = model.cosines(of: spelled.all, in: spelled, with: vectors.flatMap(\.self), count: words.count)
    #expect(all.suffix(words.count).allSatisfy { $0 == 0 }, "a word that the model cannot spell is near to none")
    for (index, word) in words.enumerated() {
      let cosines = Array(all[index * words.count..<(index + 1) * words.count])
      #expect(abs(cosines[index] - 1) < 0.015, "\(word): words are compared by rows of four bits")
      #expect(cosines.indices.allSatisfy { $0 == index || cosines[$0] < 0.99 })
    }
    #expect(all[1] > all[2], "a ferry is nearer to a boat than to a stone")
    #expect(model.vector(ofWord: "\u{E000}") == nil)
    // A word of one piece is found at once, and is the same piece.
    for word in ["ferry", "the", "2024", "a", "zzzzqq", "##ing", "mother"] {
      var text = word
      let pieces = model.pieces(of: word)
      let whole = text.withUTF8 { model.file.wordPiece.wholePiece($0) }
      #expect(whole == (pieces.count == 1 ? pieces[0] : nil), "\(word)")
    }
  }

  @Test func theEndOfALongTextHasAWindowOfItsOwn() async throws {
    let model = try EmbeddedModel(path: RealModel.path)
    let rain = String(repeating: "It rained all day and the roofs were grey. ", count: 40)
    let text = rain + "The violinist hid a stolen diamond inside her case."
    let embedding = try await model.embed([text])[0]
    let question = try model.embedQuery("Who hid the diamond?")
    #expect(embedding.windows.count > 2)
    let cosines = embedding.windows.map { $0.cosine(question) }
    #expect(try #require(cosines.last) > cosines[0] + 0.05, "\(cosines)")
  }
}
