// The story behind the reader's page: who is in it, its pages, what is found in them.
import GibseyKit
import NIOHTTP1

extension Response {
  /// What is for this reader alone: nobody keeps it.
  static func story(_ write: (inout JSONWriter) -> Void) -> Response {
    json(.ok, write).header("cache-control", "no-store")
  }
}

extension Refusal {
  /// There is none, or it is behind the reader's page: the same words, byte for byte.
  static let noSuchPage = Refusal(
    status: .notFound, code: "UNKNOWN_PAGE", message: "there is no such page as far as you have read")
}

extension Route {
  /// Who may speak.
  static let characters = Route(.GET, "/api/v1/characters") { request, service in
    try request.query.allow()
    let characters = try await service.room.read { try $0.browsing.characters() }
    return .story { writer in
      writer.key("characters")
      writer.array(characters) { writer, character in
        writer.object { character.shown.write(to: &$0) }
      }
    }
  }

  /// Where a page stands in the book as it is now, without anything of the page.
  static let place = Route(.GET, "/api/v1/place") { request, service in
    try request.query.allow("page", "up_to")
    let (page, number) = (try request.query.text("page"), try request.query.integer("up_to", in: 0...Int.max))
    guard page == nil || number == nil else { throw Refusal.badRequest("page and up_to exclude each other") }
    let wanted = page.map { Browsing.WantedPlace.page(id: $0) } ?? number.map { .upTo($0) } ?? .first
    let found = try await service.room.read { try $0.browsing.bookmark(wanted) }
    return .story { writer in
      writer.member("page_id", found.place.id)
      writer.member("page_index", found.place.pageIndex)
      writer.member("first_page_index", found.first.pageIndex)
      writer.member("last_page_index", found.last.pageIndex)
    }
  }

  /// The pages in reading order, a few at a time.
  static let pages = Route(.GET, "/api/v1/pages") { request, service in
    try request.query.allow("page", "page_index", "session", "character_id", "limit", "cursor", "text")
    let reader = try request.reader()
    let query = PageQuery(
      characterID: try request.query.text("character_id"), after: try request.cursor(),
      limit: try request.query.integer("limit", in: 1...100) ?? 20)
    let hasText = try request.query.flag("text") ?? true
    let (pages, next) = try await service.room.read { reading in
      if let id = query.characterID { try reading.building.checkCharacter(id) }
      return try reading.browsing.pages(query, for: reader)
    }
    for page in pages where hasText && request.showsBody { service.notePageRead(page.id, by: reader) }
    return .story { writer in
      writer.key("pages")
      writer.array(pages) { writer, page in writer.object { $0.page(page, hasText: hasText) } }
      writer.key("next_cursor")
      if let next { writer.string("\(next.pageIndex).\(next.id)") } else { writer.null() }
    }
  }

  /// One page, and those beside it.
  static let storyPage = Route(.GET, "/api/v1/pages/{id}") { request, service in
    try request.query.allow("page", "page_index", "session")
    let (reader, id) = (try request.reader(), request.parameter("id"))
    guard let leaf = try await service.room.read({ try $0.browsing.leaf(id, for: reader) }) else {
      throw Refusal.noSuchPage
    }
    if request.showsBody { service.notePageRead(leaf.page.id, by: reader) }
    return .story { writer in
      writer.page(leaf.page, hasText: true)
      writer.member("previous_page_id", leaf.previousID)
      writer.member("next_page_id", leaf.nextID)
    }
  }

  /// The pages that a question finds, best first.
  static let search = Route(.GET, "/api/v1/search") { request, service in
    try request.query.allow("q", "limit", "page", "page_index", "session")
    guard let question = request.query["q"] else { throw Refusal.badRequest("q: missing; wanted what to look for") }
    let (reader, limit) = (try request.reader(), try request.query.integer("limit", in: 1...100) ?? 10)
    let hits = try await service.room.read { reading in
      let gate = try reading.browsing.gate(of: reader)
      return try reading.building.hits(for: ChatRequest(prompt: question, currentPageID: gate?.id), limit: limit)
    }
    return .story { writer in
      writer.key("hits")
      writer.array(hits) { writer, hit in writer.object { hit.write(to: &$0) } }
    }
  }
}

extension Service {
  /// The text of a page was shown.
  fileprivate func notePageRead(_ id: String, by reader: Browsing.Reader) {
    events.note(.pageRead) { $0.with("page_id", id).with("session_id", reader.sessionID?.text) }
  }
}

extension Request {
  /// Whether what is answered is seen: HEAD shows nothing.
  fileprivate var showsBody: Bool { method != .HEAD }

  /// Behind which page the next ones are wanted: the `next_cursor` of the ones before.
  fileprivate func cursor() throws -> PagePlace? {
    guard let text = query["cursor"] else { return nil }
    let parts = text.split(separator: ".", maxSplits: 1)
    guard parts.count == 2, let index = Int(parts[0]), index > 0 else {
      throw Refusal.badRequest("cursor: wanted the next_cursor of an answer")
    }
    return PagePlace(pageIndex: index, id: String(parts[1]))
  }
}

extension CharacterListing {
  /// The same without the path of its file, which is nobody's business.
  fileprivate var shown: CharacterListing {
    let known = [CharacterListing.builtIn, CharacterListing.card]
    return CharacterListing(id: id, name: name, colour: colour, source: known.contains(source) ? source : "own")
  }
}

extension JSONWriter {
  /// The fields of a page as its record has them.
  fileprivate mutating func page(_ stored: StoredPage, hasText: Bool) {
    guard !hasText else { return stored.page.write(to: &self) }
    member("id", stored.id)
    member("title", stored.title)
    member("character_id", stored.characterID)
    member("page_index", stored.pageIndex)
    member("section", stored.section)
  }
}
