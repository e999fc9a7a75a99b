// The parts that a prompt is built with, put together: for gibsey-context, and for whoever builds prompts as it does.

extension ContextBuilding {
  /// Builds prompts from a store: finds pages by words and by the vectors that the store has, remembers conversations.
  /// - Parameters:
  ///   - questions: makes vectors of questions, for the store's active embedder.
  ///   - known: what is known of the story's pages from the questions before.
  public init(
    store: PageStore, embedder: EmbedderRow?, questions: QuestionEmbedder, searching: Searching.Options,
    defaults: Defaults, cast: Cast, known: KnownPages = KnownPages()
  ) throws {
    let words = { try questions.words() }
    self.init(
      store: store,
      searching: try Searching(store: store, embedder: embedder, words: words, known: known, options: searching),
      embed: { try questions.vector(of: $0) }, isEmbedding: { questions.isMaking($0) }, defaults: defaults, cast: cast,
      memory: try SessionMemory(store, embedder: searching.mode == .keywords ? nil : embedder, words: words),
      known: known)
  }
}
