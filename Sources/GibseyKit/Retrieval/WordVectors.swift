// What words mean by themselves, and how they are handed over.

/// What words mean by themselves.
public protocol WordVectors: Sendable {
  /// Tells those whose spellings and vectors are the same from all others.
  var name: String { get }
  /// The word's vector, of unit length; nil for a word that has none. The word is lower-case.
  func vector(ofWord word: String) -> [Float]?
  /// What `cosines` knows the word by, lower-case; empty for a word that has no vector.
  func spelling(ofWord word: String) -> [Int32]
  /// How long the vector of a word spelled so would be; asked once for each word.
  func length(ofSpelling spelling: [Int32]) -> Float
  /// cosines (words, terms) of words and vectors of unit length, which stand one after the other; 0 for a word without a spelling.
  /// - Parameter words: their places among the spelled ones.
  func cosines(of words: [Int32], in spelled: SpelledWords, with terms: [Float], count: Int) -> [Float]
}

/// Words by their spellings, one after the other.
public struct SpelledWords: Sendable, Equatable {
  public private(set) var pieces: [Int32] = []
  /// Where each spelling begins, and where the last one ends.
  public private(set) var bounds: [UInt32] = [0]
  /// (words,): how long the vectors of the spellings are.
  public private(set) var lengths: [Float] = []
  /// The pieces are numbers from 0 up to here, this one not included; nil where one is below 0.
  public private(set) var pieceLimit: Int? = 0

  public init() {}

  public var count: Int { bounds.count - 1 }

  /// The spelling of the word at a place.
  public subscript(place: Int) -> ArraySlice<Int32> { pieces[Int(bounds[place])..<Int(bounds[place + 1])] }

  public mutating func append(_ spelling: some Sequence<Int32>, length: Float) {
    for piece in spelling {
      pieces.append(piece)
      pieceLimit = piece < 0 ? nil : pieceLimit.map { max($0, Int(piece) + 1) }
    }
    bounds.append(UInt32(pieces.count))
    lengths.append(length)
  }
}
