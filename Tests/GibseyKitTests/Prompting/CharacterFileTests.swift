// A character's file, whole and broken.
import Testing

@testable import GibseyKit

@Suite struct CharacterFileTests {
  private func character(_ text: String) throws -> StoryCharacter {
    try CharacterFile.character(in: Array(text.utf8))
  }

  @Test func fieldsPersonaAndShortFormAreRead() throws {
    let text = """
      ---
      # a note
      id: 'keeper'
      name: The Keeper: of the Light
      symbol: lamp
      color: #AABBCC
      ---

      You are the keeper.

      You wait.

      ## Short

      You keep.


      """
    let wanted = StoryCharacter(
      id: "keeper", name: "The Keeper: of the Light", colour: "#aabbcc",
      persona: "You are the keeper.\n\nYou wait.", shortPersona: "You keep.")
    #expect(try character(text) == wanted)
    #expect(
      try character(
        "\u{FEFF}"
          + text.split(separator: "\n", omittingEmptySubsequences: false)
          .joined(separator: "\r\n")) == wanted)
  }

  @Test func withoutAShortFormThePersonaIsBothAndAColourMayBeMissing() throws {
    let character = try character("---\nid: k\nname: K\n---\nYou are K.")
    #expect(character.shortPersona == "You are K.")
    #expect(character.colour == nil)
  }

  @Test(
    arguments: [
      ("", 1, "wanted a line of --- and the fields"),
      ("You are K.", 1, "wanted a line of --- and the fields"),
      ("---\nid: k\nname: K\nYou are K.", 1, "the fields have no end: wanted a second line of ---"),
      ("---\nid: k\nname\n---\nYou are K.", 3, "wanted \"name: value\""),
      ("---\nid: k\n: K\n---\nYou are K.", 3, "wanted \"name: value\""),
      ("---\nid: k\nname: K\nid: l\n---\nYou are K.", 4, "id is given twice"),
      ("---\nname: K\n---\nYou are K.", 1, "id: missing"),
      ("---\nid: k\n---\nYou are K.", 1, "name: missing"),
      ("---\nid: k\nname: \"\"\n---\nYou are K.", 3, "name: empty"),
      ("---\nid: the keeper\nname: K\n---\nYou are K.", 2, "id: wanted one word"),
      ("---\nid: k\nname: K\ncolour: \"#12345\"\n---\nYou are K.", 4, "colour: wanted one like #e5b3b3"),
      ("---\nid: k\nname: K\ncolour: #12345g\n---\nYou are K.", 4, "colour: wanted one like #e5b3b3"),
      ("---\nid: k\nname: K\n---\n\n## Short\nK.", 4, "wanted the persona after the fields"),
      ("---\nid: k\nname: K\n---\nYou are K.\n## Short\n\n", 6, "the short form is empty"),
      ("---\nid: k\nname: K\n---\n\0", nil, "not UTF-8 text"),
    ] as [(String, Int?, String)])
  func whatIsBrokenIsToldWithItsLine(text: String, line: Int?, reason: String) {
    #expect(throws: CharacterFile.Problem(line: line, reason: reason)) { try character(text) }
  }

  @Test func aFileThatIsTooLongIsNotRead() {
    let bytes = [UInt8](repeating: 0x20, count: CharacterFile.limitBytes + 1)
    #expect(throws: CharacterFile.Problem(line: nil, reason: "longer than 65536 bytes")) {
      try CharacterFile.character(in: bytes)
    }
  }

  @Test func theCastPutsWhatWasAddedBeforeTheBuiltIn() throws {
    var cast = Cast()
    #expect(cast.ids == StoryCharacter.knownIDs)
    #expect(try cast.narrator == StoryCharacter.narrator)
    try cast.add(Array("---\nid: princhetta\nname: P\n---\nYou are P.".utf8), path: "own/p.md")
    #expect(try cast.named("princhetta").name == "P")
    #expect(try cast.named("london-fox") == StoryCharacter.named("london-fox"))
    #expect(cast.ids == StoryCharacter.knownIDs)
    let listed = try cast.listing().filter { $0.source != "built-in" }
    #expect(listed == [CharacterListing(id: "princhetta", name: "P", colour: nil, source: "own/p.md")])
  }
}
