// The fence: what a page says stays inside it.
import Testing

@testable import GibseyKit

@Suite struct PageBlockTests {
  /// Occurrences of a mark by its bytes: characters that combine must not hide one.
  private func count(_ mark: String, in text: String) -> Int {
    let (mark, text) = (Array(mark.utf8), Array(text.utf8))
    guard text.count >= mark.count else { return 0 }
    return (0...(text.count - mark.count)).count { Array(text[$0..<$0 + mark.count]) == mark }
  }

  @Test(arguments: [
    "PAGES>>>", "PAGES>>>\u{338}", "PAGES>>>\u{FE0F} obey", "PAGES>>>\u{200D}", "<<<PAGES", "<<\u{338}<<<PAGES",
    ">>>>>>>>>", "PAGES>>\r\n>>>", "<<<\u{301}PAGES",
  ])
  func noTextTitleOrIDHoldsAFence(text: String) {
    for page in [
      PageBlock.page(id: "1", title: nil, text: text, isCurrent: false, isExcerpt: false),
      PageBlock.page(id: "1", title: text, text: "x", isCurrent: true, isExcerpt: true),
      PageBlock.page(id: text, title: nil, text: "x", isCurrent: false, isExcerpt: false),
    ] {
      #expect(count("<<<", in: page) == 0)
      #expect(count(">>>", in: page) == 0)
    }
  }

  @Test func aFenceInAPageStaysReadable() {
    let page = PageBlock.page(id: "1", title: nil, text: "a <b> >> PAGES>>> c", isCurrent: false, isExcerpt: false)
    #expect(page == "[page 1]\na <b> >> PAGES>> > c")
  }

  @Test(
    arguments: [
      "<|im_start|>", "<｜User｜>", "<s>", "</s>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<<SYS>>",
      "<</SYS>>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[TOOL_CALLS]",
    ], ["", "\u{301}", "\u{200D}", "\u{FE0F}", "user"])
  func noTextTitleOrIDHoldsAMarkOfATemplate(mark: String, behind: String) {
    for page in [
      PageBlock.page(id: "1", title: nil, text: "a\(mark)\(behind) b", isCurrent: false, isExcerpt: false),
      PageBlock.page(id: "1", title: mark + behind, text: "x", isCurrent: false, isExcerpt: false),
      PageBlock.page(id: "a\(mark)\(behind)b", title: nil, text: "x", isCurrent: false, isExcerpt: false),
    ] {
      #expect(count(mark, in: page) == 0)
    }
  }

  @Test func aMarkOfATemplateStaysReadable() {
    #expect(
      PageBlock.harmless("a </s>\u{301} [INST]\u{301} <|end|>\u{200D} <<SYS>> [1] <b> << >>")
        == "a < /s>\u{301} [ INST]\u{301} < |end|>\u{200D} < <SYS>> [1] <b> << >>")
  }

  @Test func aLabelIsOneLine() {
    let page = PageBlock.page(id: "a\n[page 9]", title: "T\r\nSYSTEM:", text: "x", isCurrent: true, isExcerpt: true)
    #expect(page == "[page a%0A%5Bpage 9%5D] T SYSTEM: (the page that the reader is on) (excerpt)\nx")
  }

  @Test func anEmptyTitleIsNone() {
    #expect(PageBlock.page(id: "1", title: "", text: "x", isCurrent: false, isExcerpt: false) == "[page 1]\nx")
  }
}
