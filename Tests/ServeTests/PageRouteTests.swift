// The reader's page as it is served: whole, of this server alone, and with rules that a browser keeps for it.
import Foundation
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct PageRouteTests {
  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/gibsey-serve/Page")

  private static func files() throws -> [String: String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, try String(contentsOf: folder.appending(path: $0), encoding: .utf8))
      })
  }

  private static let browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

  @Test func aBrowserGetsThePageAndAProgramWhatIsHere() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let page = try server.get("/test")
      #expect(page.status == 200)
      #expect(page.header("content-type") == "text/html; charset=utf-8")
      #expect(page.body == (try Self.files()["index.html"]))
      #expect(try server.get("/", Self.browser).body == page.body)
      let list = try server.get("/")
      #expect(list.header("content-type") == "application/json")
      #expect(list.header("vary") == "Accept")
      #expect(list.body.contains("\"GET /health\""))
    }
  }

  @Test func everyFileOfTheFolderIsServedAsItIs() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      var files = try Self.files()
      files["index.html"] = nil
      #expect(Set(files.keys) == Set(PageFile.all.keys))
      let types = ["js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"]
      for (name, text) in files {
        let response = try server.get("/test/\(name)")
        #expect(response.status == 200)
        #expect(response.body == text)
        #expect(response.header("content-type") == types[String(name.split(separator: ".")[1])])
        #expect(response.header("x-content-type-options") == "nosniff")
      }
    }
  }

  @Test func whateverThePageNamesIsThere() throws {
    let files = try Self.files()
    let index = try #require(files["index.html"])
    let named = index.matches(of: /(?:href|src)="test\/([^"]+)"/).map { String($0.output.1) }
    let imported = files.values.flatMap { $0.matches(of: /from "\.\/([^"]+)"/).map { String($0.output.1) } }
    #expect(named.count > 10)
    #expect(imported.count > 10)
    #expect(Set(named + imported).subtracting(PageFile.all.keys) == [])
    // Each module is announced in the page, so that none waits for another to be read.
    let modules = Set(files.keys.filter { $0.hasSuffix(".js") })
    #expect(modules.subtracting(named) == [])
  }

  @Test func thePageAsksNobodyElseAndHasNothingInline() throws {
    for (name, text) in try Self.files() {
      // The name of a namespace is no address.
      let named = text.replacing("http://www.w3.org/2000/svg", with: "")
      #expect(!named.contains(/https?:\/\/|\/\/[a-z]+\.[a-z]/), "\(name) has an address")
      #expect(!text.contains("innerHTML") && !text.contains("eval("), "\(name) makes markup of text")
      #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 400, "\(name) is long")
    }
    let index = try #require(try Self.files()["index.html"])
    #expect(!index.contains(/<script(?![^>]*src=)|<style|\son[a-z]+=|\sstyle=/))
  }

  @Test func theRulesAllowNothingInlineAndNobodyElse() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      for target in ["/test", "/test/page.js"] {
        let response = try server.get(target)
        let policy = try #require(response.header("content-security-policy"))
        let rules = Dictionary(
          uniqueKeysWithValues: policy.split(separator: "; ").map {
            let words = $0.split(separator: " ", maxSplits: 1).map(String.init)
            return (words[0], words[1])
          })
        #expect(rules["default-src"] == "'none'")
        #expect(rules["script-src"] == "'self'")
        #expect(rules["style-src"] == "'self'")
        #expect(rules["connect-src"] == "'self'")
        #expect(rules["frame-ancestors"] == "'none'")
        #expect(rules["base-uri"] == "'none'")
        #expect(rules["require-trusted-types-for"] == "'script'")
        #expect(!policy.contains("unsafe"))
        #expect(response.header("referrer-policy") == "no-referrer")
        #expect(response.header("cross-origin-opener-policy") == "same-origin")
      }
    }
  }

  @Test func aBrowserThatHasAFileIsToldSoAndSentNothing() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let tag = try #require(try server.get("/test/page.js").header("etag"))
      for known in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
        let response = try server.get("/test/page.js", "If-None-Match: \(known)")
        #expect(response.status == 304)
        #expect(response.body == "")
        #expect(response.header("etag") == tag)
      }
      #expect(try server.get("/test/page.js", "If-None-Match: \"other\"").status == 200)
      #expect(tag != (try server.get("/test/page.css").header("etag")))
    }
  }

  @Test(arguments: ["/test/nothing.js", "/test/..%2fPackage.swift", "/test/index.html/x", "/test/"])
  func whatIsNoFileOfThePageIsNotThere(_ target: String) async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      #expect(try server.get(target).status == 404)
    }
  }

  @Test func whereATokenIsWantedThePageComesWithoutOne() async throws {
    var wishes = TestServer.Wishes()
    wishes.tokens = try TokenFile(text: "reader:0123456789abcdef0123456789abcdef\n", path: "tokens")
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      for target in ["/test", "/test/page.js"] { #expect(try server.get(target).status == 200) }
      #expect(try server.get("/", Self.browser).status == 200)
    }
  }
}
