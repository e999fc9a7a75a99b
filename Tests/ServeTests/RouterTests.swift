// Paths, patterns and queries, without a network.
import GibseyKit
import NIOHTTP1
import Testing

@testable import gibsey_serve

@Suite struct RouterTests {
  private static let router = Router(routes: [
    Route(.GET, "/") { _, _ in .text("top") },
    Route(.GET, "/pages") { _, _ in .text("pages") },
    Route(.GET, "/pages/{id}") { _, _ in .text("page") },
    Route(.POST, "/pages/{id}") { _, _ in .text("posted") },
  ])

  private func found(_ method: HTTPMethod, _ path: String) throws -> String {
    let (route, parameters) = try Self.router.route(method, Path(path[...]))
    return "\(route.method) \(route.pattern)" + (parameters["id"].map { " " + $0 } ?? "")
  }

  @Test func aPathFindsItsPattern() throws {
    #expect(try found(.GET, "/") == "GET /")
    #expect(try found(.HEAD, "/pages") == "GET /pages")
    #expect(try found(.POST, "/pages/7") == "POST /pages/{id} 7")
  }

  @Test func aSegmentIsDecodedOnceAndMayHoldASlash() throws {
    #expect(try found(.GET, "/pages/story%2F3") == "GET /pages/{id} story/3")
    #expect(try found(.GET, "/pages/a%2525b") == "GET /pages/{id} a%25b")
    #expect(try found(.GET, "/pages/a+b") == "GET /pages/{id} a+b")
  }

  @Test(arguments: [
    "pages", "", "/pages/%", "/pages/%4", "/pages/%zz", "/pages/%00", "/pages/%ff", "/pages/..", "/%2e%2e/x",
  ])
  func whatIsNoPathIsRefused(_ text: String) {
    #expect(throws: Refusal.self) { try Path(text[...]) }
  }

  @Test func whatIsNotThereIs404AndWhatIsNotAllowed405AndWhatIsUnknown501() throws {
    func status(_ method: HTTPMethod, _ path: String) -> UInt? {
      do {
        _ = try found(method, path)
        return nil
      } catch { return (error as? Refusal)?.status.code }
    }
    #expect(status(.GET, "/nothing") == 404)
    #expect(status(.GET, "/pages/") == 404)
    #expect(status(.GET, "/pages/7/x") == 404)
    #expect(status(.DELETE, "/pages/7") == 405)
    #expect(status(.RAW(value: "BREW"), "/pages/7") == 501)
  }

  @Test func whatIsNotAllowedTellsWhatIs() {
    do {
      _ = try found(.DELETE, "/pages/7")
      Issue.record("DELETE was allowed")
    } catch { #expect((error as? Refusal)?.headers == ["allow": "GET, HEAD, POST"]) }
  }

  @Test func aQueryIsDecodedFieldByField() throws {
    let query = try Query("q=a+b%26c&empty&page=012&page=013")
    #expect(query["q"] == "a b&c")
    #expect(query["empty"] == "")
    #expect(query["page"] == "012")
    #expect(query["none"] == nil)
    #expect(try query.integer("page", in: 1...20) == 12)
    #expect(throws: Refusal.self) { try query.integer("q", in: 1...20) }
    #expect(throws: Refusal.self) { try Query("q=%") }
  }

  @Test func aDateIsWrittenAsHTTPWantsIt() {
    #expect(HTTPDate.text(Timestamp(microseconds: 784_111_777_000_000)) == "Sun, 06 Nov 1994 08:49:37 GMT")
  }
}
