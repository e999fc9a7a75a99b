// The second verb: a question becomes a prompt with the pages that matter, none of them after the reader's page.

/// Builds prompts from one store. Same store, same request: same bytes.
public struct ContextBuilding {
  /// What holds for requests that do not say.
  public struct Defaults: Sendable {
    public var characterID: String?
    public var currentPageID: String?
    public var budgetTokens = 6000
    /// Tokens of the model for each token of the estimate.
    public var tokenFactor = 1.0
    /// Lifts the gate: the whole book may be searched.
    public var isWholeBook = false
    /// What the character knows of the pages that the reader has read.
    public var knowledge = Knowledge.reader
    /// The name of a conversation.
    public var sessionID: SessionID?
    /// What is followed there.
    public var parent = TurnParent.newest
    /// Whether a character hears what the conversation's other characters said.
    public var isScene = false

    public init() {}
  }

  /// Pages looked at for one prompt.
  static let candidateLimit = 20
  /// Passages offered to a prompt: those that it takes, and as many in the place of those whose pages it has.
  static let sampleLimit = 2 * PromptSamples.countLimit

  private let store: PageStore
  private let searching: Searching
  private let embed: (String) throws -> [Float]?
  private let isEmbedding: (String) -> Bool
  private let defaults: Defaults
  private let speakers: Speakers
  private let known: KnownPages
  private let memory: SessionMemory?

  /// - Parameters:
  ///   - searching: finds pages in the store.
  ///   - embed: the vector of a question; nil to search by keywords alone.
  ///   - isEmbedding: whether that vector is being made already.
  ///   - memory: the conversations of the store; nil to have none.
  ///   - known: what is known of the story's pages from the questions before.
  public init(
    store: PageStore, searching: Searching, embed: @escaping (String) throws -> [Float]? = { _ in nil },
    isEmbedding: @escaping (String) -> Bool = { _ in false }, defaults: Defaults, cast: Cast = Cast(),
    memory: SessionMemory? = nil, known: KnownPages = KnownPages()
  ) {
    self.store = store
    self.searching = searching
    self.embed = embed
    self.isEmbedding = isEmbedding
    self.defaults = defaults
    self.memory = memory
    self.known = known
    speakers = Speakers(store: store, cast: cast, known: known)
  }

  /// The prompt for a question.
  /// - Throws: `GibseyError.emptyQuestion`, `.unknownCharacter`, `.unknownPage`, `.budgetTooSmall`, `.questionTooLong`,
  ///   and database errors.
  public func prompt(for request: ChatRequest) throws -> Prompt {
    // Of one state of the database, which is read once: after a change each transaction reads it anew.
    try store.reading { try builtPrompt(for: request) }
  }

  private func builtPrompt(for request: ChatRequest) throws -> Prompt {
    let request = try completed(request)
    let speaker = try speakers.speaker(request.characterID)
    let place = try place(of: request)
    let budget = request.options?.budgetTokens ?? defaults.budgetTokens
    let factor = TokenFactor(defaults.tokenFactor)
    var material = PromptMaterial(
      character: speaker.character, request: request, candidates: [],
      terms: KeywordQuery(question: request.prompt).terms,
      gatePageID: place.gate?.id, budgetTokens: factor.estimated(budget))
    if place.current?.id.spelling != place.gate?.id.spelling { material.currentPageID = place.current?.id }
    material.conversation =
      try conversation(for: request, upTo: place.gate?.pageIndex, budgetTokens: material.budgetTokens)
      ?? PromptConversation()
    material.lore = try speakers.lore(
      of: speaker, for: request, after: material.conversation, upTo: place.gate?.pageIndex,
      budgetTokens: material.budgetTokens)
    material.samples = try samples(of: request.characterID, upTo: place.gate?.pageIndex)
    // The search is the last, for it waits for the question's vector.
    if let current = place.current, try isKnown(current, place) { material.candidates.append(Self.current(current)) }
    let found = try search(request, place, limit: Self.candidateLimit + 1)
      .filter { $0.page.id.spelling != place.current?.id.spelling }
    for (rank, item) in found.prefix(Self.candidateLimit).enumerated() {
      material.candidates.append(Self.candidate(item, rank: rank + 1))
    }
    do {
      return factor.real(try PromptBuilder.prompt(material), budgetTokens: budget)
    } catch {
      throw factor.real(error, budgetTokens: budget)
    }
  }

