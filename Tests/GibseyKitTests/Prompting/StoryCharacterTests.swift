// The characters that are compiled in.
import Testing

@testable import GibseyKit

@Suite struct StoryCharacterTests {
  @Test func theSevenAreThere() {
    #expect(
      StoryCharacter.knownIDs == [
        "jack-parlance", "london-fox", "new-natalie-weissman", "old-natalie-weissman", "princhetta",
        "shamrock-stillman", "todd-fishbone",
      ])
  }

  @Test(arguments: StoryCharacter.knownIDs + ["narrator"]) func everyFileIsComplete(id: String) throws {
    let character = id == "narrator" ? StoryCharacter.narrator : try StoryCharacter.named(id)
    #expect(character.id == id)
    #expect(!character.name.isEmpty)
    #expect(character.colour.wholeMatch(of: /#[0-9a-f]{6}/) != nil)
    let words = character.persona.split(whereSeparator: \.isWhitespace).count
    #expect((150...260).contains(words), "\(words) words")
    #expect(character.shortPersona.split(whereSeparator: \.isWhitespace).count <= 90)
    #expect(character.persona.hasPrefix("You are"))
    #expect(character.shortPersona.hasPrefix("You are"))
    #expect(!character.persona.lowercased().contains("language model"))
  }

  @Test func anUnknownOneIsAnErrorThatListsTheKnown() {
    #expect(throws: GibseyError.unknownCharacter(id: "narrator", known: StoryCharacter.knownIDs)) {
      try StoryCharacter.named("narrator")
    }
  }
}
