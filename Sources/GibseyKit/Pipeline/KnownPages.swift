// What is known of a story's pages from the questions before: docs/design/0022-what-a-prompt-costs.md.
internal import Synchronization

/// Keeps what is the same for every question: pages as they were read, their words by numbers, how they stand in a prompt,
/// how characters have spoken, and vectors. All of it is found by what the database says of a page at that moment, behind the gate
/// of that question: a page that changed, or that is gated, is never taken from here. Any thread may use it, and several share
/// one; its identity is the story's.
public final class KnownPages: Sendable {
  /// Room for some eight thousand pages of 1.2 KB.
  public static let usualLimitBytes = 32 << 20
  /// No page takes more of it than this part.
  private static let pagePart = 16
  /// Nor do all vectors than this one.
  private static let vectorPart = 4

  private struct State {
    var pages: [Int: KnownPage] = [:]
    var vocabulary = Vocabulary()
    var voices: [[UInt8]: [VoiceSample]] = [:]
    var characters: [Spelling: StoryCharacter] = [:]
    var vectors: KnownVectors?
    /// Of pages, voices and vectors.
    var bytes = 0
  }

  private enum KnownVectors {
    /// Wanted once.
    case met(VectorState)
    case kept(VectorState, VectorTable)
    /// They take more than they may.
    case tooMany(VectorState)

    var bytes: Int { if case .kept(_, let table) = self { table.bytes } else { 0 } }
  }

  private let limitBytes: Int
  private let state = Mutex(State())

  /// - Parameter limitBytes: when about so much is kept, it is let go, and gathered anew.
  public init(limitBytes: Int = KnownPages.usualLimitBytes) { self.limitBytes = limitBytes }

  /// About what it takes.
  var bytes: Int { state.withLock { $0.bytes + $0.vocabulary.bytes } }

  /// What numbers the words of pages, spelled by those of `words`.
  func vocabulary(spelledBy words: (any WordVectors)?) -> Vocabulary {
    state.withLock { state in
      if state.vocabulary.vectors?.name != words?.name { state.vocabulary = Vocabulary(words) }
      return state.vocabulary
    }
  }

  /// The page in a row, as it is in the store now; nil when it is gone.
  func page(row: Int, in store: PageStore) throws -> KnownPage? {
    if let known = state.withLock({ $0.pages[row] }), try store.imprint(ofRow: row) == known.imprint { return known }
    guard let (page, imprint) = try store.imprintedPage(row: row) else { return nil }
    let known = KnownPage(page, imprint)
    state.withLock { state in
      guard known.bytes <= limitBytes / Self.pagePart else { return }
      makeRoom(&state, known.bytes)
      state.bytes -= state.pages.updateValue(known, forKey: row)?.bytes ?? 0
    }
    return known
  }

  /// Passages for a character.
  /// - Parameters:
  ///   - imprint: what tells the pages that they are chosen of from all others, and from what they were.
  ///   - choose: reads those pages and chooses; asked where nobody did before.
  func samples(of imprint: [UInt8], _ choose: () throws -> [VoiceSample]) rethrows -> [VoiceSample] {
    if let known = state.withLock({ $0.voices[imprint] }) { return known }
    let samples = try choose()
    let bytes = samples.reduce(imprint.count + 64) { $0 + 2 * $1.text.utf8.count + 96 }
    state.withLock { state in
      guard state.voices[imprint] == nil else { return }
      makeRoom(&state, bytes)
      state.voices[imprint] = samples
    }
    return samples
  }

  /// The vectors of all pages, as they are in this transaction. Nil where they are more than so many, or too large, and for who asks
  /// first: a single question wants no more than those before its gate.
  func vectors(of embedder: EmbedderRow, in index: SearchIndex, limit: Int) throws -> VectorTable? {
    let now = try index.vectorState(of: embedder)
    switch state.withLock(\.vectors) {
    case .kept(now, let table): return table
    case .tooMany(now): return nil
    case .met(now):
      let table = try index.vectors(of: embedder, limit: limit, limitBytes: limitBytes / Self.vectorPart)
      keep(table.map { .kept(now, $0) } ?? .tooMany(now))
      return table
    default:
      keep(.met(now))
      return nil
    }
  }

  private func keep(_ vectors: KnownVectors) {
    state.withLock { state in
      state.bytes -= state.vectors?.bytes ?? 0
      state.vectors = nil
      makeRoom(&state, vectors.bytes)
      state.vectors = vectors
    }
  }

  /// A built-in character, read once.
  func character(_ id: String, _ read: () throws -> StoryCharacter) rethrows -> StoryCharacter {
    if let known = state.withLock({ $0.characters[id.spelling] }) { return known }
    let character = try read()
    state.withLock { $0.characters[id.spelling] = character }
    return character
  }

  /// Counts so many bytes more, and lets all go first where they would be too many: what is wanted often is soon back.
  private func makeRoom(_ state: inout State, _ bytes: Int) {
    if state.bytes + state.vocabulary.bytes + bytes > limitBytes {
      state.pages = [:]
      state.voices = [:]
      state.vectors = nil
      state.vocabulary = Vocabulary(state.vocabulary.vectors)
      state.bytes = 0
    }
    state.bytes += bytes
  }
}

/// A page that was read, and what was found out about it since. Its identity is that reading.
final class KnownPage: Sendable {
  let page: StoredPage
  fileprivate let imprint: PageImprint
  private let findings = Mutex(Findings())

  private struct Findings {
    var words: (vocabulary: Vocabulary, numbers: [Int32])?
    var told: ToldPage?
  }

  fileprivate init(_ page: StoredPage, _ imprint: PageImprint) {
    self.page = page
    self.imprint = imprint
  }

  /// About what it takes with all that may be found out: the text, as it is told, and its words.
  fileprivate var bytes: Int { 3 * page.text.utf8.count + 4 * imprint.count + 512 }

  /// Its words, each once, as the vocabulary numbers them.
  func words(in vocabulary: Vocabulary) -> [Int32] {
    findings.withLock { findings in
      if let words = findings.words, words.vocabulary === vocabulary { return words.numbers }
      let numbers = vocabulary.numbers(of: page.text)
      findings.words = (vocabulary, numbers)
      return numbers
    }
  }

  /// How it stands whole in a prompt when it is not the reader's own.
  var told: ToldPage {
    findings.withLock { findings in
      if let told = findings.told { return told }
      let told = ToldPage(id: page.id, title: page.title, text: page.text)
      findings.told = told
      return told
    }
  }
}
