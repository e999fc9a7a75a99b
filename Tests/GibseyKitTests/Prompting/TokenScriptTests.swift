// The estimate on scripts that the novel does not have.
import Testing

@testable import GibseyKit

@Suite struct TokenScriptTests {
  @Test(arguments: [
    ("ɏɏɏɏɏɏ", 7), ("ɐɐɐɐɐɐ", 12), ("fəˈnɛt", 9), ("a\u{301}", 3), ("©", 2), ("\u{0}\t\u{1b}", 3), ("\u{E000}", 3),
    ("Łódź", 4), ("   x", 4), ("\n  x", 3),
  ])
  func costsAreAtLeastTheBytesBeyondLatin(text: String, pieces: Int) {
    #expect(TokenEstimate.tokens(of: text) == (pieces * 112 + 99) / 100)
  }
}
