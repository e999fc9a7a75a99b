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
    for text in ["", "soon", "-1", "0", "nan", "-inf"] { #expect(wait(("Retry-After", text)) == nil) }
  }

  @Test func `a long wait is told as it is, and one of years as a year`() {
    let year = 31_536_000_000
    #expect(wait(("Retry-After", "2000000")) == 2_000_000_000)
    #expect(wait(("Retry-After-Ms", "2000000000")) == 2_000_000_000)
    for text in ["1e11", "1e300", "inf"] {
      #expect(wait(("Retry-After", text)) == year)
      #expect(wait(("Retry-After-Ms", text)) == year)
    }
    #expect(
      wait(("Date", "Tue, 24 Nov 2026 11:00:00 GMT"), ("Retry-After", "Wed, 25 Nov 2099 08:49:37 GMT")) == year)
  }

  @Test func `a date is compared with the arrival where the response tells none`() {
    let arrival = Timestamp(microseconds: 784_111_777_000_000)  // Sun, 06 Nov 1994 08:49:37 GMT
    let asking = [HTTPHeader("Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT")]
    #expect(HTTPHead(status: 429, headers: asking).dated(by: arrival).retryAfterMilliseconds == 10_000)
    let dated = HTTPHead(status: 429, headers: asking + [HTTPHeader("Date", "Sun, 06 Nov 1994 08:49:40 GMT")])
    #expect(dated.dated(by: arrival) == dated)
    #expect(HTTPHead(status: 429, headers: []).dated(by: arrival).headers.isEmpty)
  }

  @Test(
    arguments: [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
      ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
    ]) func `a date is seconds`(text: String, seconds: Int)
  {
    #expect(HTTPDate.seconds(text) == seconds)
    #expect(HTTPDate.text(seconds) == text)
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
