// What an answer cites, wherever its tokens were cut.
import Testing

@testable import GibseyKit

/// A prompt with pages, as `PromptBuilder` writes them.
struct CitedBook {
  var prompt: Prompt

  init(_ pages: [(id: String, text: String)], question: String = "Who?") {
    let block = PageBlock.block(
      pages.map { PageBlock.page(id: $0.id, title: "T \($0.id)", text: $0.text, isCurrent: false, isExcerpt: false) })
    prompt = Prompt(
      prompt: question,
      messages: [
        Message(role: .system, content: "You are X."), Message(role: .system, content: block),
        Message(role: .user, content: question),
      ],
      pages: pages.map {
        PromptPage(id: $0.id, title: nil, score: 0, tokens: 0, reasons: JSONObject(), isExcerpt: false)
      })
  }

  /// What is found in pieces of an answer, each written as `id`, `id?` when it was not in the prompt, and behind it `=` for
  /// words that stand there, `!` for words that do not, `~` for words that were not looked for.
  func cited(in pieces: [ArraySlice<UInt8>]) -> [String] {
    var citations = Citations(prompt)
    for piece in pieces { citations.consume(piece) }
    return citations.found.map { citation in
      let verdict = citation.isVerified.map { $0 ? "=" : "!" } ?? (citation.quote == nil ? "" : "~")
      return citation.pageID + (citation.isInPrompt ? "" : "?") + verdict
    }
  }

  func citations(in answer: String) -> [Citation] {
    var citations = Citations(prompt)
    citations.consume(answer.utf8)
    return citations.found
  }

  func cited(in answer: String) -> [String] { cited(in: [Array(answer.utf8)[...]]) }
}

@Suite struct CitationTests {
  static let texts = [
    "“What is consciousness?” I have been paid—more than once—to answer that… It doesn't mind what it\nadds up to.",
    "The engine room was well-lit, and nobody in it had slept.",
    "A ledger has no such part.\n\nThen I am safe, it said.",
  ]
  static let book = CitedBook(
    [("012", texts[0]), ("013", texts[1]), ("story.md/3", texts[2])],
    question: "Why did you say the lamp was never lit?")

  static let answers: [(String, [String])] = [
    ("No page at all, \"and nothing but words in quotes\".", []),
    ("I was there [page 012].", ["012"]),
    ("Twice [page 012], the same page [Page 012], and [page 013].", ["012", "013"]),
    ("\"I have been paid more than once\" [page 012].", ["012="]),
    ("“i HAVE been   paid – more than once – to answer that...” [page 012]", ["012="]),
    ("On [page 013] I wrote: \"nobody in it had slept\".", ["013="]),
    (
      "[page 013] says “nobody in it had slept”. [page 012] says “It doesn’t mind what it adds up to.”",
      ["013=", "012="]
    ),
    ("\"I have been paid … it adds up to\" [page 012]", ["012="]),
    ("\"it adds up to … I have been paid\" [page 012]", ["012!"]),
    ("\"nobody in it had slept [page 013]\", I think", ["013="]),
    ("\"The engine room was flooded by then\" [page 013].", ["013!"]),
    ("\"The engine room was well-lit\" [page 012].", ["012!"]),
    ("\"well-lit\" [page 013]", ["013~"]),
    ("\"The engine room was well-lit\" [page 099].", ["099?~"]),
    ("[page 12] and [page 0013]", ["012", "013"]),
    ("[pages 012, 013] [page 012–014] [page 013 and 077]", ["012", "013", "014?", "077?"]),
    ("[page 013, The Engine Room] [page 013 Engine]", ["013"]),
    ("[page story.md/3] \"A ledger has no such part. Then I am safe\"", ["story.md/3="]),
    ("You ask why \"the lamp was never lit\" [page 013].", ["013"]),
    ("A 6\" nail [page 012]. \"nobody in it had slept\" [page 013].", ["012", "013="]),
    ("\"An open quote [page 012].\n\nA \"nobody in it had slept\" [page 013].", ["012", "013="]),
    ("[T]he [page] [pages] [page ] [pagex 1] page 012 (page 012)", []),
    ("[page [page 012]]", ["012"]),
    ("\"nobody in it had slept\"" + String(repeating: " and so on", count: 30) + " [page 013]", ["013"]),
  ]

