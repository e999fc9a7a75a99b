// What single words mean, without a sentence around them: the rows that the model looks them up in.
internal import CKernels

extension EmbeddedModel: WordVectors {
  /// The mean of the rows of the word's pieces, at length one: nearness of meaning for a hundredth of the cost of a
  /// sentence's. Nil for a word that the model cannot spell.
  public func vector(ofWord word: String) -> [Float]? {
    let ids = file.wordPiece.pieces(of: word, limit: 16)
    guard !ids.isEmpty, !ids.contains(file.wordPiece.unknown) else { return nil }
    let dims = Int(file.encoder.dims)
    var sum = [Float](repeating: 0, count: dims)
    for id in ids {
      let row = file.encoder.words + Int(id) * dims
      let scale = file.encoder.word_scales[Int(id)]
      for place in 0..<dims { sum[place] += Float(row[place]) * scale }
    }
    return UnitVector(normalizing: sum)?.components
  }
}
