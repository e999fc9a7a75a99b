// The man pages against the built programs: flags both ways, settings and exit statuses.
import Foundation
import GibseyKit
import TestPrograms
import Testing

/// The built programs and the files of the project, for tests of documents.
enum BuiltPrograms {
  static let repository = String("/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/"))

  /// The folder of the programs: the nearest one above the test bundle that holds them.
  private static var folder: String {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    while folder.path != "/", !FileManager.default.fileExists(atPath: folder.path + "/gibsey-index") {
      folder.deleteLastPathComponent()
    }
    return folder.path == "/" ? repository + "/.build/debug" : folder.path
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOfFile: repository + "/" + path, encoding: .utf8)
  }

  /// What a shell's command prints, errors in their place, in an environment without settings.
  static func output(of command: String, in directory: String) throws -> String {
    let output = Pipe()
    let process = try ChildProcess(
      ["/bin/sh", "-c", "exec 2>&1; \(command)"], in: directory,
      environment: [
        "PATH": "\(folder):/usr/bin:/bin", "HOME": directory, "LC_ALL": "C.UTF-8", "GIBSEY_EMBEDDER": "none",
      ], output: output.fileHandleForWriting.fileDescriptor)
    try output.fileHandleForWriting.close()
    let bytes = withExtendedLifetime(process) { output.fileHandleForReading.readDataToEndOfFile() }
    return String(decoding: bytes, as: UTF8.self)
  }
}

@Suite struct ManualFlagTests {
  static let tools = ["gibsey-index", "gibsey-context", "gibsey-ask", "gibsey-serve"]

  private static func manual(of tool: String) -> String { "man/\(tool).\(tool == "gibsey-serve" ? 8 : 1)" }

  private static func text(_ path: String) throws -> String { try BuiltPrograms.text(path) }

  private static func help(of tool: String) throws -> String {
    try BuiltPrograms.output(of: "\(tool) --help", in: NSTemporaryDirectory())
  }

  /// The flags that a help text lists, as in `--sync`; only lines of the list count, not the prose.
  private static func flags(ofHelp help: String) throws -> Set<String> {
    let lines = help.split(separator: "\n").filter { $0.hasPrefix("  -") }
    return Set(lines.compactMap { $0.firstMatch(of: /(?:^|[ ,])(--[a-z][a-z-]*)/).map { String($0.output.1) } })
  }

  /// The flags that a man page describes, each as a list entry of its own.
  private static func flags(ofManual page: String) throws -> Set<String> {
    let entries = page.split(separator: "\n").filter { $0.hasPrefix(".It Fl ") }
    return Set(entries.flatMap { $0.matches(of: /Fl Fl ([a-z][a-z-]*)/).map { "--\($0.output.1)" } })
  }

  /// The flags in a man page's synopsis.
  private static func synopsis(ofManual page: String) throws -> Set<String> {
    let start = try #require(page.range(of: ".Sh SYNOPSIS"))
    let end = try #require(page.range(of: ".Sh DESCRIPTION"))
    let synopsis = page[start.upperBound..<end.lowerBound]
    return Set(synopsis.matches(of: /Fl Fl ([a-z][a-z-]*)/).map { "--\($0.output.1)" })
  }

  @Test(arguments: tools) func everyFlagIsInTheManualAndNoOther(_ tool: String) throws {
    let helped = try Self.flags(ofHelp: Self.help(of: tool))
    #expect(helped.count >= 4)
    #expect(try Self.flags(ofManual: Self.text(Self.manual(of: tool))) == helped)
  }

  @Test(arguments: tools) func theSynopsisNamesOnlyFlagsThatThereAre(_ tool: String) throws {
    let helped = try Self.flags(ofHelp: Self.help(of: tool))
    #expect(try Self.synopsis(ofManual: Self.text(Self.manual(of: tool))).isSubset(of: helped))
  }

  @Test func everySettingIsInAManPageAndInTheSampleFile() throws {
    let pages = try (Self.tools.map(Self.manual) + ["man/gibsey.7"]).map(Self.text).joined()
    let sample = try Self.text(".env.example")
    for setting in SettingName.allCases {
      #expect(pages.contains(".It Ev \(setting.rawValue)\n"), "\(setting.rawValue) is in no man page")
      #expect(
        sample.split(separator: "\n").contains { $0.drop { "# ".contains($0) }.hasPrefix("\(setting.rawValue)=") },
        "\(setting.rawValue) is not in .env.example")
    }
    for match in pages.matches(of: /\.It Ev ([A-Z_]+)\n/) {
      #expect(SettingName(rawValue: String(match.output.1)) != nil, "\(match.output.1) is no setting")
    }
  }

  @Test func everyExitStatusIsInTheTable() throws {
    let page = try Self.text("man/gibsey.7")
    let start = try #require(page.range(of: ".Sh EXIT STATUS"))
    let listed = page[start.upperBound...].matches(of: /\n\.It (\d+)\n/).compactMap { Int32($0.output.1) }
    #expect(listed == ExitStatus.allCases.map(\.rawValue) + [130, 141, 143])
  }
}
