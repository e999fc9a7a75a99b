// The story over HTTP: what is shown, and that nothing behind the reader's page can be told from what is not there.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct StoryRouteTests {
  @Test func aPageIsItsRecordAndNamesItsNeighbours() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let response = try server.get("/api/v1/pages/p02?page=p05")
      #expect(response.status == 200)
      #expect(response.header("cache-control") == "no-store")
      #expect(
        response.body == """
          {"id":"p02","title":"Of canarybxx","character_id":"london-fox","page_index":2,"section":"Section canarybxx",\
          "motifs":["motif canarybxx"],"text":"The lantern swings, and canarybxx counts the boats.",\
          "previous_page_id":"p01","next_page_id":"p03"}

          """)
    }
  }

  @Test func theReadersOwnPageHasNoNextOneAndTheFirstNoPrevious() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      #expect(try server.get("/api/v1/pages/p05?page=p05").member("next_page_id") == nil)
      #expect(try server.get("/api/v1/pages/p05?page=p06").member("next_page_id") == .string("p06"))
      #expect(try server.get("/api/v1/pages/p01?page=p06").member("previous_page_id") == nil)
      #expect(try server.get("/api/v1/pages/p12").status == 200)
    }
  }

  @Test func aGatedPageIsAsAbsentAsOneThatIsNotThere() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let gated = try server.get("/api/v1/pages/p06?page=p05")
      let absent = try server.get("/api/v1/pages/p99?page=p05")
      #expect(gated.status == 404)
      #expect(gated.code == "UNKNOWN_PAGE")
      #expect(gated.timeless == absent.timeless)
      #expect(gated.lines.filter { !$0.hasPrefix("date") } == absent.lines.filter { !$0.hasPrefix("date") })
      #expect(try server.get("/api/v1/pages/p06?page_index=5").timeless == absent.timeless)
    }
  }

  @Test(arguments: ["page=p05", "page_index=5", "session=reader"])
  func nothingBehindTheReadersPageIsInAnyResponse(_ place: String) async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let id = try #require(SessionID("reader"))
      _ = try server.conversations().advance(id, to: (Story.id(5), 5), at: Timestamp(microseconds: 0))
      let targets =
        ["/api/v1/pages?limit=100&", "/api/v1/pages?cursor=5.p05&", "/api/v1/pages?character_id=jack-parlance&"]
        + [
          "/api/v1/pages?cursor=8.p08&", "/api/v1/search?q=lantern%20canaryhxx&",
          "/api/v1/search?q=canarylxx&limit=100&",
        ]
        + (1...12).map { "/api/v1/pages/\(Story.id($0))?" }
      for target in targets {
        let body = try server.get(target + place).body
        for secret in Story.secrets(after: 5) { #expect(!body.contains(secret), "\(target) tells \(secret)") }
      }
      #expect(try server.get("/api/v1/pages?limit=100&" + place).strings("pages", "id").count == 5)
    }
  }

  @Test func aDaemonOfTheWholeBookShowsEverything() async throws {
    var wishes = Story.wishes
    wishes.isWholeBook = true
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      #expect(try server.get("/api/v1/pages/p12?page=p05").status == 200)
      #expect(try server.get("/api/v1/search?q=canarylxx&page=p05").strings("hits", "id") == ["p12"])
      #expect(try server.get("/api/v1/pages/p12?page=p99").code == "UNKNOWN_PAGE")
    }
  }

  @Test func pagesComeInReadingOrderAFewAtATime() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      var cursor = ""
      var told: [[String]] = []
      while told.count < 10 {
        let response = try server.get("/api/v1/pages?limit=5&page=p11\(cursor)")
        told.append(response.strings("pages", "id"))
        guard let next = response.member("next_cursor")?.stringValue else { break }
        cursor = "&cursor=\(next)"
      }
      #expect(told == [(1...5).map(Story.id), (6...10).map(Story.id), [Story.id(11)]])
      let jacks = try server.get("/api/v1/pages?character_id=jack-parlance&page=p09&text=false")
      #expect(jacks.strings("pages", "id") == ["p07", "p08", "p09"])
      #expect(!jacks.body.contains("lantern"))
      #expect(try server.get("/api/v1/pages").strings("pages", "text").count == 12)
    }
  }

  /// A book whose places have gaps: p01 at 10, p02 at 20 … p12 at 120.
  private static var sparse: TestServer.Wishes {
    var wishes = Story.wishes
    wishes.story = Story.pages.map { page in
      var page = page
      page.pageIndex = page.pageIndex.map { $0 * 10 }
      return page
    }
    return wishes
  }

  @Test(arguments: [
    ("", "p01", 10), ("?up_to=10", "p01", 10), ("?up_to=59", "p05", 50), ("?up_to=60", "p06", 60),
    ("?up_to=9223372036854775807", "p12", 120), ("?page=p07", "p07", 70),
  ])
  func aPlaceIsThatOfTheLastPageWhichIsNotBehindIt(_ query: String, _ id: String, _ number: Int) async throws {
    try await TestServer.with(Self.sparse) { (server: TestServer) async throws -> Void in
      let response = try server.get("/api/v1/place\(query)")
      #expect(response.status == 200)
      #expect(
        response.body == """
          {"page_id":"\(id)","page_index":\(number),"first_page_index":10,"last_page_index":120}

          """)
    }
  }

  @Test(arguments: [
    ("?up_to=9", 404, "UNKNOWN_PAGE"), ("?up_to=0", 404, "UNKNOWN_PAGE"), ("?page=p99", 404, "UNKNOWN_PAGE"),
    ("?up_to=-1", 400, "BAD_REQUEST"), ("?up_to=x", 400, "BAD_REQUEST"), ("?page=p01&up_to=9", 400, "BAD_REQUEST"),
    ("?page_index=10", 400, "BAD_REQUEST"),
  ])
  func whereNoPageIsThereIsNoPlace(_ query: String, _ status: Int, _ code: String) async throws {
    try await TestServer.with(Self.sparse) { (server: TestServer) async throws -> Void in
      let response = try server.get("/api/v1/place\(query)")
      #expect(response.status == status)
      #expect(response.code == code)
    }
  }

  @Test func charactersComeWithTheirColoursAndWithoutPaths() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let response = try server.get("/api/v1/characters")
      #expect(response.strings("characters", "id") == StoryCharacter.knownIDs)
      #expect(
        response.body.contains(
          ##"{"id":"london-fox","name":"London Fox","colour":"#e5b3b3","source":"built-in"}"##))
    }
  }

  @Test func searchTellsWhyAPageWasFound() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let response = try server.get("/api/v1/search?q=Where+is+canarycxx%3F&page=p05&limit=2")
      #expect(response.status == 200)
      #expect(response.strings("hits", "id") == ["p03"])
      #expect(response.body.contains("\"reasons\":{\"keywords\":"))
    }
  }

  @Test(arguments: [
    ("/api/v1/pages?limit=0", 400, "BAD_REQUEST", "limit: wanted a number from 1 to 100"),
    ("/api/v1/pages?limit=many", 400, "BAD_REQUEST", "limit: wanted a number from 1 to 100"),
    ("/api/v1/pages?cursor=p05", 400, "BAD_REQUEST", "cursor: wanted the next_cursor of an answer"),
    ("/api/v1/pages?text=maybe", 400, "BAD_REQUEST", "text: wanted 1 or 0, true or false"),
    ("/api/v1/pages?character_id=nobody", 404, "UNKNOWN_CHARACTER", "unknown character nobody"),
    (
      "/api/v1/pages?charakter=x", 400, "BAD_REQUEST",
      "unknown parameter charakter: wanted page, page_index, session, character_id, limit, cursor, text"
    ),
    ("/api/v1/pages?page=p01&page=p12", 400, "BAD_REQUEST", "page: given twice"),
    ("/api/v1/pages?page=p01&page_index=12", 400, "BAD_REQUEST", "page and page_index exclude each other"),
    ("/api/v1/pages?page=", 400, "BAD_REQUEST", "page: empty"),
    ("/api/v1/pages?page=p99", 404, "UNKNOWN_PAGE", "unknown page p99"),
    ("/api/v1/pages?page_index=13", 404, "UNKNOWN_PAGE", "unknown page 13"),
    (
      "/api/v1/pages?session=a%2Fb", 400, "BAD_REQUEST",
      "session: wanted 1 to 128 of A-Z a-z 0-9 . _ -, but not . or .."
    ),
    ("/api/v1/pages?session=nobody", 404, "UNKNOWN_SESSION", "unknown session nobody"),
    ("/api/v1/search", 400, "BAD_REQUEST", "q: missing; wanted what to look for"),
    ("/api/v1/search?q=%20", 400, "BAD_REQUEST", "the question is empty"),
    ("/api/v1/characters?x=1", 400, "BAD_REQUEST", "unknown parameter x: wanted no parameters"),
    ("/api/v1/stats?x=1", 400, "BAD_REQUEST", "unknown parameter x: wanted no parameters"),
  ]) func whatIsWrongIsToldWithWhatWasWanted(
    _ target: String, _ status: Int, _ code: String, _ message: String
  ) async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let response = try server.get(target)
      #expect(response.status == status)
      #expect(response.code == code)
      #expect(response.json?.objectValue?["data"]?.objectValue?["message"]?.stringValue == message)
    }
  }

  @Test func everyRouteAnswersHEADAndRefusesOtherMethods() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      let targets = [
        "/metrics", "/api/v1/stats", "/api/v1/characters", "/api/v1/place", "/api/v1/pages", "/api/v1/pages/p01",
      ]
      for target in targets + ["/api/v1/search?q=lantern"] {
        let client = try server.client()
        try client.send("HEAD \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nConnection: close\r\n\r\n")
        let text = try client.takeAll()
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.hasSuffix("\r\n\r\n"), "\(target)")
        let refused = try server.post(target, "{}")
        #expect(refused.status == 405)
        #expect(refused.header("allow") == "GET, HEAD")
      }
    }
  }
}

