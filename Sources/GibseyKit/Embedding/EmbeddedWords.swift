// What single words mean, without a sentence around them: the rows that the model looks them up in.
internal import CKernels

extension EmbeddedModel: WordVectors {
  /// A word has at most so many pieces that count.
  private static let pieceLimit = Int(CKERNELS_PIECES_MOST)

  /// The model: words of one are spelled and compared alike wherever it is open.
  public var name: String { fingerprint.description }

  /// The mean of the rows of the word's pieces, at length one: nearness of meaning for a hundredth of the cost of a
  /// sentence's. Nil for a word that the model cannot spell.
  public func vector(ofWord word: String) -> [Float]? {
    let ids = spelling(ofWord: word)
    guard !ids.isEmpty else { return nil }
    let dims = Int(file.encoder.dims)
    var sum = [Float](repeating: 0, count: dims)
    for id in ids {
      let row = file.encoder.words + Int(id) * dims
      let scale = file.encoder.word_scales[Int(id)]
      for place in 0..<dims { sum[place] += Float(row[place]) * scale }
    }
    return UnitVector(normalizing: sum)?.components
  }

  /// The ids of the word's pieces; empty for a word that the model cannot spell.
  public func spelling(ofWord word: String) -> [Int32] {
    // Three words of four are one piece.
    var text = word
    if let id = text.withUTF8({ file.wordPiece.wholePiece($0) }) { return [id] }
    let ids = file.wordPiece.pieces(of: word, limit: Self.pieceLimit)
    return ids.contains(file.wordPiece.unknown) ? [] : ids
  }

  /// 0 for a spelling that is not this model's, and where words are compared by rows in full, which tell their lengths by the way.
  public func length(ofSpelling spelling: [Int32]) -> Float {
    guard file.encoder.near_words != nil, spelling.allSatisfy((0..<Int32(clamping: file.encoder.vocabulary)).contains)
    else { return 0 }
    return withUnsafePointer(to: file.encoder) { ckernels_word_length($0, spelling, spelling.count) }
  }

  /// cosines (words, terms); the spellings are this model's.
  public func cosines(of words: [Int32], in spelled: SpelledWords, with terms: [Float], count: Int) -> [Float] {
    let known = 0..<Int32(clamping: spelled.count)
    guard count > 0, terms.count == count * Int(file.encoder.dims), words.allSatisfy(known.contains),
      let limit = spelled.pieceLimit, limit <= Int(file.encoder.vocabulary)
    else { return [Float](repeating: 0, count: words.count * count) }
    return [Float](unsafeUninitializedCapacity: words.count * count) { cosines, initialized in
      if let start = cosines.baseAddress {
        withUnsafePointer(to: file.encoder) {
          ckernels_compare_words(
            $0, spelled.pieces, spelled.bounds, spelled.lengths, words, words.count, terms, count, start)
        }
      }
      initialized = words.count * count
    }
  }
}