  /// What was said before, as far as the reader knows.
  private func conversation(
    for request: ChatRequest, upTo gate: Int?, budgetTokens: Int
  ) throws -> PromptConversation? {
    guard defaults.isScene else {
      return try memory?.conversation(
        for: request, vector: vector(of: request), gate: gate, budgetTokens: budgetTokens)
    }
    return try memory?.scene(for: request, gate: gate, budgetTokens: budgetTokens) { id in
      do { return try speakers.speaker(id).character.name } catch GibseyError.unknownCharacter(let id, _) { return id }
    }
  }

  /// How a character has spoken, as far as the reader knows.
  private func samples(of characterID: String?, upTo gate: Int?) throws -> [VoiceSample] {
    guard let characterID, let largest = VoiceSamples.poolSizes.last else { return [] }
    return try store.reading {
      let imprint = try store.ownPagesImprint(of: characterID, upTo: gate, limit: largest)
      return try known.samples(of: imprint) {
        let pages = try store.ownPages(
          of: characterID, upTo: gate, limit: largest, textLimitCharacters: VoiceSamples.pageLimitCharacters)
        return VoiceSamples.best(of: Array(VoiceSamples.pool(pages)), limit: Self.sampleLimit)
      }
    }
  }

  /// - Throws: `GibseyError.unknownCharacter` when there is no such character.
  public func checkCharacter(_ id: String) throws { _ = try speakers.speaker(id) }

  /// The pages found for a question, best first, as the prompt would be offered them.
  /// - Throws: as `prompt` does, but for the budget.
  public func hits(for request: ChatRequest, limit: Int) throws -> [Hit] {
    let request = try sought(request)
    let place = try place(of: request)
    return try search(request, place, limit: limit).enumerated().map { rank, item in
      Hit(
        id: item.page.id, title: item.page.title, characterID: item.page.characterID,
        pageIndex: item.page.pageIndex, score: Self.rounded(item.evidence.score),
        reasons: Self.reasons(item.evidence, rank: rank + 1), requestID: request.requestID)
    }
  }

  /// Every page that was looked at for a prompt, best first, with what became of it; none that is gated. The reader's own page,
  /// where the search did not find it, is the first, and has no rank.
  public func candidates(for request: ChatRequest, in prompt: Prompt) throws -> [CandidateRecord] {
    let kept = Dictionary(prompt.pages.map { ($0.id.spelling, $0) }, uniquingKeysWith: { first, _ in first })
    let dropped = Dictionary(
      prompt.leftOut.filter { $0.kind == "page" }.map { ($0.id.spelling, $0) }, uniquingKeysWith: { first, _ in first })
    let looked = try candidates(for: request, limit: Searching.candidates) { record in
      let id = record.id.spelling
      record.verdict = kept[id].map { $0.isExcerpt ? .excerpt : .kept } ?? .dropped
      record.tokens = kept[id]?.tokens ?? dropped[id]?.tokens
      if record.verdict == .dropped { record.reason = dropped[id]?.reason ?? "rank" }
    }
    let request = try completed(request)
    guard let current = try place(of: request).current else { return looked }
    let id = current.id.spelling
    guard !looked.contains(where: { $0.id.spelling == id }), kept[id] != nil || dropped[id] != nil else {
      return looked
    }
    var record = Self.record(current, kept[id].map { $0.isExcerpt ? .excerpt : .kept } ?? .dropped, request)
    record.reasons = Self.current(current).reasons
    record.tokens = kept[id]?.tokens ?? dropped[id]?.tokens
    record.reason = kept[id] == nil ? dropped[id]?.reason : nil
    return [record] + looked
  }

  /// Every page that was looked at for a search, best first; the first `count` are kept.
  public func candidates(for request: ChatRequest, kept count: Int) throws -> [CandidateRecord] {
    try candidates(for: request, limit: max(count, Searching.candidates)) { record in
      guard let rank = record.rank, rank > count else { return }
      record.verdict = .dropped
      record.reason = "rank"
    }
  }

