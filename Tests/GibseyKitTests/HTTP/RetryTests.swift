// How long is waited before a request is sent again.
import Testing

@testable import GibseyKit

@Suite struct RetryTests {
  @Test func `waits double, and chance takes off up to a quarter`() {
    let retry = Retry(longestWait: .seconds(60))
    #expect(retry.wait(done: 0, floor: nil, chance: 0) == .milliseconds(500))
    #expect(retry.wait(done: 1, floor: nil, chance: 0) == .seconds(1))
    #expect(retry.wait(done: 1, floor: nil, chance: 0.5) == .milliseconds(875))
    #expect(retry.wait(done: 2, floor: nil, chance: 0) == nil)
  }

  @Test func `a floor is the least, and too long is not at all`() {
    let retry = Retry(longestWait: .seconds(5))
    #expect(retry.wait(done: 0, floor: .seconds(5), chance: 0.9) == .seconds(5))
    #expect(retry.wait(done: 0, floor: .milliseconds(5001), chance: 0) == nil)
    #expect(Retry(longestWait: .zero).wait(done: 0, floor: nil, chance: 0.99) == nil)
  }

  private func wait(_ headers: (String, String)...) -> Int? {
    HTTPHead(status: 429, headers: headers.map { HTTPHeader($0.0, $0.1) }).retryAfterMilliseconds
  }

  @Test func `a server tells its wait in milliseconds, seconds or as a date`() {
    #expect(wait(("Retry-After-Ms", "250"), ("Retry-After", "9")) == 250)
    #expect(wait(("Retry-After", "1.5")) == 1500)
    #expect(
      wait(("Date", "Tue, 24 Nov 2026 11:00:00 GMT"), ("Retry-After", "Tue, 24 Nov 2026 11:00:07 GMT")) == 7000)
    #expect(wait(("Retry-After", "Tue, 24 Nov 2026 11:00:07 GMT")) == nil)
    #expect(wait(("Date", "Tue, 24 Nov 2026 11:00:00 GMT"), ("Retry-After", "Tue, 24 Nov 2026 10:59:00 GMT")) == nil)
    for text in ["", "soon", "-1", "0", "1e9", "nan"] { #expect(wait(("Retry-After", text)) == nil) }
  }

  @Test(
    arguments: [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
      ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
    ]) func `a date is seconds`(text: String, seconds: Int)
  {
    #expect(HTTPDate.seconds(text) == seconds)
  }

  @Test(
    arguments: [
      "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 CET",
      "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 -1:49:37 GMT",
    ]) func `what is no such date is none`(text: String)
  {
    #expect(HTTPDate.seconds(text) == nil)
  }
}
