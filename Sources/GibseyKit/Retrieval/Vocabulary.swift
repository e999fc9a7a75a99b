// The words of texts as numbers: what is the same for every question, and takes a third of a prompt's time to find out.
internal import Synchronization

/// Numbers the words of texts, as the full-text index sees them, and spells each one once. Its identity is the numbering: numbers
/// of one say nothing to another. Any thread may use it.
public final class Vocabulary: Sendable {
  /// Who spells the words; nil where they are compared by their letters alone.
  let vectors: (any WordVectors)?
  private let state = Mutex(State())

  private struct State {
    var table = WordTable()
    /// By number. Stop words have no spelling: they are near to nothing.
    var spellings = SpelledWords()
    /// Words with anything beyond ASCII, which may be written in several ways.
    var foreign: [Int32: String] = [:]
  }

  public init(_ vectors: (any WordVectors)? = nil) { self.vectors = vectors }

  /// How many words there are.
  public var count: Int { state.withLock { $0.spellings.count } }

  /// About what it takes.
  var bytes: Int { state.withLock { $0.table.bytes + (2 * $0.spellings.count + $0.spellings.pieces.count) * 4 } }

  /// The words of a text, each once; new ones get the next numbers.
  func numbers(of text: String) -> [Int32] {
    state.withLock { state in
      var numbers: [Int32] = []
      numbers.reserveCapacity(text.utf8.count / 8)
      state.table.beginText()
      WordScanner.forEachWord(of: text) { hash, word in
        switch state.table.place(of: hash) {
        case .seen: return
        case .known(let number): numbers.append(Int32(number))
        case .new(let number):
          numbers.append(Int32(number))
          let word = word()
          let spelling = StopWords.english.contains(word) ? [] : vectors?.spelling(ofWord: word) ?? []
          state.spellings.append(spelling, length: vectors?.length(ofSpelling: spelling) ?? 0)
          if !Self.isPlain(word) { state.foreign[Int32(number)] = word }
        }
      }
      return numbers
    }
  }

  /// cosines (words, terms) of words by their numbers; 0 for all where words are compared by their letters alone.
  /// - Parameter terms: vectors (terms, dims) of unit length.
  func cosines(of numbers: [Int32], with terms: [Float], count: Int) -> [Float] {
    guard let vectors, !terms.isEmpty else { return [Float](repeating: 0, count: numbers.count * count) }
    // Compared outside of the lock: who learns new words meanwhile makes a copy.
    let spellings = state.withLock { $0.spellings }
    return vectors.cosines(of: numbers, in: spellings, with: terms, count: count)
  }

  /// The words that are terms of a question, as far as they have a number, and the place of the term that each is.
  /// - Parameter numbers: those among which a term is also found that is written with another sequence of the same characters.
  func find(_ terms: QuestionTerms, among numbers: [Int32]) -> [(number: Int32, term: Int)] {
    state.withLock { state in
      var found: [(number: Int32, term: Int)] = []
      for (term, hash) in terms.hashes.enumerated() {
        if let number = state.table.find(hash) { found.append((Int32(number), term)) }
      }
      guard terms.hasForeign else { return found }
      for number in numbers where !found.contains(where: { $0.number == number }) {
        if let word = state.foreign[number], let term = terms.place(of: word) { found.append((number, term)) }
      }
      return found
    }
  }

  fileprivate static func isPlain(_ word: String) -> Bool { word.utf8.allSatisfy { $0 < 0x80 } }
}

/// The terms of a question, to be found among the words of pages.
struct QuestionTerms {
  private let terms: [String]
  fileprivate let hashes: [UInt64]
  /// What is not ASCII may be another sequence of the same characters, with another hash.
  fileprivate let hasForeign: Bool

  init(_ terms: [String]) {
    self.terms = terms
    hashes = terms.map { WordScanner.hash(of: $0) }
    hasForeign = !terms.allSatisfy(Vocabulary.isPlain)
  }

  fileprivate func place(of word: String) -> Int? { terms.firstIndex(of: word) }
}

/// The words met so far, by 64-bit hashes: an open table, looked up once for each word of each page.
private struct WordTable {
  enum Place {
    /// Met in this text before.
    case seen
    case known(Int)
    case new(Int)
  }

  private struct Slot {
    var hash: UInt64 = 0
    /// Place of the word + 1; 0 for a free slot.
    var place: Int32 = 0
    /// The text in which the word was met last.
    var text: Int32 = 0
  }

  /// None before the first text: a search by vectors alone asks for no words.
  private var slots: [Slot] = []
  private var count = 0
  private var text: Int32 = 0

  var bytes: Int { slots.count * MemoryLayout<Slot>.stride }

  mutating func beginText() {
    text += 1
    if slots.isEmpty { slots = [Slot](repeating: Slot(), count: 8192) }
  }

  mutating func place(of hash: UInt64) -> Place {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot].place != 0 {
      if slots[slot].hash == hash {
        if slots[slot].text == text { return .seen }
        slots[slot].text = text
        return .known(Int(slots[slot].place) - 1)
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    count += 1
    slots[slot] = Slot(hash: hash, place: Int32(count), text: text)
    if count * 2 > slots.count { grow() }
    return .new(count - 1)
  }

  /// The place of a word that was met; nil for any other.
  func find(_ hash: UInt64) -> Int? {
    guard !slots.isEmpty else { return nil }
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot].place != 0 {
      if slots[slot].hash == hash { return Int(slots[slot].place) - 1 }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: old.count * 2)
    for word in old where word.place != 0 {
      var slot = Int(truncatingIfNeeded: word.hash) & (slots.count - 1)
      while slots[slot].place != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = word
    }
  }
}
