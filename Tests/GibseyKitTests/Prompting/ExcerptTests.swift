// Which part of a long page is kept.
import Testing

@testable import GibseyKit

@Suite struct ExcerptTests {
  private func excerpt(_ page: String, _ question: String, limit: Int) -> String? {
    Excerpt.text(of: page, terms: KeywordQuery(question: question).terms) { $0.utf8.count <= limit }
  }

  @Test func paragraphsKeepTheirOrderAndGapsAreMarked() {
    let page = "The harbour slept.\n\nNothing.\n\nThe ferry sank.\n\nNobody spoke of it again."
    #expect(
      excerpt(page, "Which harbour, which ferry?", limit: 50)
        == "The harbour slept.\n\n[…]\n\nThe ferry sank.\n\n[…]")
  }

  @Test(arguments: ["\r\n", "\r", "\n"])
  func paragraphsArePartedByBlankLinesOfAnyKind(_ end: String) {
    let page = ["The harbour slept.", "", "Nothing.", " ", "The ferry sank."].joined(separator: end)
    #expect(PageText.paragraphs(of: page) == ["The harbour slept.", "Nothing.", "The ferry sank."])
  }

  @Test func aLongParagraphThatMatchesIsNotDroppedForAHeading() {
    let filler = "Rain fell on the quay for hours. "
    let page = "CHAPTER ONE\n\n\(filler)\(filler)\(filler)The ferry sank at dawn. \(filler)\(filler)"
    #expect(excerpt(page, "When did the ferry sink?", limit: 40)?.contains("The ferry sank at dawn.") == true)
  }

  @Test func aParagraphIsJudgedByAllItsWords() {
    let long = (0..<300).map { "word\($0)" }.joined(separator: " ") + " lighthouse."
    let page = "\(long)\n\nA short one.\n\nAnother short one."
    #expect(excerpt(page, "Where is the lighthouse?", limit: long.utf8.count + 12)?.hasPrefix("word0 ") == true)
  }

  @Test func endingsDoNotHideAMatch() {
    let page = "The lamp burned.\n\nTwo doors were opened.\n\nThe end came."
    #expect(excerpt(page, "Who opens the door?", limit: 37) == "[…]\n\nTwo doors were opened.\n\n[…]")
  }

  @Test func aQuestionOfStopWordsFindsItsWords() {
    #expect(
      excerpt("Rain fell.\n\nWho are you?\n\nRain fell.", "Who are you?", limit: 27) == "[…]\n\nWho are you?\n\n[…]")
  }

  @Test func nothingThatFitsIsNothing() {
    #expect(excerpt("Onesentencewithoutanyend", "What?", limit: 5) == nil)
    #expect(excerpt(" \n\n ", "What?", limit: 50) == nil)
  }

  @Test(.timeLimit(.minutes(1))) func aPageOfAMegabyteTakesNoTimeWorthSpeakingOf() {
    let page = String(repeating: "The ferry sank. Nobody saw it.\n\n", count: 32_000)
    #expect(excerpt(page, "ferry", limit: 5_000)?.hasPrefix("The ferry sank.") == true)
  }
}
