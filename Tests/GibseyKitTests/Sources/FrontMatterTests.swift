// Front matter: what is read, and that nothing else is taken for something.
import Testing

@testable import GibseyKit

@Suite struct FrontMatterTests {
  @Test func everyKindOfValueIsRead() throws {
    let text = """
      ---
      # a comment
      id: 007
      title: Part I: The Lamp  # not the title
      symbolId: "london-fox"   # a comment
      section: 'It''s'
      page_index: 12
      motifs: [ice, "a, b", 'c]', d]  # four
      "quoted name": "tab\\there \\u00e9"
      weight: 1.50
      whole: -3
      draft: true
      nothing:
      date: 2025-06-16
      url: https://example.org/a#b
      tags:
      - one

        # between
        - 'two: 2'
        - 3
      ...
      Body.
      """
    let page = try #require(try MarkdownPages.pages(of: text, ReadingOptions()).first)
    #expect(page.id == "007")
    #expect(page.title == "Part I: The Lamp")
    #expect(page.characterID == "london-fox")
    #expect(page.section == "It's")
    #expect(page.pageIndex == 12)
    #expect(page.motifs == ["ice", "a, b", "c]", "d"])
    #expect(
      JSONValue.object(page.metadata).text
        == #"{"quoted name":"tab\there é","weight":1.50,"whole":-3,"draft":true,"nothing":null,"date":"2025-06-16","url":"https://example.org/a#b","tags":["one","two: 2",3]}"#
    )
    #expect(page.text == "Body.")
  }

  @Test(
    arguments: [
      ("a:\n  b: 1", 3, "wanted \"name: value\"; nested values are not read"),
      ("a\n", 2, "wanted \"name: value\"; nested values are not read"),
      ("a:b", 2, "wanted \"name: value\"; nested values are not read"),
      ("a: |\n  text", 2, "values that begin with | are not read"),
      ("a: 1\na: 2", 3, "a is given twice"),
      ("- a", 2, "a list without a name"),
      ("a:\n- b: c", 3, "nested values are not read"),
      ("a: [b, [c]]", 2, "nested values are not read"),
      ("a: [b", 2, "a list without its end"),
      ("a: [b] c", 2, "text behind a list"),
      ("a: ['b' c]", 2, "wanted a comma in a list"),
      ("a: 'b", 2, "a quote without its end"),
      ("a: 'b' c", 2, "text behind a quoted string"),
      ("a: \"\\q\"", 2, "a broken quoted string"),
      ("x: 1\ntext: b", 3, "text is what follows the front matter"),
      ("x: 1\npage_index: 0", 3, "page_index: wanted 1 or more"),
      ("x: 1\nmotifs: ice", 3, "motifs: wanted an array of strings"),
    ]) func whatIsNotReadIsSaidWithItsLine(lines: String, line: Int, reason: String)
  {
    #expect(throws: FrontMatter.Problem(line: line, reason: reason)) {
      try MarkdownPages.pages(of: "---\n\(lines)\n---\nx", ReadingOptions())
    }
  }

  @Test(arguments: ["---\n\nOnce: upon\n\n---\nx", "---\nwithout: end", " ---\na: {\n---\nx", "text\n---\na: {\n---"])
  func aBreakBetweenScenesIsNoFrontMatter(text: String) throws {
    let pages = try MarkdownPages.pages(of: text, ReadingOptions())
    #expect(pages.map(\.text) == [String(PageText.trimmed(Substring(text)))])
    #expect(pages[0].metadata.isEmpty)
  }

  @Test func whatItSaysHoldsForEachPart() throws {
    var options = ReadingOptions()
    options.split = .heading
    let pages = try MarkdownPages.pages(
      of: "---\nid: a\npage_index: 4\nmood: grey\n---\n# One\n1\n# Two\n2\n", options)
    #expect(
      pages == [
        Page(id: "a/1", title: "One", pageIndex: 4, metadata: pages[0].metadata, text: "# One\n1"),
        Page(id: "a/2", title: "Two", metadata: pages[0].metadata, text: "# Two\n2"),
      ])
    #expect(JSONValue.object(pages[0].metadata).text == #"{"mood":"grey"}"#)
  }
}
