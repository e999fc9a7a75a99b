// Citations under random and hostile answers.
import Testing

@testable import GibseyKit

@Suite struct CitationPropertyTests {
  private static let vocabulary = (0..<400).map { "w\($0)" } + ["don't", "Überfahrt", "ледокол", "café", "I", "a"]

  /// An answer in the making, and what must be found in it.
  private struct Case {
    var pages: [(id: String, words: [String])]
    var answer = ""
    var wanted: Set<String> = []
  }

  /// The same words as somebody else types them.
  private static func retyped(_ words: [String], _ random: inout SeededGenerator) -> String {
    words.map { word in
      switch Int.random(in: 0..<5, using: &random) {
      case 0: word.uppercased()
      case 1: word.replacing("'", with: "’")
      default: word
      }
    }.reduce("") { text, word in
      text.isEmpty ? word : text + [" ", "  ", ", ", "—", " – ", "\n"].randomElement(using: &random)! + word
    }
  }

  private static func makeCase(_ random: inout SeededGenerator) -> Case {
    let pages = (1...Int.random(in: 1...4, using: &random)).map { number in
      (id: "\(number)", words: (0..<44).map { _ in vocabulary.randomElement(using: &random)! })
    }
    var result = Case(pages: pages)
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let page = pages.randomElement(using: &random)!
      let start = Int.random(in: 0..<28, using: &random)
      var words = Array(page.words[start..<start + Int.random(in: 4...15, using: &random)])
      let quotes = [("\"", "\""), ("“", "”"), ("“", "\"")].randomElement(using: &random)!
      let kind = Int.random(in: 0..<4, using: &random)
      if kind == 1 { words[Int.random(in: 0..<words.count, using: &random)] = "zzz" }
      let id = kind == 2 ? "\(Int.random(in: 90...99, using: &random))" : page.id
      let quotation = quotes.0 + retyped(words, &random) + quotes.1
      switch kind {
      case 3:
        result.answer += "So [page \(id)] it is."
        result.wanted.insert(id)
      default:
        result.answer += Bool.random(using: &random) ? "\(quotation) [page \(id)]." : "[Page \(id)]: \(quotation)."
        result.wanted.insert(kind == 0 ? "\(id)=" : kind == 1 ? "\(id)!" : "\(id)?~")
      }
      result.answer += "\n\n" + String(repeating: "and then there was nothing for a while ", count: 6)
    }
    // A page that is also quoted is not told without its quotation.
    result.wanted = result.wanted.filter { wanted in
      !result.wanted.contains { $0 != wanted && ($0.hasPrefix(wanted + "=") || $0.hasPrefix(wanted + "!")) }
    }
    return result
  }

  @Test func tenThousandRandomAnswersAreHeldToTheirPages() async {
    let seed: UInt64 = 20_261_125
    var random = SeededGenerator(seed: seed)
    for round in 0..<10_000 {
      await Task.yield()  // the servers of other tests answer on the same threads
      let example = Self.makeCase(&random)
      let book = CitedBook(example.pages.map { ($0.id, $0.words.joined(separator: " ")) })
      let bytes = Array(example.answer.utf8)
      var pieces: [ArraySlice<UInt8>] = []
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 1...9, using: &random))
        pieces.append(bytes[start..<end])
        start = end
      }
      let found = book.cited(in: pieces)
      #expect(Set(found) == example.wanted, "seed \(seed), round \(round): \(example.answer)")
    }
  }

  @Test(
    arguments: [
      "[", "[page ", "\"", "“", "[page 1", "[page 1]", "\"a b c d\" [page 1] ", "]", "\"[page 1]", "[page 9", "…",
      "“a [page 1] ", "\u{0}", "🚢\"", "a ",
    ]) func aHostileAnswerIsFoundIn(piece: String)
  {
    let text = String(repeating: "a ", count: 20_000)
    let book = CitedBook([("1", text)])
    var citations = Citations(book.prompt)
    for number in 0..<5_000 {
      citations.consume(piece.replacing("9", with: "\(number)] \"x a a a a a \(number)\"").utf8)
    }
    let found = citations.found
    #expect(found.count <= 2 * Citations.countLimit)
    let completion = Completion(
      finishReason: .stop, provider: "p", model: "m", promptID: "x", citations: found, durationMilliseconds: 1)
    let record = Record.responseStream(
      ResponseStream(responseID: "r", token: "", timestamp: "t", seq: 1, completion: completion))
    #expect(RecordCoder.encode(record).count < 1 << 20)
  }

  @Test func bytesThatAreNoTextEndNothing() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<2_000 {
      let noise = (0..<60).map { _ in
        [0x22, 0x5B, 0x5D, 0xE2, 0x80, 0x9C, 0xFF, 0xC0, 0x61].randomElement(using: &random)!
      }
      var citations = Citations(CitationTests.book.prompt)
      citations.consume(noise.map { UInt8($0) })
      citations.consume("]]\n\n[page 013]".utf8)
      #expect(citations.found.contains { $0.pageID == "013" })
    }
  }

  /// Every sentence of a page stands on it, and on no page far from it.
  @Test(.enabled(if: SharedFolder.has("corpus/entrance-way.jsonl")))
  func everySentenceOfTheNovelStandsOnItsPageAndNotOnAnother() throws {
    let pages = try SharedFolder.novel()
    var checked = 0
    for (index, page) in pages.enumerated() where index % 10 == 0 {
      let other = pages[(index + 355) % pages.count]
      let book = CitedBook([(page.id ?? "", page.text), (other.id ?? "", other.text)])
      for paragraph in PageText.paragraphs(of: page.text) {
        for sentence in PageText.sentences(of: paragraph) where PlainWords.words(of: sentence).count >= 8 {
          let bare = sentence.filter { !"\"“”".contains($0) }
          guard bare.utf8.count < CitationScanner.quotationLimitBytes else { continue }
          #expect(book.cited(in: "“\(bare)” [page \(page.id ?? "")]") == ["\(page.id ?? "")="], "\(sentence)")
          #expect(book.cited(in: "“\(bare)” [page \(other.id ?? "")]") == ["\(other.id ?? "")!"], "\(sentence)")
          checked += 1
        }
      }
    }
    #expect(checked > 500)
  }
}
