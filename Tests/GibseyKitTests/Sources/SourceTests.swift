// Files into pages.
import Foundation
import Testing

@testable import GibseyKit

@Suite struct SourceTests {
  private func options(_ split: ReadingOptions.Split = .auto, size: Int = 4000) -> ReadingOptions {
    var options = ReadingOptions()
    options.split = split
    options.pageSizeCharacters = size
    return options
  }

  @Test func plainTextIsSplitAtFormFeedsThenChaptersThenSize() {
    #expect(
      PlainTextPages.pages(of: "one\u{0C}two\u{0C}\u{0C}three", options()).map(\.text) == ["one", "two", "three"])
    let book = "Title\r\n\r\nCHAPTER I. The Lamp\r\n\r\nIt was lit.\r\nStill.\r\n\r\nChapter Two\r\n\r\nIt was out.\r\n"
    let pages = PlainTextPages.pages(of: book, options())
    #expect(pages.map(\.title) == [nil, "CHAPTER I. The Lamp", "Chapter Two"])
    #expect(pages.map(\.text) == ["Title", "CHAPTER I. The Lamp\n\nIt was lit.\nStill.", "Chapter Two\n\nIt was out."])
  }

  @Test(arguments: [
    ("Chapter 1", true), ("PART TWO", true), ("Prologue", true), ("IV.", true), ("Chapter and verse", false),
    ("I went home.", false), ("Part of the way", false), ("The end", false),
  ])
  func headings(line: String, isHeading: Bool) {
    #expect(PlainTextPages.isHeading(Substring(line)) == isHeading)
  }

  @Test func nothingOfATextIsLostAndNoPieceIsTooLong() {
    var random = SeededGenerator(seed: 9)
    let parts = [
      "word", "Sentence end. ", "\n\n", "\n", " ", "é漢🚢", "averyveryverylongwordwithoutanyspace", "“Quote!” ",
    ]
    for _ in 0..<500 {
      let text = (0..<Int.random(in: 0...200, using: &random)).map { _ in parts.randomElement(using: &random)! }
        .joined()
      let size = Int.random(in: 10...300, using: &random)
      let pieces = PageSplitter.pieces(of: text, sizeCharacters: size)
      #expect(pieces.joined().filter { !$0.isWhitespace } == text.filter { !$0.isWhitespace }, "seed 9")
      #expect(pieces.allSatisfy { $0.count <= size }, "seed 9")
    }
  }

  @Test func markdownKeepsItsFrontMatterAndSplitsOutsideFences() throws {
    let text = """
      ---
      id: 012
      title: 'It''s late'   # a comment
      page_index: 4
      motifs:
        - ice
        - "a \\"lamp\\""
      weight: 1.50
      ---
      # One

      text

      ```
      # not a heading
      ```

      Two
      ===
      more
      """
    let pages = try MarkdownPages.pages(of: text, options(.heading))
    #expect(pages.map(\.id) == ["012/1", "012/2"])
    #expect(pages.map(\.pageIndex) == [4, nil])
    #expect(pages[0].text.contains("# not a heading"))
    #expect(pages[1].text == "Two\n===\nmore")
    let whole = try MarkdownPages.pages(of: text, options(.none))
    #expect(whole.map(\.id) == ["012"])
    #expect(whole[0].title == "It's late")
    #expect(whole[0].motifs == ["ice", "a \"lamp\""])
    #expect(whole[0].metadata["weight"]?.text == "1.50")
  }

  @Test(arguments: [
    (
      "---\na:\n  b: 1\n---\nx",
      FrontMatter.Problem(line: 3, reason: "wanted \"name: value\"; nested values are not read")
    ),
    ("---\na: {b: 1}\n---\nx", FrontMatter.Problem(line: 2, reason: "values that begin with { are not read")),
    ("---\npage_index: soon\n---\nx", FrontMatter.Problem(line: 2, reason: "page_index: wanted an integer")),
  ])
  func frontMatterThatIsNotReadIsNamed(text: String, problem: FrontMatter.Problem) {
    #expect(throws: problem) { try MarkdownPages.pages(of: text, options()) }
  }

  @Test func namesAreSortedAsAPersonReadsThem() {
    let names = ["chapter-10", "chapter-2", "Chapter-1", "a", "chapter-2b"]
    #expect(
      names.sorted(by: FolderWalk.naturallyPrecedes) == ["Chapter-1", "a", "chapter-2", "chapter-2b", "chapter-10"])
  }

  @Test func anArrayIsReadUpToWhereItBreaks() throws {
    var shelf = Shelf(source: "s")
    var said: [String] = []
    try JSONArrayPages(path: "a.json", prefix: "a.json").read(
      Array(#"[{"text":"one"},{"type":"page","data":{"id":"two","text":"2"}},{"text":3},{"text":"#.utf8), &shelf
    ) { item in
      switch item {
      case .page(let page): said.append("\(page.id ?? "") \(page.pageIndex ?? 0)")
      case .failure(let id, let error): said.append("\(id): \(error.message)")
      }
    }
    #expect(
      said == [
        "a.json/1 1", "two 2", "a.json/3: a.json: element 3: text: wanted a string",
        "a.json/4: a.json: not JSON: wanted a value at byte 83",
      ])
  }
}
