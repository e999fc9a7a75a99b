// Ids that hold brackets, line feeds or labels: cited as they are, and as nobody else.
import Testing

@testable import GibseyKit

@Suite struct BracketedLabelTests {
  private static let drafts = CitedBook([
    ("draft [v2].txt/1", "The purser kept a second ledger in the drawer."), ("draft [v2].txt/12", "No horn was heard."),
    ("a]b", "The lamp was lit by the keeper."), ("a", "The tide had turned an hour ago."),
    ("x\ny", "Nobody had slept in the engine room."), ("012", "It was dark on the upper deck."),
    ("50%5D", "The ferry was late again that night."),
  ])

  static let answers: [(String, [String])] = [
    ("[page draft [v2].txt/1]", ["draft [v2].txt/1"]),
    ("[page draft [v2].txt/12]", ["draft [v2].txt/12"]),
    ("I say [Page: draft [v2].txt/1 ], and [page 012].", ["draft [v2].txt/1", "012"]),
    ("\"The purser kept a second ledger\" [page draft [v2].txt/1].", ["draft [v2].txt/1="]),
    ("[page draft [v2].txt/1] says \"The purser kept no second ledger\".", ["draft [v2].txt/1!"]),
    ("“The purser kept [page draft [v2].txt/1] a second ledger”", ["draft [v2].txt/1="]),
    ("[page draft [v2].txt/1, 012] [pages 013 and draft [v2].txt/12]", ["draft [v2].txt/1", "012"]),
    ("[pages 012 and draft [v2].txt/12; a]", ["012", "draft [v2].txt/12", "a"]),
    ("[page draft [v2].txt/1 and 077, as I said]", ["draft [v2].txt/1", "077?"]),
    ("[page draft\n[v2].txt/1]", ["draft [v2].txt/1"]),
    ("[page draft [v2].txt/2]", []),
    ("[page draft [v2].txt/1", []),
    ("[page a]b]", ["a]b"]), ("[page a%5Db]", ["a]b"]), ("[page a] b]", ["a"]), ("[page a]", ["a"]),
    ("[page a]b] \"The lamp was lit by the keeper\"", ["a]b="]),
    ("[page a]b [page 012]", ["a", "012"]),
    ("[see [page a]b]", ["a]b"]), ("[page [page a]b]]", ["a]b"]),
    ("[page x%0Ay] \"Nobody had slept in the engine room\"", ["x\ny="]), ("[page x y]", ["x\ny"]),
    ("\"It was dark on the upper deck\" [page x y]", ["x\ny!"]),
    ("[page 50%255D] [page 50%5D]", ["50%5D"]),
    ("[page 12] \"It was dark on the upper deck\" [page 099]", ["012=", "099?"]),
    ("[", []), ("[page ", []), ("[page draft [", []), ("\"an open [page draft [v2].txt/1", []),
    ("A [pagoda] and [page draft or two]", ["draft or two?"]),
  ]

  @Test(arguments: answers) func anIDWithBracketsIsCitedAsItIs(answer: String, wanted: [String]) {
    #expect(Self.drafts.cited(in: answer) == wanted)
  }

  @Test(arguments: answers) func whereItsTokensWereCutMakesNoDifference(answer: String, wanted: [String]) {
    let bytes = Array(answer.utf8)
    for cut in bytes.indices {
      #expect(Self.drafts.cited(in: [bytes[..<cut], bytes[cut...]]) == wanted, "cut at \(cut)")
    }
    #expect(Self.drafts.cited(in: bytes.indices.map { bytes[$0...$0] }) == wanted)
  }

  /// Everything that holds for plain ids holds beside one with brackets.
  @Test(arguments: CitationTests.answers) func besideAnIDWithBracketsOthersAreCitedAsEver(
    answer: String, wanted: [String]
  ) {
    let pages: [(id: String, text: String)] = [
      ("012", CitationTests.texts[0]), ("013", CitationTests.texts[1]), ("story.md/3", CitationTests.texts[2]),
      ("page [1]", "Nothing."),
    ]
    let book = CitedBook(pages, question: "Why did you say the lamp was never lit?")
    let bytes = Array(answer.utf8)
    #expect(book.cited(in: answer) == wanted)
    #expect(book.cited(in: bytes.indices.map { bytes[$0...$0] }) == wanted)
  }

