// What a dry run says of embedding: how much, how long, for how much money.

extension IndexRun {
  /// Counts what `choice` would embed; nil where nobody would.
  func estimate(_ choice: EmbedderChoice, _ model: (any Embedder)?, _ store: PageStore) throws -> EmbeddingEstimate? {
    guard choice.embedsByItself else { return nil }
    let known = try store.embedders().first { row in
      guard let service = choice.service else { return row.fingerprint == model?.fingerprint.description }
      guard let remote = row.remote, remote.service == service else { return false }
      return try remote.model == context.remoteModel(service, knownTo: store)
    }
    return EmbeddingEstimate(store: store, embedder: known)
  }

  /// Says it. The embedded model is measured on a few of the texts; no server is asked.
  func tell(
    _ estimate: EmbeddingEstimate, _ choice: EmbedderChoice, _ model: (any Embedder)?, _ store: PageStore
  ) throws {
    let said = estimate.turns > 0 ? " (\(estimate.turns) turns of conversations among them)" : ""
    let size = "\(estimate.texts) texts\(said) would be embedded, \(estimate.characters) characters"
    guard estimate.texts > 0 else { return context.diagnostics.notice("no text would be embedded") }
    if let service = choice.service {
      var words = "\(size), about \(estimate.tokens) tokens, by \(try context.remoteModel(service, knownTo: store))"
      if let price = try context.settings.number(.embeddingPrice, upTo: PriceList.largestPrice) {
        let money = (Double(estimate.tokens) * price / 1e6 * 10_000).rounded(.up) / 10_000
        words += ", for about \(JSONNumber(money).text) at \(JSONNumber(price).text) a million tokens"
      }
      return context.diagnostics.notice(words)
    }
    guard let model else { return context.diagnostics.notice(size) }
    let sample = estimate.sample
    let start = context.now()
    _ = try Blocking.run { try await model.embed(sample) }
    let rate = Double(sample.reduce(0) { $0 + $1.count }) / max(context.now() - start, 1e-6)
    let seconds = (Double(estimate.characters) / max(rate, 1) * 10).rounded(.up) / 10
    context.diagnostics.notice(
      "\(size), in about \(JSONNumber(seconds).text) s: \(Int(rate)) characters/s, measured on \(sample.count) of them")
  }
}