@Suite struct ForeignPageTests {
  private static let origin = "Origin: https://story.example"

  private static func preflight(_ server: TestServer, _ target: String, _ origin: String) throws -> RawResponse {
    let client = try server.client()
    try client.send(
      "OPTIONS \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\(origin)\r\n"
        + "Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n")
    return RawResponse(try client.takeAll())
  }

  @Test func aPageThatMayAskIsToldHowBeforeItAsks() async throws {
    var wishes = Story.wishes
    wishes.origins = ["https://story.example"]
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdef\n", path: "tokens")
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let response = try Self.preflight(server, "/api/v1/ask", Self.origin)
      #expect(response.status == 204)
      #expect(response.header("access-control-allow-origin") == "https://story.example")
      #expect(response.header("access-control-allow-methods") == "POST")
      #expect(response.header("access-control-allow-headers") == "authorization, content-type")
      let asked = "\(Self.origin)\r\nAccess-Control-Request-Headers: x-stainless-lang,x_y, *, a b,\u{E9}"
      #expect(
        try Self.preflight(server, "/api/v1/ask", asked).header("access-control-allow-headers")
          == "authorization, content-type, x-stainless-lang, x_y")
      #expect(response.header("vary") == "Origin")
      #expect(
        try Self.preflight(server, "/api/v1/pages", Self.origin).header("access-control-allow-methods") == "GET, HEAD")
      #expect(try Self.preflight(server, "/nothing", Self.origin).status == 404)
      #expect(try Self.preflight(server, "/api/v1/ask", "Origin: https://other.example").status == 403)
      #expect(try Self.preflight(server, "/api/v1/ask", "X-Nothing: x").status == 405)
      let token = "Authorization: Bearer 0123456789abcdef"
      let got = try server.get("/api/v1/characters", Self.origin, token)
      #expect(got.header("access-control-allow-origin") == "https://story.example")
    }
  }
}

extension RawResponse {
  /// The head of all that came.
  fileprivate init(_ text: String) {
    let lines = text.split(separator: "\r\n").map(String.init)
    let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    self.init(status: status ?? 0, lines: Array(lines.dropFirst()), body: "")
  }
}