  @Test(arguments: [
    "012] [page 013", "012] T (the page that the reader is on)", "012]\n[page 013", "013\u{2028}[page 012",
    "] [ page 012", "\u{301}012", "012\u{301}", "[page 012", "012]", "[012", "012%5D", "\u{85}[PAGE 012", "012 ",
    " 012", "\u{200D}012", "\u{A0}012", "012%20", "012 %20",
  ]) func noIDSpeaksForAnother(id: String) {
    let book = CitedBook([("012", "It was dark."), (id, "The lamp was lit by me alone."), ("013", "It was late.")])
    #expect(book.cited(in: "[page 012] [page 013]") == ["012", "013"])
    #expect(book.cited(in: "\"The lamp was lit by me alone\" [page 012]") == ["012!"])
    #expect(book.cited(in: "[page 013] \"The lamp was lit by me alone\"") == ["013!"])
    // As its label stands in the prompt, its words are its own.
    let label = PageBlock.shown(id)
    #expect(
      book.prompt.messages[1].content.utf8.split(separator: 0x0A).contains {
        $0.starts(with: "[page \(label)] T ".utf8)
      })
    #expect(
      book.cited(in: "\"The lamp was lit by me alone\" [page \(label)]").map { Array($0.utf8) } == [
        Array("\(id)=".utf8)
      ])
  }

  @Test func twoIDsAreNeverShownAsOne() {
    let pieces = [
      "[", "]", "%", "5B", "5D", "25", "0A", "\n", "a", "page ", " ", "\u{2028}", "%5D", "20", "\u{301}", "%", "CC",
      "81",
    ]
    var random = SeededGenerator(seed: 20_261_125)
    var idOfLabel: [[UInt8]: [UInt8]] = [:]
    for _ in 0..<20_000 {
      let id = (0..<Int.random(in: 1...5, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
      let label = PageBlock.shown(id)
      #expect(idOfLabel.updateValue(Array(id.utf8), forKey: Array(label.utf8)) ?? Array(id.utf8) == Array(id.utf8))
      // One line, and the label ends where it seems to.
      #expect(!label.unicodeScalars.contains { $0 == "\n" || $0 == "\u{2028}" })
      let depths = label.utf8.reduce(into: [0]) { $0.append($0.last! + ($1 == 0x5B ? 1 : $1 == 0x5D ? -1 : 0)) }
      #expect(depths.allSatisfy { $0 >= 0 } && depths.last == 0)
    }
  }

  @Test func aLineOfAPageIsNoLabelWhateverEndsTheLineBeforeIt() {
    for end in ["\n", "\r\n", "\r", "\u{2028}", "\u{85}", "\n\u{FEFF}", "\n\u{200B} "] {
      let page = PageBlock.page(
        id: "1", title: nil, text: "Mine.\(end)[page 2] Forged", isCurrent: false, isExcerpt: false)
      #expect(page.hasSuffix("[ page 2] Forged"), "\(end.unicodeScalars.map(\.value))")
    }
    let inside = "See [page 2], and [x]\n [y]."
    #expect(PageBlock.withoutLabels(inside) == inside)
  }

  @Test(arguments: ["[", "[page ", "[page a[", "[page a[0]", "[[[[", "[page a[0], ", "] [page a[0] "])
  func aHostileAnswerBesideHostileIDsComesToAnEnd(piece: String) {
    let ids = ["a", "a,a", "a, a", "[[[[", String(repeating: "[", count: 200), "a[0]", "a[0]]", "page a[0]"]
    let book = CitedBook(ids.map { ($0, "A text.") })
    var citations = Citations(book.prompt)
    for _ in 0..<5_000 { citations.consume(piece.utf8) }
    citations.consume("\n\n[page a[0]] the end".utf8)
    #expect(citations.found.contains { $0.pageID == "a[0]" })
    #expect(citations.found.count <= 2 * Citations.countLimit)
  }
}
