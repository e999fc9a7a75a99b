// Whether the cards in a database still say what their files said.

/// Makes of each card that a database keeps what importing it again would make, and compares that with what is there.
public struct CardInspection {
  /// Damages of one kind are told up to here.
  private static let limit = 20

  private let store: PageStore

  public init(_ store: PageStore) { self.store = store }

  /// What is amiss, by id; empty when all is as it was imported. One card is in memory at a time.
  /// - Throws: database errors, but for those that tell of damage: these are findings.
  public func findings() throws -> [StoreFinding] {
    var findings: [StoreFinding] = []
    do {
      for (id, name) in try store.cards() where findings.count < Self.limit {
        if let words = try problem(of: id, name: name) { findings.append(.damagedCard(id: id, words)) }
      }
      let strays = try store.strayLoreCount()
      if strays > 0 { findings.append(.damage("\(strays) entries or keys of lore are of no card")) }
    } catch GibseyError.notADatabase(_, let reason) {
      findings.append(.damage("the cards: \(reason)"))
    } catch GibseyError.damagedSchema(_, let reason) {
      findings.append(.damage("the cards: \(reason)"))
    }
    return findings
  }

  private func problem(of id: String, name: String) throws -> String? {
    guard let kept = try store.keptCard(id: id) else { return "it is there and cannot be found by its id" }
    let made: CardToStore
    do {
      let file = try CardFile(path: id, bytes: kept.picture.isEmpty ? kept.json : kept.picture)
      guard file.json == kept.json else { return "it is not what its picture says" }
      made = try CardImporting.stored(file).card
    } catch GibseyError.malformedInput(_, _, let reason) {
      return "what it came as is no card any more: \(reason)"
    } catch let problem as RecordProblem {
      return "what it came as is no card any more: \(problem.reason)"
    }
    guard made.id.spelling == id.spelling, made.name.spelling == name.spelling,
      JSONValue.object(made.used).text.spelling == kept.used.spelling
    else {
      return "its character is not what the card says"
    }
    var entries = made.lore.makeIterator()
    let areSame = try store.forEachKeptEntry(ofCard: kept.row) { entry in
      guard let wanted = entries.next()?.entry else { return false }
      let content = wanted.content ?? ""
      let members = JSONValue.object(wanted.entry).text
      return entry.place == wanted.place && entry.isConstant == wanted.isConstant
        && entry.contentBytes == content.utf8.count && entry.entry.spelling == members.spelling
        && entry.content.utf8.elementsEqual(content.utf8)
    }
    guard areSame, entries.next() == nil else { return "its lore is not what the card says" }
    let keys = Set(made.lore.flatMap { item in item.words.map { KeptKey(word: $0, place: item.entry.place) } })
    guard try store.keptKeys(ofCard: kept.row) == keys else { return "its keys of lore are not what the card says" }
    return nil
  }
}
