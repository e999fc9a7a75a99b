// Gives turns their vectors: when their answers have ended, and whatever was missed when pages are embedded.

/// Embeds turns that have no vectors yet.
public struct TurnEmbedding {
  /// A batch is one transaction: others may write between two.
  static let batchTurns = 32

  private let store: ConversationStore
  private let embed: ([String]) throws -> [TextEmbedding]

  /// - Parameter embed: one embedding for each text, in their order, by the embedder whose row `run` is given.
  public init(store: ConversationStore, embed: @escaping ([String]) throws -> [TextEmbedding]) {
    self.store = store
    self.embed = embed
  }

  /// Embeds what has no vectors, question and answer apart; returns how many turns that were.
  /// - Parameter after: turns of larger numbers alone.
  /// - Throws: what `embed` throws, `GibseyError.embedderMisbehaved`, and database errors. Batches that were written stay.
  public func run(_ embedder: EmbedderRow, after first: Int = 0) throws -> Int {
    var last = first
    var count = 0
    while true {
      let batch = try store.turnsWantingVectors(of: embedder, after: last, limit: Self.batchTurns)
      guard let end = batch.last else { return count }
      try store.write(
        try Self.vectors(of: batch, try embed(Self.texts(of: batch)), embedder), of: batch, embedder)
      last = end.id
      count += batch.count
    }
  }

  /// What is embedded of turns: each question, and each answer.
  static func texts(of turns: [TurnWantingVectors]) -> [String] { turns.flatMap { [$0.question, $0.answer] } }

  /// The vectors of each turn: those of its question, then those of its answer.
  static func vectors(
    of turns: [TurnWantingVectors], _ embeddings: [TextEmbedding], _ embedder: EmbedderRow
  ) throws -> [[UnitVector]] {
    guard embeddings.count == 2 * turns.count,
      embeddings.allSatisfy({ $0.windows.allSatisfy { $0.dimensions == embedder.coding.dimensions } })
    else {
      throw GibseyError.embedderMisbehaved(
        embedder: embedder.fingerprint, reason: "\(2 * turns.count) texts gave \(embeddings.count) embeddings")
    }
    return turns.indices.map { embeddings[2 * $0].windows + embeddings[2 * $0 + 1].windows }
  }
}
