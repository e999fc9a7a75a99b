// The house: which room may know which, and what nobody does. Every rule is shown able to fail.
import Foundation
import Testing

@Suite struct HouseTests {
  private static let package = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private static func sources() throws -> [SwiftSource] {
    let folder = package.appending(path: "Sources")
    let files = try #require(FileManager.default.enumerator(atPath: folder.path))
    return try files.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().map {
      SwiftSource(
        path: "Sources/\($0)",
        text: try String(contentsOf: folder.appending(path: $0), encoding: .utf8))
    }
  }

  @Test func theHouseIsInOrder() throws {
    let sources = try Self.sources()
    #expect(sources.count > 40)
    let findings = HouseInspection(sources: sources).findings
    #expect(findings.isEmpty, "\n\(findings.joined(separator: "\n"))")
  }

  @Test func everyRoomOfTheHouseHasItsRule() throws {
    let folders = Set(
      try Self.sources().map { $0.path.split(separator: "/") }
        .filter { $0[1] == "GibseyKit" }.map { String($0[2]) })
    #expect(folders.subtracting(Room.all.map(\.name)) == [])
  }

  @Test func everyExceptionIsStillNeeded() throws {
    let sources = try Self.sources()
    for exception in Ban.exceptions {
      let source = try #require(
        sources.first { $0.path == exception.path }, "\(exception.path) is gone")
      let ban = try #require(Ban.all.first { $0.reason == exception.reason })
      #expect(
        source.lines.contains { $0.contains(ban.pattern) }, "\(exception.path) needs it no more")
    }
  }

  private func findings(_ files: [String: String]) -> [String] {
    HouseInspection(
      sources: files.sorted { $0.key < $1.key }.map {
        SwiftSource(path: $0.key, text: "// A file.\n" + $0.value)
      }
    ).findings
  }

  @Test(
    arguments: [
      ("Records", "internal import Foundation", "imports Foundation"),
      ("Records", "import Foundation", "Foundation costs start-up"),
      ("Records", "@preconcurrency public import Dispatch", "imports Dispatch"),
      ("Retrieval", "internal import CSQLite", "imports CSQLite"),
      ("Store", "internal import CCurl", "imports CCurl"),
      ("HTTP", "internal import CSQLite", "imports CSQLite"),
      ("CommandLine", "internal import CCurl", "imports CCurl"),
      ("Pipeline", "import struct ArgumentParser.Flag", "imports ArgumentParser"),
      ("System", "let home = getenv(\"HOME\")", "getenv: only CommandLine reads the environment"),
      ("Records", "let output: FileDescriptor", "FileDescriptor: no input or output here"),
      ("Prompting", "let now = ContinuousClock.now", "ContinuousClock: no clocks here"),
      ("Retrieval", "let die = Int.random(in: 1...6)", "random: no randomness here"),
      (
        "Pipeline", "try FileDescriptor.standardOutput.write([])",
        "standardOutput: a verb is given where to write"
      ),
      ("Store", "  print(\"x\")", "print( bypasses the streams"),
      ("Store", "  Swift.print(1)", "print( bypasses the streams"),
      ("Store", "  let s = \"\\(print(1))\"", "print( bypasses the streams"),
      ("Providers", "  exit(3)", "exit( belongs to Tool"),
      ("Providers", "  Glibc._exit(3)", "exit( belongs to Tool"),
      ("Providers", "  let x = try! y()", "try! hides a failure"),
      ("Providers", "  fatalError(\"never\")", "fatalError( ends the process"),
      ("HTTP", "nonisolated(unsafe) let x = 1", "nonisolated(unsafe) is a data race"),
      ("HTTP", "final class Box: @unchecked Sendable {}", "@unchecked Sendable needs a reason"),
      ("HTTP", "  static let shared = Box()", "a singleton"),
      ("HTTP", "public var count = 0", "a global var"),
      ("HTTP", "@MainActor var count: Int", "a global var"),
      ("HTTP", "  static var count = 0", "a global var"),
      ("Pipeline", "  var seen: Set<String> = []", "a name as a key is its spelling"),
      ("Store", "  let places: [String: Int]", "a name as a key is its spelling"),
      ("Pipeline", "  if turn.characterID == other { return }", "names are compared by their spelling"),
      ("Prompting", "  guard place.page?.id != id else { return }", "names are compared by their spelling"),
      ("Helpers", "struct Thing {}", "is in no room"),
    ]) func aBrokenRuleIsFound(room: String, line: String, finding: String)
  {
    let path = "Sources/GibseyKit/\(room)/Bad.swift"
    let found = findings([path: line])
    #expect(found.contains("\(path):\(finding == "is in no room" ? 1 : 2): \(finding)"), "\(found)")
  }

  @Test(
    arguments: [
      ("Records", "Store"), ("Retrieval", "HTTP"), ("Prompting", "Store"), ("Store", "HTTP"),
      ("Store", "Pipeline"), ("HTTP", "Records"), ("Providers", "Store"), ("Sources", "Store"),
      ("Pipeline", "CommandLine"), ("System", "Records"),
    ]) func aRoomThatNamesATypeItMayNotKnowIsFound(room: String, other: String)
  {
    let found = findings([
      "Sources/GibseyKit/\(room)/Bad.swift": "let x: [Lantern]?",
      "Sources/GibseyKit/\(other)/Lantern.swift": "public final class Lantern {}",
    ])
    #expect(found == ["Sources/GibseyKit/\(room)/Bad.swift:2: \(room) names Lantern of \(other)"])
  }

  @Test func aNameInACommentAStringOrAfterADotIsNobodysType() {
    let harmless = """
      // Lantern
      /* Lantern /* Lantern */ print( */
      let a = "Lantern \\"Lantern" + #"Lantern"Lantern"# + x.Lantern
      let b = \"""
        Lantern " print( exit(
        \"""
      """
    #expect(
      findings([
        "Sources/GibseyKit/Records/Good.swift": harmless,
        "Sources/GibseyKit/Store/Lantern.swift": "struct Lantern {}",
      ]) == [])
  }

  @Test func whatIsTooLongIsFound() {
    let long = String(repeating: "\n", count: 400)
    #expect(
      findings(["Sources/GibseyKit/Store/Long.swift": long])
        == ["Sources/GibseyKit/Store/Long.swift:1: 401 lines, at most 400"])
    #expect(
      findings(["Sources/gibsey-ask/Ask.swift": String(repeating: "\n", count: 120)])
        == ["Sources/gibsey-ask/Ask.swift:1: 121 lines, at most 120"])
    let function = "func f(\n  x: Int\n) {\n" + String(repeating: "  g()\n", count: 57) + "}\n"
    #expect(
      findings(["Sources/GibseyKit/Store/Long.swift": function])
        == ["Sources/GibseyKit/Store/Long.swift:2: a function of 61 lines"])
  }

  @Test func aToolIsOneFileThatImportsTheKitAndTheArgumentParser() {
    #expect(
      findings([
        "Sources/gibsey-ask/Ask.swift": "import ArgumentParser\nimport GibseyKit",
        "Sources/gibsey-ask/More.swift": "import Glibc",
      ]) == [
        "Sources/gibsey-ask/More.swift:2: imports Glibc",
        "Sources/gibsey-ask:1: 2 files, a tool is one",
      ])
  }

  @Test func theDaemonAloneHasRoomsAndKnowsNIO() {
    #expect(
      findings([
        "Sources/gibsey-serve/Serve.swift": "import ArgumentParser\nimport NIOCore",
        "Sources/gibsey-serve/More.swift": "import GibseyKit",
        "Sources/gibsey-serve/HTTP/Route.swift": "import NIOHTTP1\nimport CSQLite",
        "Sources/gibsey-ask/Ask.swift": "import NIOCore",
        "Sources/GibseyKit/HTTP/Net.swift": "import NIOCore",
      ]) == [
        "Sources/GibseyKit/HTTP/Net.swift:2: imports NIOCore",
        "Sources/gibsey-ask/Ask.swift:2: imports NIOCore",
        "Sources/gibsey-serve/HTTP/Route.swift:3: imports CSQLite",
        "Sources/gibsey-serve:1: 2 files, a tool is one",
      ])
  }

  @Test func aFileWithoutAHeaderIsFound() {
    let source = SwiftSource(path: "Sources/GibseyKit/Store/Bare.swift", text: "struct Bare {}\n")
    #expect(
      HouseInspection(sources: [source]).findings
        == ["Sources/GibseyKit/Store/Bare.swift:1: has no header"])
  }
}
