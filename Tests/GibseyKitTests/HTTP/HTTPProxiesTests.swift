// Which proxy a failure names.
import Testing

@testable import GibseyKit

@Suite struct HTTPProxiesTests {
  private func proxy(_ values: [String: String], _ url: String = "https://api.openai.com/v1") throws -> String? {
    let proxy = HTTPProxies(values).proxy(to: try WebAddress(url))
    return proxy.map { "\($0.variable) \($0.display)" }
  }

  @Test func `the variable of the scheme comes before the one for all`() throws {
    let values = ["https_proxy": "http://a:1", "http_proxy": "b:2", "ALL_PROXY": "socks5://c:3"]
    #expect(try proxy(values) == "https_proxy a:1")
    #expect(try proxy(values, "http://example.org") == "http_proxy b:2")
    #expect(try proxy(["ALL_PROXY": "socks5://c:3", "https_proxy": ""]) == "ALL_PROXY c:3")
    #expect(try proxy([:]) == nil)
  }

  @Test func `a user and a password are not shown`() throws {
    #expect(try proxy(["HTTPS_PROXY": "http://ann:p@s/s@proxy.example:3128/"]) == "HTTPS_PROXY proxy.example:3128")
  }

  @Test(arguments: [
    ("api.openai.com", true), ("openai.com", true), (".openai.com", true), ("example.org, openai.com", true),
    ("*", true), ("OPENAI.COM", true), ("penai.com", false), ("api.openai.com.evil", false), ("", false),
  ]) func `no_proxy excepts hosts and their domains`(list: String, isExcepted: Bool) throws {
    #expect((try proxy(["https_proxy": "a:1", "no_proxy": list]) == nil) == isExcepted)
  }

  @Test func `nothing stands before this machine's own servers`() throws {
    #expect(try proxy(["all_proxy": "a:1"], "http://localhost:11434") == nil)
  }
}