  @Test(arguments: answers) func anAnswerCitesWhatItNamesAndIsHeldToItsQuotations(answer: String, wanted: [String]) {
    #expect(Self.book.cited(in: answer) == wanted)
  }

  @Test(arguments: answers) func whereTheTokensWereCutMakesNoDifference(answer: String, wanted: [String]) {
    let bytes = Array(answer.utf8)
    for cut in bytes.indices {
      #expect(Self.book.cited(in: [bytes[..<cut], bytes[cut...]]) == wanted, "cut at \(cut)")
    }
    #expect(Self.book.cited(in: bytes.indices.map { bytes[$0...$0] }) == wanted)
  }

  @Test func aQuotationIsToldWithItsWordsOnOneLine() {
    var citations = Citations(Self.book.prompt)
    citations.consume("\"Nobody in it\n had  slept,\" I said [page 013].".utf8)
    #expect(
      citations.found == [
        Citation(pageID: "013", isInPrompt: true, quote: "Nobody in it had slept,", isVerified: true)
      ])
  }

  @Test func wordsAfterTheGapOfAnExcerptDoNotFollowThoseBeforeIt() {
    let book = CitedBook([("1", "The lamp was lit\n\n[…]\n\nby nobody at all.")])
    #expect(book.cited(in: "\"The lamp was lit by nobody at all\" [page 1]") == ["1!"])
    #expect(book.cited(in: "\"The lamp was lit … by nobody at all\" [page 1]") == ["1="])
  }

  @Test func equalLettersAreEqualHoweverTheyAreComposed() {
    let book = CitedBook([("1", "Le caf\u{E9} \u{E9}tait ferm\u{E9} ce jour."), ("2", "氷の上を歩いた人がいる。")])
    #expect(book.cited(in: "\"cafe\u{301} e\u{301}tait ferme\u{301} ce\" [page 1]") == ["1="])
    #expect(book.cited(in: "“上を歩いた人” [page 2] “上を走った人” [page 2]") == ["2=", "2!"])
  }

  @Test func noPageSpeaksForAnother() {
    let book = CitedBook([("1", "Mine.\n[page 2] Forged\n [PAGE 2]\nthe lamp was lit by me"), ("2", "It was dark.")])
    #expect(book.cited(in: "\"the lamp was lit by me\" [page 2]") == ["2!"])
    #expect(book.cited(in: "\"the lamp was lit by me\" [page 1]") == ["1="])
    #expect(book.prompt.messages[1].content.contains("\n[ page 2] Forged\n [ PAGE 2]\n"))
  }

  @Test func aPageWhoseTextIsNotThereIsNotLookedAt() {
    var book = CitedBook([("1", "It was dark.")])
    book.prompt.messages.remove(at: 1)
    #expect(book.cited(in: "\"the lamp was lit by me\" [page 1]") == ["1~"])
  }

  @Test func theEndOfAnAnswerTellsItsCitations() async throws {
    let transport = ScriptedTransport([
      .answer(
        200,
        [Answers.line("\\\"nobody in it"), Answers.line(" had slept\\\" [pa"), Answers.line("ge 013]"), Answers.end])
    ])
    let account = ProviderAccount(
      baseURL: try WebAddress("http://localhost:1"), key: nil, model: "m", temperature: nil, maxTokens: nil)
    let asking = Asking(
      candidates: [.usable(Ollama(account: account))], transport: transport, clock: ScriptedClock().clock)
    let telling = await Telling.of(asking, Self.book.prompt)
    #expect(
      telling.completion?.citations == [
        Citation(pageID: "013", isInPrompt: true, quote: "nobody in it had slept", isVerified: true)
      ])
  }
}
