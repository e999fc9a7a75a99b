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

    public init() {}
  }

  /// Pages looked at for one prompt.
  static let candidateLimit = 20

  private let store: PageStore
  private let defaults: Defaults
  private let speakers: Speakers

  public init(store: PageStore, defaults: Defaults, cast: Cast = Cast()) {
    self.store = store
    self.defaults = defaults
    speakers = Speakers(store: store, cast: cast)
  }

  /// The prompt for a question.
  /// - Throws: `GibseyError.emptyQuestion`, `.unknownCharacter`, `.unknownPage`, `.budgetTooSmall`, `.questionTooLong`,
  ///   and database errors.
  public func prompt(for request: ChatRequest) throws -> Prompt {
    let request = completed(request)
    let speaker = try speakers.speaker(request.characterID)
    let place = try place(of: request)
    let query = KeywordQuery(question: request.prompt)
    var candidates: [PromptMaterial.Candidate] = []
    if let current = place.current { candidates.append(Self.current(current)) }
    let matches = try search(query, upTo: place.gate, limit: Self.candidateLimit + 1)
      .filter { $0.page.id != place.current?.id }
    for (rank, match) in matches.prefix(Self.candidateLimit).enumerated() {
      candidates.append(Self.candidate(match, rank: rank + 1))
    }
    let budget = request.options?.budgetTokens ?? defaults.budgetTokens
    let factor = TokenFactor(defaults.tokenFactor)
    var material = PromptMaterial(
      character: speaker.character, request: request, candidates: candidates, terms: query.terms,
      gatePageID: place.gate?.id, budgetTokens: factor.estimated(budget))
    material.lore = try speakers.lore(
      of: speaker, for: request, upTo: place.gate?.pageIndex, budgetTokens: material.budgetTokens)
    do {
      return factor.real(try PromptBuilder.prompt(material), budgetTokens: budget)
    } catch {
      throw factor.real(error, budgetTokens: budget)
    }
  }

  /// - Throws: `GibseyError.unknownCharacter` when there is no such character.
  public func checkCharacter(_ id: String) throws { _ = try speakers.speaker(id) }

  /// The pages found for a question, best first, as the prompt would be offered them.
  public func hits(for request: ChatRequest, limit: Int) throws -> [Hit] {
    let request = completed(request)
    let place = try place(of: request)
    let matches = try search(KeywordQuery(question: request.prompt), upTo: place.gate, limit: limit)
    return matches.enumerated().map { rank, match in
      Hit(
        id: match.page.id, title: match.page.title, characterID: match.page.characterID,
        pageIndex: match.page.pageIndex, score: Self.rounded(match.score),
        reasons: Self.reasons(match, rank: rank + 1), requestID: request.requestID)
    }
  }

  /// Where the reader is, and up to where may be read.
  private struct Place {
    var current: StoredPage?
    var gate: StoredPage?
  }

  private func completed(_ request: ChatRequest) -> ChatRequest {
    var request = request
    request.characterID = request.characterID ?? defaults.characterID
    request.currentPageID = request.currentPageID ?? defaults.currentPageID
    return request
  }

  private func place(of request: ChatRequest) throws -> Place {
    guard !request.prompt.allSatisfy(\.isWhitespace) else { throw GibseyError.emptyQuestion }
    guard let id = request.currentPageID else { return Place() }
    guard let page = try store.page(id: id) else {
      throw GibseyError.unknownPage(id: id, example: try store.firstPageID())
    }
    return Place(current: page, gate: defaults.isWholeBook ? nil : page)
  }

  private func search(_ query: KeywordQuery, upTo gate: StoredPage?, limit: Int) throws -> [KeywordMatch] {
    guard let match = query.matchExpression else { return [] }
    return try store.search(match, upToPageIndex: gate?.pageIndex, limit: limit)
  }

  private static func current(_ page: StoredPage) -> PromptMaterial.Candidate {
    var reasons = JSONObject()
    reasons["current"] = .bool(true)
    return PromptMaterial.Candidate(
      id: page.id, title: page.title, text: page.text, score: 0, reasons: reasons, isCurrent: true)
  }

  private static func candidate(_ match: KeywordMatch, rank: Int) -> PromptMaterial.Candidate {
    PromptMaterial.Candidate(
      id: match.page.id, title: match.page.title, text: match.page.text, score: rounded(match.score),
      reasons: reasons(match, rank: rank), isCurrent: false)
  }

  private static func reasons(_ match: KeywordMatch, rank: Int) -> JSONObject {
    var reasons = JSONObject()
    reasons["keywords"] = .number(JSONNumber(rounded(match.score)))
    reasons["rank"] = .number(JSONNumber(rank))
    return reasons
  }

  /// Four decimals tell pages apart and keep the bytes the same everywhere.
  private static func rounded(_ score: Double) -> Double { (score * 10_000).rounded() / 10_000 }
}
