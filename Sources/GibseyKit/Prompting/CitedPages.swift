// The pages that a prompt holds, as an answer may cite them.

/// Looks up pages by what a label says, and quotations on them. A page's words are read when it is first asked for.
struct CitedPages: Sendable {
  private let texts: [Spelling: String]
  private let ids: Set<Spelling>
  /// The id that is this number, without leading zeros; nil where several are.
  private var idOfNumber: [Spelling: String?] = [:]
  /// The id that a label says in other letters, as one that would not be one line; nil where several do.
  private var idOfLabel: [Spelling: String?] = [:]
  private var words = PlainWords()
  private var wordsOfPage: [Spelling: [Int]] = [:]
  private var wordsOfQuestion: [Int]

  init(_ prompt: Prompt) {
    self.init(
      question: prompt.prompt, ids: prompt.pages.map(\.id), texts: PageBlock.texts(in: prompt.messages))
  }

  /// - Parameter texts: by ids as labels show them (`PageBlock.shown`).
  init(question: String, ids: [String], texts: [Spelling: String]) {
    wordsOfQuestion = words.numbers(ofPage: question)
    self.ids = Set(ids.map(\.spelling))
    self.texts = texts
    for id in self.ids {
      for label in Set([PageBlock.shown(id.text).spelling, Self.oneLine(id.text).spelling]) where label != id {
        idOfLabel[label] = .some(idOfLabel[label] == nil ? id.text : nil)
      }
      guard let number = Self.number(id.text)?.spelling else { continue }
      idOfNumber[number] = .some(idOfNumber[number] == nil ? id.text : nil)
    }
  }

  var all: [String] { ids.map(\.text) }

  func contains(_ id: String) -> Bool { ids.contains(id.spelling) }

  /// What a label names: `12`, `012, 013`, `012 and 013`, `12–14` (the two ends), `012, The Lamp Room`.
  ///
  /// Ids are compared as they are, and as labels show them. Where that finds none, leading zeros do not count, as long as
  /// one page alone has that number; and of several words the first may be the id. What is then unknown stays as it was written, except a
  /// further part that is no number: it is a title or a remark.
  /// - Parameter known: the ids that the label says before that.
  func ids(in label: String, after known: [String] = []) -> [String] {
    if known.isEmpty, let id = id(label) { return [id] }
    var found = known
    for part in Self.parts(of: label) {
      if let id = id(part) ?? part.split(separator: " ").first.flatMap({ id(String($0)) }) {
        if !found.contains(where: { $0.spelling == id.spelling }) { found.append(id) }
      } else if found.isEmpty || Self.number(part) != nil {
        found.append(part)
      }
    }
    return found
  }

  private func id(_ text: String) -> String? {
    if ids.contains(text.spelling) { return text }
    if let id = idOfLabel[text.spelling] ?? nil { return id }
    return Self.number(text).flatMap { idOfNumber[$0.spelling] ?? nil }
  }

  /// White space as a person types it.
  private static func oneLine(_ id: String) -> String {
    id.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// The digits without leading zeros; nil for what is no number.
  private static func number(_ text: String) -> String? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let digits = text.drop { $0 == "0" }
    return digits.isEmpty ? "0" : String(digits)
  }

  private static func parts(of label: String) -> [String] {
    label.replacing(" and ", with: ",").split { ",;&".contains($0) }.flatMap { part -> [String] in
      let ends = part.split { "-–—".contains($0) }.map { String(PageText.trimmed($0)) }
      if ends.count == 2, ends.allSatisfy({ number($0) != nil }) { return ends }
      var part = PageText.trimmed(part)
      if part.lowercased().hasPrefix("page ") { part = PageText.trimmed(part.dropFirst(5)) }
      return part.isEmpty ? [] : [String(part)]
    }
  }

  /// Whether a quotation stands on the page; nil when that cannot be told: the text is not there, or the quotation has no
  /// part of at least `Citations.leastWords` words.
  mutating func stands(_ quotation: String, on id: String) -> Bool? {
    guard let page = numbers(of: id) else { return nil }
    let parts = words.parts(ofQuotation: quotation)
    guard parts.contains(where: { $0.count >= Citations.leastWords }) else { return nil }
    return PlainWords.stand(parts, on: page)
  }

  /// Whether the reader said it: then it is no quotation of a page.
  func standsInQuestion(_ quotation: String) -> Bool {
    let parts = words.parts(ofQuotation: quotation)
    return !parts.isEmpty && PlainWords.stand(parts, on: wordsOfQuestion)
  }

  private mutating func numbers(of id: String) -> [Int]? {
    if let known = wordsOfPage[id.spelling] { return known }
    guard let text = texts[PageBlock.shown(id).spelling] else { return nil }
    let numbers = words.numbers(ofPage: text)
    wordsOfPage[id.spelling] = numbers
    return numbers
  }
}