  private func candidates(
    for request: ChatRequest, limit: Int, judge: (inout CandidateRecord) -> Void
  ) throws -> [CandidateRecord] {
    let request = try sought(request)
    let place = try place(of: request)
    return try search(request, place, limit: limit).enumerated().map { rank, item in
      var record = Self.record(item, rank: rank + 1, request)
      judge(&record)
      return record
    }
  }

  /// What became of one page; of a page that the reader has not reached nothing but that.
  /// - Throws: `GibseyError.unknownPage` and what `prompt(for:)` throws.
  public func whyNot(_ id: String, for request: ChatRequest) throws -> CandidateRecord {
    let completed = try completed(request)
    let place = try place(of: completed)
    guard let page = try store.page(id: id) else {
      throw GibseyError.unknownPage(id: id, example: try store.firstPageID())
    }
    if let gate = place.gate, page.pageIndex > gate.pageIndex {
      var gated = CandidateRecord(id: id, verdict: .gated)
      gated.requestID = request.requestID
      return gated
    }
    guard try isKnown(page, place) else { return Self.record(page, .outside, request) }
    let prompt = try prompt(for: request)
    let isAsked = { (other: String) in other.spelling == id.spelling }
    if let candidate = try candidates(for: request, in: prompt).first(where: { isAsked($0.id) }) { return candidate }
    let all = try search(completed, place, limit: .max)
    if let rank = all.firstIndex(where: { isAsked($0.page.id) }) {
      var record = Self.record(all[rank], rank: rank + 1, completed)
      record.verdict = .dropped
      record.reason = "rank"
      return record
    }
    var record = Self.record(page, .unrelated, request)
    if let kept = prompt.pages.first(where: { isAsked($0.id) }) {
      record.verdict = kept.isExcerpt ? .excerpt : .kept
      record.reasons = kept.reasons
      record.tokens = kept.tokens
    }
    return record
  }

  /// Where the reader of a request is, whether or not that is a gate; nil where nobody knows.
  func readersPlace(of request: ChatRequest) throws -> Int? {
    let place = try place(of: try completed(request))
    return (place.gate ?? place.current)?.pageIndex
  }

  /// Whether the gate is lifted.
  var isWholeBook: Bool { defaults.isWholeBook }

  /// Where a page stands.
  func place(ofPage id: String) throws -> Int { try store.page(id: id)?.pageIndex ?? 0 }

  /// Where the reader is, up to where may be read, and which of it the character knows.
  private struct Place {
    var current: StoredPage?
    var gate: StoredPage?
    /// Nil for all of it.
    var scope: PageScope?
  }

  /// A request that says nothing of the conversation gets what the defaults say.
  private func completed(_ request: ChatRequest) throws -> ChatRequest {
    var request = request
    request.characterID = request.characterID ?? defaults.characterID
    request.currentPageID = request.currentPageID ?? defaults.currentPageID
    request.sessionID = request.sessionID ?? defaults.sessionID?.text
    if request.parent == .newest { request.parent = defaults.parent }
    return try memory?.completed(request) ?? request
  }

  /// The request of a search. Who is asked and the turn that is followed are not looked at, and must be there all the same.
  private func sought(_ request: ChatRequest) throws -> ChatRequest {
    let request = try completed(request)
    if let id = request.characterID { try checkCharacter(id) }
    try memory?.checkParent(of: request)
    return request
  }

  /// The last question of the session once more, to stand beside its old answer.
  /// - Throws: `GibseyError.unknownSession`, `.nothingToRetry`, and what is wrong with the page.
  public func again() throws -> ChatRequest {
    guard let memory else { throw GibseyError.unknownSession(id: defaults.sessionID?.text ?? "") }
    let request = try completed(ChatRequest(prompt: ""))
    return try memory.again(request, gate: try place(of: request, isAsking: false).gate?.pageIndex)
  }

  private func place(of request: ChatRequest, isAsking: Bool = true) throws -> Place {
    guard !isAsking || !request.prompt.allSatisfy(\.isWhitespace) else { throw GibseyError.emptyQuestion }
    let scope = try scope(of: request)
    guard let id = request.currentPageID else {
      return Place(gate: defaults.isWholeBook ? nil : try memory?.furthestPage(of: request), scope: scope)
    }
    guard let page = try store.page(id: id) else {
      throw GibseyError.unknownPage(id: id, example: try store.firstPageID())
    }
    return Place(current: page, gate: defaults.isWholeBook ? nil : page, scope: scope)
  }

