// Lore: what calls an entry, and what of it goes in.
import Testing

@testable import GibseyKit

@Suite struct LoreTests {
  private let macros = CardMacros(character: "Ann", user: "Reader")

  private func entry(_ text: String, _ place: Int = 0, content: String = "x") throws -> LoreEntry {
    try LoreEntry(json(text), place: place, content: content)
  }

  @Test(
    arguments: [
      (#"{"keys":["fox"]}"#, "A Fox!", true), (#"{"keys":["fox"]}"#, "A foxglove.", false),
      (#"{"keys":["engine room"]}"#, "the ENGINE-room", true), (#"{"keys":["engine room"]}"#, "room, engine", false),
      (#"{"keys":["Don’t"]}"#, "I don't.", true), (#"{"keys":["fox"],"case_sensitive":true}"#, "A Fox!", false),
      (#"{"keys":["Fox"],"case_sensitive":true}"#, "a fox, a Fox!", true),
      (#"{"keys":["{{char}}"]}"#, "Who is Ann?", true),
      (#"{"keys":["fox"],"selective":true,"secondary_keys":["den","hole"]}"#, "The fox in its hole.", true),
      (#"{"keys":["fox"],"selective":true,"secondary_keys":["den"]}"#, "The fox.", false),
      (#"{"keys":["fox"],"selective":true,"secondary_keys":[]}"#, "The fox.", true),
      (#"{"keys":["fox"],"selective":false,"secondary_keys":["den"]}"#, "The fox.", true),
      (#"{"keys":["…","fox"]}"#, "The fox.", true), (#"{"keys":["", "?"]}"#, "?", false), (#"{}"#, "x", false),
      (#"{"keys":["last first"]}"#, "the last\n\nfirst", true), (#"{"keys":["氷"]}"#, "氷の上", true),
    ]) func keysAreWholeWordsInARow(text: String, spoken: String, wanted: Bool) throws
  {
    var scan = LoreScan()
    _ = scan.add(spoken)
    #expect(try entry(text).isCalled(by: scan, macros) == wanted)
  }

  @Test func noKeyGoesFromOneMessageIntoTheNext() throws {
    var scan = LoreScan()
    _ = scan.add("the last")
    #expect(scan.add("first and last") == ["first", "and"])
    #expect(!scan.contains("last first", isCaseSensitive: false))
  }

  @Test func entriesThatCallEachOtherAreCalledOnce() throws {
    var calling = LoreCalling(macros: macros, isKnown: { _ in true })
    let circle = try [
      entry(#"{"keys":["a"]}"#, 0, content: "b"), entry(#"{"keys":["b"]}"#, 1, content: "c"),
      entry(#"{"keys":["c"]}"#, 2, content: "a c b"),
    ]
    _ = calling.speak("a")
    var words = ["a"]
    var rounds = 0
    while !words.isEmpty {
      try calling.add(circle, isCalled: false)
      words = calling.speakOfLore()
      rounds += 1
    }
    #expect(calling.called.map(\.place) == [0, 1, 2])
    #expect(rounds == 3)
  }

  @Test func decoratorsAndMacrosAreNotTold() throws {
    #expect(
      try entry("{}", content: "@@depth 4\r\n@@role x\r\n{{char}} knows {{user}}.\r\n").told(macros)
        == "Ann knows Reader.")
  }

  @Test func constantThenPriorityThenOrderDecideWhoGoesInAndPositionThenOrderWhereItStands() throws {
    let entries = try [
      entry(#"{"insertion_order":5}"#, 0, content: "five"), entry(#"{"insertion_order":9}"#, 1, content: "nine"),
      entry(#"{"insertion_order":1,"priority":3}"#, 2, content: "urgent"),
      entry(#"{"insertion_order":2,"position":"before_char"}"#, 3, content: "before"),
      entry(#"{"insertion_order":100,"constant":true,"position":7}"#, 4, content: "always"),
      entry(#"{"insertion_order":5}"#, 5, content: "also five"),
    ].sorted(by: LoreEntry.isFirst)
    #expect(entries.map(\.content) == ["always", "urgent", "nine", "five", "also five", "before"])
    var lore = PromptLore(entries: entries.map { PromptLore.Entry($0, macros) }, budgetTokens: nil)
    #expect(
      lore.fitting(1000).told.map { $0.entry.text } == ["before", "urgent", "five", "also five", "nine", "always"])
    lore.budgetTokens = 6
    let (told, leftOut) = lore.fitting(1000)
    #expect(told.map { $0.entry.text } == ["urgent", "nine", "always"])
    #expect(leftOut.map(\.id) == ["0", "5", "3"])
    #expect(leftOut.allSatisfy { $0.kind == "lore" && $0.reason == "budget" })
  }

  @Test func anEntryThatIsOffOrWantsAnExpressionSleeps() throws {
    #expect(try LoreEntry.isAsleep(json(#"{"enabled":false}"#)))
    #expect(try LoreEntry.isAsleep(json(#"{"use_regex":true,"keys":["(a+)+$"]}"#)))
    #expect(try !LoreEntry.isAsleep(json(#"{"use_regex":true,"constant":true}"#)))
    #expect(try !LoreEntry.isAsleep(json(#"{"enabled":true}"#)))
  }
}
