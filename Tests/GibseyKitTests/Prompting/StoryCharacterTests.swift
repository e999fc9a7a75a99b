// The characters that are compiled in.
import Testing

@testable import GibseyKit

@Suite struct StoryCharacterTests {
  @Test func theSixteenAreThere() {
    #expect(
      StoryCharacter.knownIDs == [
        "an-author", "arieol-owlist", "cop-e-right", "glyph-marrow", "jack-parlance", "jacklyn-variance",
        "london-fox", "manny-valentinas", "new-natalie-weissman", "old-natalie-weissman", "oren-progresso",
        "phillip-bafflemint", "princhetta", "shamrock-stillman", "the-author", "todd-fishbone",
      ])
  }

  @Test(arguments: StoryCharacter.knownIDs + ["narrator"]) func everyFileIsComplete(id: String) throws {
    let character = try id == "narrator" ? StoryCharacter.narrator : StoryCharacter.named(id)
    #expect(character.id == id)
    #expect(!character.name.isEmpty)
    #expect(character.colour?.wholeMatch(of: /#[0-9a-f]{6}/) != nil)
    // The narrator has no manner, and needs fewer words for it.
    let limits = id == "narrator" ? 150...260 : 250...500
    let words = character.persona.split(whereSeparator: \.isWhitespace).count
    #expect(limits.contains(words), "\(words) words")
    #expect(character.shortPersona.split(whereSeparator: \.isWhitespace).count <= 90)
    for text in [character.persona, character.shortPersona] {
      #expect(text.hasPrefix("You are"))
      #expect(!text.lowercased().contains("language model"))
    }
    #expect(character.persona.contains("[page 012]"))
    #expect(character.shortPersona.contains("[page 012]"))
  }

  @Test func noTwoShareAColour() throws {
    let colours = try StoryCharacter.knownIDs.compactMap { try StoryCharacter.named($0).colour }
    #expect(Set(colours).count == 16)
  }

  @Test func anUnknownOneIsAnErrorThatListsTheKnown() {
    #expect(throws: GibseyError.unknownCharacter(id: "narrator", known: StoryCharacter.knownIDs)) {
      try StoryCharacter.named("narrator")
    }
  }

  @Test(.enabled(if: SharedFolder.has("characters.md")))
  func theyAreThoseOfTheNovelWithItsNamesAndColours() throws {
    let rows = try SharedFolder.text("characters.md")
      .matches(of: /\n\| ([a-z-]+)(?: \*)? \| ([^|]+) \| [^|]+ \| (#[0-9a-f]{6}) \|/)
    #expect(rows.count == 16)
    for row in rows {
      let character = try StoryCharacter.named(String(row.output.1))
      #expect(character.name == row.output.2)
      #expect(character.colour == String(row.output.3))
    }
  }

  /// Eight words in a row are somebody's sentence; fewer are the language's.
  @Test(.enabled(if: SharedFolder.has("corpus/entrance-way.jsonl")))
  func noPersonaHasEightWordsInARowFromTheNovel() throws {
    var personas: [[Substring]: String] = [:]
    for id in StoryCharacter.knownIDs {
      let character = try StoryCharacter.named(id)
      for text in [character.persona, character.shortPersona] {
        for run in Self.runs(of: text) { personas[run] = id }
      }
    }
    #expect(personas.count > 6000)
    for page in try SharedFolder.novel() {
      for run in Self.runs(of: page.text) {
        if let id = personas[run] { Issue.record("\(id), page \(page.id ?? "?"): \(run.joined(separator: " "))") }
      }
    }
  }

  /// A capital after a small letter or a comma: a name. One that the novel has not given by the end of the character's own
  /// section would tell of what comes later.
  @Test(.enabled(if: SharedFolder.has("corpus/entrance-way.jsonl")))
  func noPersonaHasANameThatTheNovelGivesOnlyLater() throws {
    var lastPage: [String: Int] = [:]
    var firstPage: [String: Int] = [:]
    for page in try SharedFolder.novel() {
      let (id, place) = (try #require(page.characterID), try #require(page.pageIndex))
      lastPage[id] = place
      for word in page.text.split(whereSeparator: { !$0.isLetter }) where firstPage[String(word)] == nil {
        firstPage[String(word)] = place
      }
    }
    var names = 0
    for id in StoryCharacter.knownIDs {
      let end = try #require(lastPage[id])
      for match in try StoryCharacter.named(id).persona.matches(of: /[a-z,] ([A-Z][a-z]+)/) {
        names += 1
        let first = firstPage[String(match.output.1)] ?? 0
        #expect(first <= end, "\(id) says \(match.output.1), which page \(first) says first")
      }
    }
    #expect(names > 20)
  }

  private static func runs(of text: String) -> [[Substring]] {
    let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }
    return words.indices.dropLast(7).map { Array(words[$0..<$0 + 8]) }
  }
}
