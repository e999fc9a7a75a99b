// What single words mean, without a sentence around them: the rows that the model looks them up in.
internal import CKernels

extension EmbeddedModel: WordVectors {
  /// A word has at most so many pieces that count.
  private static let pieceLimit = 16

  /// The mean of the rows of the word's pieces, at length one: nearness of meaning for a hundredth of the cost of a
  /// sentence's. Nil for a word that the model cannot spell.
  public func vector(ofWord word: String) -> [Float]? {
    guard let ids = pieceIDs(of: word) else { return nil }
    let dims = Int(file.encoder.dims)
    var sum = [Float](repeating: 0, count: dims)
    for id in ids {
      let row = file.encoder.words + Int(id) * dims
      let scale = file.encoder.word_scales[Int(id)]
      for place in 0..<dims { sum[place] += Float(row[place]) * scale }
    }
    return UnitVector(normalizing: sum)?.components
  }

  /// The cosines of the word and `count` vectors of unit length.
  public func cosines(ofWord word: String, with vectors: [Float], count: Int) -> [Float] {
    let most = Int(CKERNELS_TERMS_MOST)
    let dims = Int(file.encoder.dims)
    guard let ids = pieceIDs(of: word), vectors.count == count * dims else {
      return [Float](repeating: 0, count: count)
    }
    return [Float](unsafeUninitializedCapacity: count) { cosines, initialized in
      if let start = cosines.baseAddress {
        for first in stride(from: 0, to: count, by: most) {
          vectors.withUnsafeBufferPointer { vectors in
            guard let base = vectors.baseAddress else { return }
            withUnsafePointer(to: file.encoder) {
              ckernels_compare_word(
                $0, ids, ids.count, base + first * dims, min(most, count - first), start + first)
            }
          }
        }
      }
      initialized = count
    }
  }

  private func pieceIDs(of word: String) -> [Int32]? {
    // Three words of four are one piece.
    var text = word
    if let id = text.withUTF8({ file.wordPiece.wholePiece($0) }) { return [id] }
    let ids = file.wordPiece.pieces(of: word, limit: Self.pieceLimit)
    return ids.isEmpty || ids.contains(file.wordPiece.unknown) ? nil : ids
  }
}
