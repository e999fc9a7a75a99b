// Gives every page its vectors: the texts that have none are embedded in batches, and a batch is whole or not there.

/// Embeds what an embedder has not seen yet.
public struct VectorIndexing {
  /// Where a run is.
  public struct Progress: Sendable {
    public var pages: Int
    public var wantedPages: Int
    public var seconds: Double
  }

  /// What came of a run.
  public struct Outcome: Sendable, Equatable {
    /// Texts that were embedded.
    public var embedded = 0
    /// The ids of pages whose end the embedder did not read.
    public var truncated: [String] = []

    public init() {}
  }

  /// A batch is as large as this: what a kill loses.
  static let batchPages = 64

  private let pages: PageWriter
  private let vectors: VectorWriter
  private let fingerprint: EmbeddingFingerprint
  private let embed: ([String]) throws -> [TextEmbedding]
  private let now: () -> Double

  /// - Parameters:
  ///   - fingerprint: of what `embed` gives, one embedding for each text, in their order.
  ///   - now: seconds of a clock that never goes back.
  public init(
    store: PageStore, fingerprint: EmbeddingFingerprint, embed: @escaping ([String]) throws -> [TextEmbedding],
    now: @escaping () -> Double
  ) throws {
    pages = try store.writer()
    vectors = try store.vectorWriter(pages)
    self.fingerprint = fingerprint
    self.embed = embed
    self.now = now
  }

  /// Embeds every text that has no vectors of this embedder, then has searches use it: a reader finds either what was there
  /// before or all of it.
  /// - Throws: what the embedder throws, `GibseyError.embedderMisbehaved`, and database errors. Committed batches stay.
  public func run(progress: (Progress) -> Void) throws -> Outcome {
    let start = now()
    let coding = VectorCoding(
      dimensions: fingerprint.dimensions, precision: fingerprint.precision)
    try pages.begin()
    let row = try vectors.embedder(fingerprint.description, coding: coding)
    try pages.commit()
    var outcome = Outcome()
    let wanted = try vectors.countWanting(row).pages
    var done = 0
    var last = -1
    while true {
      let batch = try vectors.wanting(row, after: last, limit: Self.batchPages)
      guard let end = batch.last else { break }
      try write(batch, row, &outcome)
      last = end.row
      done += batch.count
      progress(Progress(pages: done, wantedPages: wanted, seconds: now() - start))
    }
    if !row.isActive {
      try pages.begin()
      try vectors.activate(row)
      try pages.commit()
    }
    try pages.finish()
    return outcome
  }

  private func write(_ batch: [VectorWriter.Wanting], _ row: EmbedderRow, _ outcome: inout Outcome) throws {
    // The same text under two ids is embedded once.
    var placeOfKey: [[UInt8]: Int] = [:]
    var texts: [String] = []
    for page in batch where placeOfKey[page.key] == nil {
      placeOfKey[page.key] = texts.count
      texts.append(page.text)
    }
    let embeddings = try embed(texts)
    guard embeddings.count == texts.count else {
      throw GibseyError.embedderMisbehaved(
        embedder: fingerprint.model, reason: "\(texts.count) texts gave \(embeddings.count) embeddings")
    }
    try pages.begin()
    do {
      for page in batch {
        guard let place = placeOfKey[page.key] else { continue }
        let embedding = embeddings[place]
        guard embedding.windows.allSatisfy({ $0.dimensions == row.coding.dimensions }) else {
          throw GibseyError.dimensionsChanged(
            embedder: fingerprint.model, was: row.coding.dimensions, now: embedding.windows[0].dimensions)
        }
        try vectors.write(embedding.windows, of: page, row)
        if embedding.isTruncated { outcome.truncated.append(page.id) }
      }
      try pages.commit()
    } catch {
      pages.rollBack()
      throw error
    }
    outcome.embedded += texts.count
  }
}

extension EmbeddingFingerprint {
  /// Several vectors a page may each be coarse; one must be fine.
  var precision: VectorCoding.Precision { windows.isEmpty ? .int12 : .int4 }
}
