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
    var hashes: [UInt64] = []
    /// Words with anything beyond ASCII, which may be written in several ways.
    var foreign: [Int32: String] = [:]
  }

  public init(_ vectors: (any WordVectors)? = nil) { self.vectors = vectors }

  /// How many words there are.
  public var count: Int { state.withLock { $0.hashes.count } }

  /// About what it takes.
  var bytes: Int { state.withLock { $0.table.bytes + $0.hashes.count * 16 + $0.spellings.pieces.count * 4 } }

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
          state.hashes.append(hash)
          state.spellings.append(StopWords.english.contains(word) ? [] : vectors?.spelling(ofWord: word) ?? [])
          if !Self.isPlain(word) { state.foreign[Int32(number)] = word }
        }
      }
      return numbers
    }
  }

  /// Looks at words by their numbers: the spelling of each, and which of the terms it is, if any.
  func look(
    at numbers: [Int32], for terms: QuestionTerms, _ visit: (_ spelling: ArraySlice<Int32>, _ term: Int?) -> Void
  ) {
    state.withLock { state in
      for number in numbers {
        visit(
          state.spellings[Int(number)],
          terms.place(of: state.hashes[Int(number)]) { state.foreign[number] })
      }
    }
  }

  fileprivate static func isPlain(_ word: String) -> Bool { word.utf8.allSatisfy { $0 < 0x80 } }
}

/// The terms of a question, to be found among the words of pages.
struct QuestionTerms {
  private let terms: [String]
  private let hashes: [UInt64]
  private let hasForeign: Bool

  init(_ terms: [String]) {
    self.terms = terms
    hashes = terms.map { WordScanner.hash(of: $0) }
    hasForeign = !terms.allSatisfy(Vocabulary.isPlain)
  }

  /// The place of the first term that is a word of this hash. What is not ASCII may be another sequence of the same characters.
  func place(of hash: UInt64, foreign: () -> String?) -> Int? {
    if let place = hashes.firstIndex(of: hash) { return place }
    guard hasForeign, let word = foreign() else { return nil }
    return terms.firstIndex(of: word)
  }
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
