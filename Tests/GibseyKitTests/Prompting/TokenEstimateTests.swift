// The estimate, by its rule.
import Testing

@testable import GibseyKit

@Suite struct TokenEstimateTests {
  /// Pieces before the 12 % on top: word pieces, digits, marks, line feeds, spaces after spaces.
  @Test(arguments: [
    ("", 0), ("lantern", 2), ("ferry", 1), ("ferries", 2), ("consciousness", 3), ("a b", 2), ("a  b", 3),
    ("1965", 4), ("Hi, you!", 4), ("x\n\ny", 4), ("é", 2), ("café", 2), ("氷", 3), ("🚢", 4), ("лёд", 6),
  ])
  func followsTheRule(text: String, pieces: Int) {
    #expect(TokenEstimate.tokens(of: text) == (pieces * 112 + 99) / 100)
  }

  @Test func neverFallsWhenTextIsAdded() {
    var random = SeededGenerator(seed: 3)
    let scalars: [Unicode.Scalar] = ["a", "Z", " ", "\n", "é", "氷", "7", "'", "🚢", "ß", "\u{301}"]
    for _ in 0..<2_000 {
      var text = ""
      var last = 0
      for _ in 0..<40 {
        text.unicodeScalars.append(scalars.randomElement(using: &random)!)
        let tokens = TokenEstimate.tokens(of: text)
        #expect(tokens >= last, "seed 3: \(text)")
        last = tokens
      }
    }
  }
}
