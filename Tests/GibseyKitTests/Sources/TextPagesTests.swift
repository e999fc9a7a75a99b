// Texts into pages: where they part, and that nothing of them is lost.
import Testing

@testable import GibseyKit

@Suite struct TextPagesTests {
  private func options(_ split: ReadingOptions.Split = .auto, size: Int = 4000) -> ReadingOptions {
    var options = ReadingOptions()
    options.split = split
    options.pageSizeCharacters = size
    return options
  }

  private func shown(_ pages: [Page]) -> [String] { pages.map { "\($0.title ?? "-") | \($0.text)" } }

  @Test(
    arguments: [
      ("CHAPTER I", true), ("Chapter 1 Loomings", true), ("Chapter the First", true), ("Part Two: Ice", true),
      ("Canto XXXIV", true), ("Chapter Twenty-One. The End", true), ("XIV", true), ("Prologue: Ice", true),
      ("CHAPTER 12—THE FOX", true),
      ("Part one of the plan was done.", false), ("Book one was lost.", false), ("CIVIL", false), ("ILL", false),
      ("Preface that with a warning.", false), ("Introduction to what came next", false), ("IIII", false),
      ("Chapter", false), ("Act natural", false), ("\u{201C}I\u{201D}", false), ("Letter one\nLetter two", false),
    ]) func whatReadsLikeAHeadingIsOne(line: String, isHeading: Bool)
  {
    #expect(PlainTextPages.isHeading(Substring(line)) == isHeading)
  }

  @Test func headingsInARowStayTogetherAndTheLastIsTheTitle() {
    let text = "Chapter 1\n\nChapter 2\n\nChapter 3\n\nPART ONE\n\nChapter 1\n\nIt began.\n\n\n\nChapter 2\n\nIt ended."
    #expect(
      shown(PlainTextPages.pages(of: text, options())) == [
        "Chapter 1 | Chapter 1\n\nChapter 2\n\nChapter 3\n\nPART ONE\n\nChapter 1\n\nIt began.",
        "Chapter 2 | Chapter 2\n\nIt ended.",
      ])
  }

  @Test func aFormFeedAtTheEndPartsNothing() {
    let text = "Prologue\n\na\n\nEpilogue\n\nb\n\u{0C}"
    #expect(
      shown(PlainTextPages.pages(of: text, options()))
        == ["Prologue | Prologue\n\na", "Epilogue | Epilogue\n\nb"])
    #expect(
      shown(PlainTextPages.pages(of: "a\u{0C}\nb", options(.none))) == ["- | a\u{0C}\nb"])
  }

  @Test func aHardWrappedTextIsCutAtBlankLinesAndKeepsItsLines() {
    let text = "One line\nand another.\n\n    Indented\n  verse.\n\nThe last\nof them."
    #expect(
      PageSplitter.pieces(of: text, sizeCharacters: 50)
        == ["One line\nand another.\n\n    Indented\n  verse.", "The last\nof them."])
    #expect(
      PageSplitter.pieces(of: text, sizeCharacters: 25)
        == ["One line\nand another.", "Indented\n  verse.", "The last\nof them."])
    #expect(
      PageSplitter.pieces(of: "One two. Three four five. Six", sizeCharacters: 18)
        == ["One two.", "Three four five.", "Six"])
    #expect(
      PageSplitter.pieces(of: "abcdefghij kl", sizeCharacters: 4) == ["abcd", "efgh", "ij", "kl"])
  }

  @Test func everyPageIsAStretchOfTheTextAndOnlyWhiteSpaceIsBetween() {
    let parts = [
      "word", "Sentence end. ", "\n\n", "\n", " ", "é漢🚢", "averyveryverylongwordwithoutanyspace", "“Quote!” ",
      "\n\nChapter 4\n\n", "\n\n# One\n", "\n```\n", "e\u{301}", "\n---\n", "\u{0C}", "\r\n",
    ]
    for seed in UInt64(0)..<200 {
      var random = SeededGenerator(seed: seed)
      let count = Int.random(in: 0...150, using: &random)
      let raw = "x" + (0..<count).map { _ in parts.randomElement(using: &random)! }.joined()
      let text = PlainTextPages.normalized(raw)
      let size = Int.random(in: 1...300, using: &random)
      for split in ReadingOptions.Split.allCases {
        let plain = PlainTextPages.pages(of: raw, options(split, size: size))
        let marked = (try? MarkdownPages.pages(of: raw, options(split, size: size))) ?? []
        for pages in [plain, marked] {
          let kept = pages.map(\.text).joined().unicodeScalars.filter { !$0.properties.isWhitespace }
          let wanted = text.unicodeScalars.filter { !$0.properties.isWhitespace }
          #expect(Array(kept) == Array(wanted), "seed \(seed), \(split)")
          #expect(pages.allSatisfy { text.contains($0.text) }, "seed \(seed), \(split)")
          #expect(
            split == .none || pages.allSatisfy { $0.text.count <= size }, "seed \(seed), \(split)")
        }
      }
    }
  }

  @Test func aTextWithoutAnyPlaceToCutTakesTimeInProportion() {
    let text = String(repeating: "x", count: 1_000_000)
    let pieces = PageSplitter.pieces(of: text, sizeCharacters: 200)
    #expect(pieces.count == 5000)
    #expect(PageSplitter.pieces(of: "abc", sizeCharacters: 0) == ["a", "b", "c"])
  }

  @Test func markdownPartsAtHeadingsAndNotInsideCode() throws {
    let text = """
      Before.

      # Part One

      ## Chapter C#

      ~~~~ swift
      # no
      ~~~
      # no
      ~~~~

      A wrapped
      line
      ---
      ### Three
      text

      Four
      ====
        ## Five ##
      five
      """
    #expect(
      shown(try MarkdownPages.pages(of: text, options(.heading))) == [
        "- | Before.",
        "Chapter C# | # Part One\n\n## Chapter C#\n\n~~~~ swift\n# no\n~~~\n# no\n~~~~\n\nA wrapped\nline\n---\n### Three\ntext",
        "Five | Four\n====\n  ## Five ##\nfive",
      ])
    #expect(shown(try MarkdownPages.pages(of: "# A\na\n# B\nb", options())) == ["A | # A\na\n# B\nb"])
    #expect(shown(try MarkdownPages.pages(of: "# A\na\n# B\nb", options(size: 8))) == ["A | # A\na", "B | # B\nb"])
  }
}