  /// What the character knows, whatever the gate; nil for the whole book.
  /// - Throws: `GibseyError.knowledgeOfNobody`, `.unknownCharacter`.
  private func scope(of request: ChatRequest) throws -> PageScope? {
    let knowledge = request.options?.knowledge ?? defaults.knowledge
    guard knowledge != .reader else { return nil }
    guard let id = request.characterID else { throw GibseyError.knowledgeOfNobody(knowledge: knowledge.rawValue) }
    let names = try speakers.speaker(id).character.names
    return PageScope(characterID: id, names: knowledge == .mentioned ? names : [])
  }

  private func isKnown(_ page: StoredPage, _ place: Place) throws -> Bool {
    try place.scope.map { try store.isPage(page, of: $0) } ?? true
  }

  private func search(_ request: ChatRequest, _ place: Place, limit: Int) throws -> [Searching.Found] {
    let vector = try vector(of: request)
    return try searching.search(
      Searching.Query(
        text: request.prompt, vector: vector, isVectorOnItsWay: isEmbedding(request.prompt),
        gate: place.gate?.pageIndex, scope: place.scope),
      limit: limit)
  }

  /// The vector of a question: the one that it brings, else one that is made when it is asked for.
  private func vector(of request: ChatRequest) throws -> () throws -> [Float]? {
    let given = try request.vector.map { try searching.checked($0) }
    return { if let given { return given } else { return try embed(request.prompt) } }
  }

  /// Whether a question is compared with pages by a vector.
  func usesVector(for request: ChatRequest) throws -> Bool {
    try searching.usesVectors && vector(of: request)() != nil
  }

  private static func current(_ page: StoredPage) -> PromptMaterial.Candidate {
    var reasons = JSONObject()
    reasons["current"] = .bool(true)
    return PromptMaterial.Candidate(
      id: page.id, title: page.title, text: page.text, score: 0, reasons: reasons, isCurrent: true,
      place: page.pageIndex)
  }

  private static func candidate(_ item: Searching.Found, rank: Int) -> PromptMaterial.Candidate {
    PromptMaterial.Candidate(
      id: item.page.id, title: item.page.title, text: item.page.text, score: rounded(item.evidence.score),
      reasons: reasons(item.evidence, rank: rank), isCurrent: false, place: item.page.pageIndex, told: item.known.told)
  }

  private static func record(
    _ page: StoredPage, _ verdict: CandidateRecord.Verdict, _ request: ChatRequest
  ) -> CandidateRecord {
    var record = CandidateRecord(id: page.id, verdict: verdict)
    record.title = page.title
    record.pageIndex = page.pageIndex
    record.requestID = request.requestID
    return record
  }

  private static func record(_ item: Searching.Found, rank: Int, _ request: ChatRequest) -> CandidateRecord {
    var record = record(item.page, .kept, request)
    record.rank = rank
    record.score = rounded(item.evidence.score)
    record.reasons = reasons(item.evidence, rank: nil)
    return record
  }

  /// Why a page was found: BM25, the cosine with the nearest part of the page, the share of the question covered.
  private static func reasons(_ evidence: PageEvidence, rank: Int?) -> JSONObject {
    var reasons = JSONObject()
    if evidence.keywords > 0 { reasons["keywords"] = .number(JSONNumber(rounded(evidence.keywords))) }
    if let meaning = evidence.meaning { reasons["meaning"] = .number(JSONNumber(rounded(meaning))) }
    if evidence.coverage > 0 { reasons["coverage"] = .number(JSONNumber(rounded(evidence.coverage))) }
    if evidence.closeness > 0 { reasons["closeness"] = .number(JSONNumber(rounded(evidence.closeness))) }
    if let rank { reasons["rank"] = .number(JSONNumber(rank)) }
    return reasons
  }

  /// Four decimals tell pages apart and keep the bytes the same everywhere.
  private static func rounded(_ score: Double) -> Double { (score * 10_000).rounded() / 10_000 }
}
