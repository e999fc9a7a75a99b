// ./.env: names and values, nothing that runs, and nothing that others may write.
import Foundation
import Testing

@testable import GibseyKit

@Suite struct EnvironmentFileTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.path + "/.env" }

  private func read(_ text: String, mode: Int = 0o644) throws -> [SettingName: String] {
    try Data(text.utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return try EnvironmentFile.read(path: path).settings
  }

  @Test(
    arguments: [
      ("OLLAMA_MODEL=a", "a"), ("export OLLAMA_MODEL=a", "a"), ("  OLLAMA_MODEL =\ta  ", "a"),
      ("OLLAMA_MODEL=a#b", "a#b"), ("OLLAMA_MODEL=a #b", "a"), ("OLLAMA_MODEL=#b", ""),
      ("OLLAMA_MODEL=", ""), ("OLLAMA_MODEL='a \\n#' # c", "a \\n#"),
      ("OLLAMA_MODEL=\"a\\n\\\"b\\\\\"", "a\n\"b\\"),
      ("OLLAMA_MODEL=$HOME`id`$(id)", "$HOME`id`$(id)"),
      ("\u{FEFF}OLLAMA_MODEL=a\r", "a"), ("OLLAMA_MODEL=a\nOLLAMA_MODEL=b", "b"),
      ("OLLAMA_MODEL=a=b", "a=b"),
    ]) func aLineGivesItsValue(text: String, value: String) throws
  {
    #expect(try read(text + "\n") == [.ollamaModel: value])
  }

  @Test func linesAboutAnythingElseAreSomebodyElses() throws {
    #expect(
      try read("PATH=/x\n-----BEGIN KEY-----\nLD_PRELOAD='x\nOLLAMA_MODEL2=b\nollama_model=c\n")
        == [:])
  }

  @Test func noFileOrAFolderSetsNothing() throws {
    #expect(try EnvironmentFile.read(path: path) == EnvironmentFile.Contents())
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(try EnvironmentFile.read(path: path) == EnvironmentFile.Contents())
  }

  @Test(arguments: [0o664, 0o646, 0o666]) func aFileThatOthersMayWriteIsRefused(mode: Int) throws {
    #expect(throws: GibseyError.self) { try read("OLLAMA_MODEL=a\n", mode: mode) }
    #expect(try read("OTHER=a\n", mode: mode) == [:])
  }

  @Test(arguments: [0o777, 0o1777, 0o757]) func aFolderThatOthersMayWriteIsRefused(mode: Int) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.path)
    #expect(
      throws: GibseyError.unsafeSettingsFile(path: path, reason: "others may write to its folder")
    ) { try read("OLLAMA_MODEL=a\n") }
  }

  @Test func aGroupOfTheUsersOwnIsNobodyElse() throws {
    let manager = FileManager.default
    let owner = try #require(manager.attributesOfItem(atPath: folder.path)[.ownerAccountID] as? Int)
    let group = try #require(manager.attributesOfItem(atPath: folder.path)[.groupOwnerAccountID] as? Int)
    try manager.setAttributes([.posixPermissions: 0o775], ofItemAtPath: folder.path)
    if owner == group {
      #expect(try read("OLLAMA_MODEL=a\n") == [.ollamaModel: "a"])
    } else {
      #expect(throws: GibseyError.self) { try read("OLLAMA_MODEL=a\n") }
    }
  }

  @Test func aNamedPipeIsRefusedAndNotWaitedFor() throws {
    #expect(mkfifo(path, 0o600) == 0)
    #expect(throws: GibseyError.unsafeSettingsFile(path: path, reason: "not a plain file")) {
      try EnvironmentFile.read(path: path)
    }
  }

  @Test func whatIsTooLongOrNoTextIsRefused() throws {
    let limit = EnvironmentFile.limitBytes
    #expect(try read("OLLAMA_MODEL=a\n#" + String(repeating: "x", count: limit - 16)).count == 1)
    #expect(
      throws: GibseyError.malformedInput(
        source: path, line: nil, reason: "longer than \(limit) bytes")
    ) { try read(String(repeating: "#", count: limit + 1)) }
    #expect(
      throws: GibseyError.malformedInput(source: path, line: nil, reason: "not UTF-8 text")
    ) { try read("OLLAMA_MODEL=\0") }
    #expect(throws: GibseyError.self) { try EnvironmentFile.parse([0xFF], path: path) }
  }
}
