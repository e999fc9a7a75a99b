// One entry of a card's lorebook, and when it is called.

/// Something that a character knows and that is told when its keys are spoken of.
struct LoreEntry: Sendable, Equatable {
  /// Where it goes: before what is told after it, both behind the persona.
  enum Position: String { case beforeCharacter = "before_char", afterCharacter = "after_char" }

  /// Its place in the book, from 0.
  let place: Int
  let keys: [String]
  let secondaryKeys: [String]
  /// Whether one of the secondary keys must be there too.
  let isSelective: Bool
  /// Told whatever is spoken of.
  let isConstant: Bool
  let isCaseSensitive: Bool
  /// Lower ones stand before higher ones.
  let insertionOrder: Double
  /// Where the budget is tight, lower ones go first.
  let priority: Double
  let position: Position
  /// Known to a reader who has reached that page: `extensions.gibsey.known_from`.
  let knownFrom: String?
  /// As it is told; nil when it is longer than any budget of the prompt.
  let content: String?

  private static let members: Set<String> = [
    "keys", "secondary_keys", "selective", "constant", "case_sensitive", "insertion_order", "priority", "position",
    "extensions",
  ]

  /// From an entry of `character_book`, without its content.
  /// - Throws: `RecordProblem`.
  init(_ entry: JSONObject, place: Int, content: String?) throws {
    let fields = RecordFields(entry)
    self.place = place
    self.content = content
    keys = try fields.strings("keys")
    secondaryKeys = try fields.strings("secondary_keys")
    isSelective = try fields.optionalBool("selective") ?? false
    isConstant = try fields.optionalBool("constant") ?? false
    isCaseSensitive = try fields.optionalBool("case_sensitive") ?? false
    insertionOrder = try fields.optionalDouble("insertion_order") ?? 0
    priority = try fields.optionalDouble("priority") ?? 0
    // Others write numbers or nothing here; what is not before the character is after it.
    position = entry["position"]?.stringValue.flatMap(Position.init) ?? .afterCharacter
    knownFrom = try RecordFields.ours(in: fields).optionalString("known_from")
  }

  /// The members that we read, as they came, but for the content.
  static func used(of entry: JSONObject) -> JSONObject {
    var used = entry.filtered(members)
    used["extensions"] = entry["extensions"]?.objectValue.map { .object($0.filtered(["gibsey"])) }
    return used
  }

  /// The entry is off, or its keys are regular expressions: a stranger's expression may take for ever, so none is run.
  static func isAsleep(_ entry: JSONObject) throws -> Bool {
    let fields = RecordFields(entry)
    if try fields.optionalBool("enabled") == false { return true }
    return try fields.optionalBool("use_regex") == true && fields.optionalBool("constant") != true
  }

  /// The words with which its keys begin, lower-case: an entry without one of them is not called.
  func firstWords(_ macros: CardMacros) -> Set<String> {
    Set(keys.compactMap { PlainWords.words(of: macros.expanded($0)).first })
  }

  /// Whether what is spoken of calls it.
  func isCalled(by scan: LoreScan, _ macros: CardMacros) -> Bool {
    let isThere = { (key: String) in scan.contains(macros.expanded(key), isCaseSensitive: isCaseSensitive) }
    guard keys.contains(where: isThere) else { return false }
    return !isSelective || secondaryKeys.isEmpty || secondaryKeys.contains(where: isThere)
  }

  /// The content with its macros filled in, without the decorators that version 3 puts on its first lines.
  func told(_ macros: CardMacros) -> String? {
    guard let content else { return nil }
    guard content.hasPrefix("@@") else { return String(PageText.trimmed(macros.expanded(content)[...])) }
    var lines = content.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }[...]
    while lines.first?.hasPrefix("@@") == true { lines.removeFirst() }
    return String(PageText.trimmed(macros.expanded(lines.joined(separator: "\n"))[...]))
  }

  /// Who goes in first while there is room: constant ones, higher priority, higher insertion order.
  static func isFirst(_ one: LoreEntry, _ other: LoreEntry) -> Bool {
    if one.isConstant != other.isConstant { return one.isConstant }
    if one.priority != other.priority { return one.priority > other.priority }
    if one.insertionOrder != other.insertionOrder { return one.insertionOrder > other.insertionOrder }
    return one.place < other.place
  }
}
