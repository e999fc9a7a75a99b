// What is told of a provider's complaint, and what is not.
import Testing

@testable import GibseyKit

@Suite struct ComplaintTests {
  private static let key = "sk-proj-0123456789abcdefghij"

  private func words(_ body: String, type: String = "text/plain", key: String? = ComplaintTests.key) -> String {
    let head = HTTPHead(status: 502, headers: [HTTPHeader("Content-Type", type)])
    return ProviderComplaint(head, body: Array(body.utf8), key: key.flatMap { APIKey($0) }).words
  }

  @Test func `a key is never told, wherever in a long body it stands`() {
    // The ends of what is looked at, and of what is read of a body at all.
    for end in [300, 1200, 65_536] {
      for start in (end - 40)...(end + 2) {
        let page = "<html><b " + String(repeating: "x", count: start - 20) + ">Your key: \(Self.key) is wrong</b>"
        #expect(!words(page, type: "text/html").contains("sk-proj-"), "at \(start)")
        let text = String(repeating: "x", count: start) + Self.key
        let read = String(decoding: text.utf8.prefix(65_536), as: UTF8.self)
        #expect(!words(String(read.suffix(200))).contains("sk-proj-"), "at \(start)")
      }
    }
  }

  @Test func `what a cut leaves of a key is not told`() {
    #expect(words("no key \(Self.key.prefix(8))") == "no key …")
    #expect(words("no key \(Self.key.prefix(16)), they say") == "no key …, they say")
    #expect(words("keys begin with sk-proj- here") == "keys begin with sk-proj- here")
  }

  @Test func `a key is found beside marks that join it, and in pieces that tags made`() {
    #expect(words("no \(Self.key)\u{301}") == "no …\u{301}")
    #expect(words("no (\(Self.key)\(Self.key))") == "no (……)")
  }

  @Test func `what is less than something is text`() {
    let sentence = "your prompt has 5000 tokens and must be < 4096, shorten it"
    #expect(words(sentence) == sentence)
    #expect(words("a <b> c") == "a <b> c")
    #expect(words("<p>it must be < 4096, or &lt; 8192</p>", type: "text/html") == "it must be < 4096, or < 8192")
  }

  @Test func `of a page only the words are told`() {
    let page = """
      <!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>p { color: red }</style>
      <script>if (a < b) alert("x")</script></head><!-- build 7 > 6 --><body><p>no &amp; nothing&nbsp;here</p></body></html>
      """
    #expect(words(page, type: "text/html; charset=utf-8") == "502 Bad Gateway no & nothing here")
    #expect(words(page, type: "application/json") == "502 Bad Gateway no & nothing here")
    #expect(words("Oops<br>again", type: "text/html") == "Oops again")
    #expect(words("<html><style><x>no end", type: "text/html") == "no end")
  }

  @Test func `a list around the error is taken off`() {
    let body = #"[{"error":{"code":400,"message":"bad model","status":"INVALID_ARGUMENT"}}]"#
    #expect(words(body, type: "application/json") == "bad model")
  }

  @Test func `a proxy that wants a password is told to be one`() throws {
    let failure = try Providers.named("openai").failure(head: HTTPHead(status: 407, headers: []), body: [])
    #expect(failure.message == "cannot reach api.openai.com: the proxy wants a user and a password (407)")
    #expect(failure.exitStatus == .unavailable)
  }
}
