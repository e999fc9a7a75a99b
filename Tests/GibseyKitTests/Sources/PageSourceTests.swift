// What a source gives: ids, places, order, and a clear word for whatever is wrong with it.
import Foundation
import Testing

@testable import GibseyKit

@Suite struct PageSourceTests {
  private let folder = TemporaryFolder()

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    let path = folder.path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: path))
  }

  private func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  /// Each item on a line: `place id: text`, or `! id: sentence`.
  private func read(
    _ name: String, _ change: (inout ReadingOptions) -> Void = { _ in }
  ) throws -> [String] {
    var options = ReadingOptions()
    change(&options)
    return try items(PageSource(path: folder.path + "/" + name, name: "s"), options)
  }

  private func items(_ source: PageSource, _ options: ReadingOptions = .init()) throws -> [String] {
    var items: [String] = []
    try source.read(options: options) { item in
      switch item {
      case .page(let page): items.append("\(page.pageIndex ?? 0) \(page.id ?? ""): \(page.text)")
      case .failure(let id, let error):
        items.append("! \(id): \(error.message.replacing(folder.path + "/", with: ""))")
      }
    }
    return items
  }

  @Test(arguments: [
    ("./a//b/", "a/b"), ("a", "a"), ("/x/./y", "/x/y"), (".", "."), ("../a", "../a"), ("/", "/"),
  ])
  func aSourceIsNamedByItsPathWithoutWhatMeansNothing(path: String, name: String) {
    #expect(PageSource(path: path).name == name)
  }

  @Test func linesAreReadAroundWhatIsBroken() throws {
    try write(
      "a.jsonl",
      """
      \u{FEFF}{"text":"one"}
      {"type":"page","data":{"id":"two","page_index":7,"text":"2"}}

      not JSON
      {"type":"ai_chat_request","data":{"prompt":"Who?"}}
      {"type":"weather","data":{"sky":"grey"}}
      {"text":" \\n "}
      {"text":"a\\u0000b"}
      {"id":"two","text":"again"}
      {"text":"last"}
      """)
    #expect(
      try read("a.jsonl") == [
        "1 s/1: one",
        "7 two: 2",
        "! s/3: a.jsonl: line 4: not JSON: wanted a value at byte 1",
        "! s/4: a.jsonl: line 5: a record of type ai_chat_request, wanted page",
        "! s/5: a.jsonl: line 7: page s/5 has no text",
        "! s/6: a.jsonl: line 8: page s/6 contains a NUL",
        "! two: a.jsonl: line 9: the id two was already used at a.jsonl: line 2",
        "8 s/8: last",
      ])
  }

  /// Sizes of which the record is just as long as a line may be: of quotes two bytes each, of controls six, of letters one.
  @Test(arguments: [("\\\"", 524_240, 1), ("\\u0001", 174_746, 5), ("x", 1_048_481, 0)])
  func aPageWhoseRecordIsLongerThanALineIsAFailure(character: String, count: Int, more: Int) throws {
    for (excess, isRead) in [(0, true), (1, false)] {
      let text = String(repeating: character, count: count) + String(repeating: "y", count: more + excess)
      try write("a.json", #"[{"id":"1","metadata":{"k":"é"},"motifs":["m"],"text":"\#(text)"},{"text":"2"}]"#)
      let items = try read("a.json")
      #expect(items.count == 2)
      let reason = "takes 1048577 bytes as a record, and a line holds 1048576: part it into shorter ones"
      #expect((items[0] == "! 1: a.json: element 1: page 1 \(reason)") == !isRead)
      #expect(items[1] == "\(isRead ? 2 : 1) s/2: 2")
    }
  }

  @Test func aLineOverTheLimitIsAFailureAndTheNextIsRead() throws {
    try write("a.jsonl", "{\"text\":\"\(String(repeating: "x", count: 2_000_000))\"}\n{\"text\":\"kept\"}\n")
    #expect(
      try read("a.jsonl") == ["! s/1: a.jsonl: line 1: longer than 1048576 bytes", "1 s/2: kept"])
  }

  @Test func thereIsNoPlaceBehindTheLastInteger() throws {
    try write("a.jsonl", "{\"page_index\":9007199254740991,\"text\":\"a\"}\n{\"text\":\"b\"}\n")
    #expect(
      try read("a.jsonl") == [
        "9007199254740991 s/1: a",
        "! s/2: a.jsonl: line 2: page s/2 has no page_index and none is left",
      ])
  }

  @Test func anArrayMayStandInAnObjectAndMayHoldRecords() throws {
    try write(
      "a.json",
      #"{"pages":[{"text":"a"},3,{"type":"page","data":{"text":"b"}},{"type":"error","data":{"message":"m","code":"C"}}]}"#
    )
    try write("b.json", #"{"id":"alone","text":"a","pages":[1]}"#)
    let read = try read("a.json")
    #expect(
      read == [
        "1 s/1: a", "! s/2: a.json: element 2: wanted an object", "2 s/3: b",
        "! s/4: a.json: element 4: a record of type error, wanted page",
      ])
    #expect(try self.read("b.json") == ["1 alone: a"])
  }

  @Test func bytesThatAreNoTextAreNamedByTheirPlaceInTheFile() throws {
    try write("latin.txt", [0x63, 0x61, 0x66, 0xE9, 0x0A])
    try write("marked.md", [0xEF, 0xBB, 0xBF, 0x61, 0xFF])
    try write("nul.txt", [0x61, 0x00, 0x62])
    #expect(try read("latin.txt") == ["! s: latin.txt: not UTF-8 at byte 4; convert it with iconv(1)"])
    #expect(try read("marked.md") == ["! s: marked.md: not UTF-8 at byte 5; convert it with iconv(1)"])
    #expect(try read("nul.txt") == ["! s: nul.txt: a NUL at byte 2: not a text"])
  }

  @Test func frontMatterThatIsNotReadFailsItsFileAtItsLine() throws {
    try write("book/1.md", "---\nmood: {a: b}\n---\nx")
    try write("book/2.md", "y")
    #expect(
      try read("book") == [
        "! s/1.md: book/1.md: line 2: front matter: values that begin with { are not read",
        "1 s/2.md/1: y",
      ])
  }

  @Test func aFolderIsReadAsAPersonWouldAndWhatIsWrongInItIsSaid() throws {
    try write("book/chapter-10.md", "ten")
    try write("book/chapter-2.txt", "two")
    try write("book/chapter-2/notes.jsonl", "{\"text\":\"n\"}\n\n{\"text\":\"m\"}")
    try write("book/blank.jsonl", "\n\n")
    try write("book/empty.md", "")
    try write("book/license-plate.md", "A chapter.")
    for name in ["README.md", "LICENSE.txt", ".hidden.md", ".git/x.md", "cover.png"] {
      try write("book/" + name, "not of the book")
    }
    let files = FileManager.default
    try files.createSymbolicLink(
      atPath: folder.path + "/book/loop", withDestinationPath: folder.path + "/book")
    try files.createSymbolicLink(
      atPath: folder.path + "/book/gone.md", withDestinationPath: folder.path + "/nowhere")
    #expect(
      try read("book") == [
        "! s/blank.jsonl: book/blank.jsonl: nothing to read",
        "1 s/chapter-2/notes.jsonl/1: n",
        "2 s/chapter-2/notes.jsonl/2: m",
        "3 s/chapter-2.txt/1: two",
        "4 s/chapter-10.md/1: ten",
        "! s/empty.md: book/empty.md: nothing to read",
        "! s/gone.md: cannot read book/gone.md: no such file or directory",
        "5 s/license-plate.md/1: A chapter.",
      ])
  }

  @Test func aFolderTooDeepIsAnErrorAndNotAGap() throws {
    let deep = (0..<40).map { _ in "d" }.joined(separator: "/")
    try write("deep/a.md", "a")
    try write("deep/\(deep)/z.md", "z")
    let path = folder.path + "/deep/" + (0..<32).map { _ in "d" }.joined(separator: "/")
    #expect(throws: GibseyError.cannotRead(path: path, reason: "more than 32 folders deep")) {
      try read("deep")
    }
  }

  @Test func whatIsNotThereIsAnError() throws {
    try write("only/cover.png", "x")
    let path = folder.path
    #expect(throws: GibseyError.noSuchFile(path: path + "/no.md")) { try read("no.md") }
    #expect(throws: GibseyError.nothingToRead(path: path + "/only")) { try read("only") }
  }

  @Test(
    arguments: [
      ("{\"text\":\"a\"}\n", ["1 in/1: a"]),
      (" \n\n{\"text\":\"a\"}", ["1 in/1: a"]),
      ("[{\"text\":\"a\"}]", ["1 in/1: a"]),
      ("\u{FEFF}\n[{\"text\":\"a\"}]", ["1 in/1: a"]),
      ("a {brace}", ["1 in/1: a {brace}"]),
    ]) func aPipeIsSniffedHoweverItsBytesCome(text: String, expected: [String]) throws
  {
    let pipe = Pipe()
    let bytes = Array(text.utf8)
    let writer = Thread {
      for byte in bytes { try? pipe.fileHandleForWriting.write(contentsOf: Data([byte])) }
      try? pipe.fileHandleForWriting.close()
    }
    writer.start()
    let input = FileDescriptor(number: pipe.fileHandleForReading.fileDescriptor)
    #expect(try items(PageSource(stream: input, name: "in")) == expected)
  }

  @Test func aFormatThatIsForcedCounts() throws {
    try write("a.txt", "{\"text\":\"a\"}\n")
    #expect(try read("a.txt") == ["1 s/1: {\"text\":\"a\"}"])
    #expect(try read("a.txt") { $0.format = .jsonl } == ["1 s/1: a"])
  }

  @Test func digitsOfAnyLengthCompareAsNumbers() {
    let long = String(repeating: "9", count: 30)
    let names = ["p\(long).md", "p200.md", "p10.md", "p5.md", "p010.md", "p3\(long).md"]
    #expect(
      names.sorted(by: FolderWalk.naturallyPrecedes)
        == ["p5.md", "p010.md", "p10.md", "p200.md", "p\(long).md", "p3\(long).md"])
  }
}
