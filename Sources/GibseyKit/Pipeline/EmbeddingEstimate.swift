// What embedding would take, before anything is embedded.

/// The texts that an embedder would be given, counted.
public struct EmbeddingEstimate {
  /// So many texts are kept to measure with.
  private static let sampleLimit = 8

  public private(set) var texts = 0
  /// Of the texts, what was said in conversations: a question and an answer a turn.
  public private(set) var turns = 0
  public private(set) var characters = 0
  /// By the one rule for all models, never too few: docs/design/0005-token-estimate.md.
  public private(set) var tokens = 0
  /// The first few of the texts.
  public private(set) var sample: [String] = []

  private let store: PageStore
  private let embedder: EmbedderRow?
  private var seen: Set<[UInt8]> = []
  private var replaced: Set<Spelling> = []

  /// - Parameter embedder: whose vectors the store has; nil for one that it does not know.
  public init(store: PageStore, embedder: EmbedderRow?) {
    self.store = store
    self.embedder = embedder
  }

  /// Counts the text of a page that would be written, unless it has vectors or was counted.
  public mutating func add(_ text: String, ofPage id: String) throws {
    replaced.insert(id.spelling)
    let key = Array(SHA256.digest(of: Array(text.utf8)).prefix(16))
    if let embedder, try store.hasVectors(ofText: key, embedder) { return }
    count(text, key)
  }

  /// Counts the texts of the pages that the store has, but for those that would be replaced.
  public mutating func addStored() throws {
    var wanting: [(key: [UInt8], text: String)] = []
    try store.forEachPageWanting(embedder) { id, key, text in
      if !replaced.contains(id.spelling) { wanting.append((key, text)) }
    }
    for page in wanting { count(page.text, page.key) }
  }

  /// Counts what was said in the conversations that the store has.
  public mutating func addTurns() throws {
    let conversations = ConversationStore(store)
    var last = 0
    while true {
      let batch = try conversations.turnsWantingVectors(of: embedder, after: last, limit: TurnEmbedding.batchTurns)
      guard let end = batch.last else { return }
      for text in TurnEmbedding.texts(of: batch) { count(text) }
      turns += batch.count
      last = end.id
    }
  }

  private mutating func count(_ text: String, _ key: [UInt8]) {
    guard seen.insert(key).inserted else { return }
    count(text)
  }

  private mutating func count(_ text: String) {
    texts += 1
    characters += text.count
    tokens += TokenEstimate.tokens(of: text)
    if sample.count < Self.sampleLimit { sample.append(text) }
  }
}
