// Character cards, version 1 to 3: what we use of them.

/// A character as SillyTavern and its kin write it (Character Card V2, github.com/malfoyslastname/character-card-spec-v2;
/// V3, github.com/kwaroran/character-card-spec-v3), without its lore. A card is foreign text: it says who speaks, and is
/// fenced like a page.
public struct CharacterCard: Sendable, Equatable {
  /// One word, from `extensions.gibsey.id`, else from the name.
  public let id: String
  public let name: String
  /// What `{{char}}` becomes: the nickname, else the name.
  let shortName: String
  let description: String
  let personality: String
  let scenario: String
  let systemPrompt: String
  /// Messages in which keys of lore are looked for: the question and those before it.
  let scanDepth: Int
  /// Tokens for lore, on top of the prompt's own limit.
  let loreBudgetTokens: Int?
  /// Whether the lore that was found is looked through for keys too.
  let isLoreRecursive: Bool

  /// What the members are that we read, of a card's `data`.
  private static let members: Set<String> = [
    "name", "nickname", "description", "personality", "scenario", "system_prompt", "extensions",
  ]
  private static let bookMembers: Set<String> = ["scan_depth", "token_budget", "recursive_scanning"]
  private static let nameLimit = 200
  /// More than any model would be told of one person.
  private static let textLimitBytes = 64 << 10
  private static let scanDepthDefault = 4
  private static let scanDepthLimit = 100

  /// From a card's `data`.
  /// - Throws: `RecordProblem`.
  init(_ data: JSONObject) throws {
    let fields = RecordFields(data)
    name = try Self.name(try fields.optionalString("name") ?? "", "name")
    let nickname = try fields.optionalString("nickname") ?? ""
    shortName = nickname.allSatisfy(\.isWhitespace) ? name : try Self.name(nickname, "nickname")
    id = try Self.id(RecordFields.ours(in: fields), name: name)
    description = try Self.text("description", fields)
    personality = try Self.text("personality", fields)
    scenario = try Self.text("scenario", fields)
    systemPrompt = try Self.text("system_prompt", fields)
    let book = RecordFields(try fields.optionalObject("character_book") ?? JSONObject())
    let depth = try book.optionalDouble("scan_depth") ?? Double(Self.scanDepthDefault)
    scanDepth = Int(min(max(depth, 0), Double(Self.scanDepthLimit)))
    loreBudgetTokens = try book.optionalDouble("token_budget").map { Int(min(max($0, 0), 1e9)) }
    isLoreRecursive = try book.optionalBool("recursive_scanning") ?? false
  }

  /// The members of a card's `data` that we read, as they came: enough to make the card again.
  static func used(of data: JSONObject) -> JSONObject {
    var used = data.filtered(members)
    used["extensions"] = data["extensions"]?.objectValue.map { .object($0.filtered(["gibsey"])) }
    used["character_book"] = data["character_book"]?.objectValue.map { .object($0.filtered(bookMembers)) }
    return used
  }

  /// The `data` of a card, whichever its version; version 1 has no other members.
  /// - Throws: `RecordProblem`.
  static func data(of card: JSONObject) throws -> JSONObject {
    let fields = RecordFields(card)
    if let spec = try fields.optionalString("spec"), !spec.hasPrefix("chara_card_v") {
      throw RecordProblem("spec: \(spec.prefix(nameLimit)) is no character card")
    }
    return try fields.optionalObject("data") ?? card
  }

  private static func name(_ text: String, _ field: String) throws -> String {
    let name = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard !name.isEmpty else { throw RecordProblem("\(field): a card needs one") }
    guard name.count <= nameLimit, name.utf8.count <= 4 * nameLimit else {
      throw RecordProblem("\(field): longer than \(nameLimit) characters")
    }
    return name
  }

  /// "London Fox" is asked as london-fox.
  private static func id(_ ours: RecordFields, name: String) throws -> String {
    if let id = try ours.optionalString("id"), !id.isEmpty {
      guard !id.contains(where: \.isWhitespace), id.utf8.count <= 4 * nameLimit else {
        throw RecordProblem("extensions.gibsey.id: wanted one word")
      }
      return id
    }
    let words = PlainWords.words(of: name)
    guard !words.isEmpty else { throw RecordProblem("name: wanted a letter in it, or an id in extensions.gibsey.id") }
    return words.joined(separator: "-")
  }

  private static func text(_ name: String, _ fields: RecordFields) throws -> String {
    let text = try fields.optionalString(name) ?? ""
    guard text.utf8.count <= textLimitBytes else { throw RecordProblem("\(name): longer than \(textLimitBytes) bytes") }
    return text
  }
}

extension RecordFields {
  /// Our own members of an object with `extensions`.
  static func ours(in fields: RecordFields) throws -> RecordFields {
    let extensions = RecordFields(try fields.optionalObject("extensions") ?? JSONObject())
    return RecordFields(try extensions.optionalObject("gibsey") ?? JSONObject())
  }
}

extension JSONObject {
  /// Only those members.
  func filtered(_ keys: Set<String>) -> JSONObject {
    var object = JSONObject()
    for member in members where keys.contains(member.key) { object[member.key] = member.value }
    return object
  }
}
