// Where a token may stand in the head of a request, and that nothing else passes for one.
import Foundation
import GibseyKit
import NIOHTTP1
import Testing

@testable import gibsey_serve

@Suite struct BearerTokenTests {
  @Test(arguments: [
    ([("Authorization", "Bearer abc/def==")], "abc/def=="),
    ([("Authorization", "bearer abc")], "abc"),
    ([("Sec-WebSocket-Protocol", "gibsey.v1, gibsey.token.abc")], "abc"),
    ([("Sec-WebSocket-Protocol", "gibsey.v1"), ("Sec-WebSocket-Protocol", "gibsey.token.abc")], "abc"),
    // A browser sends no `/`, `=` or `:` in a subprotocol.
    ([("Sec-WebSocket-Protocol", "gibsey.v1, gibsey.token-hex.6162632f6465663d3d")], "abc/def=="),
    ([("Sec-WebSocket-Protocol", "gibsey.token-hex.C3A9")], "é"),
  ]) func isFoundInAHeaderOrASubprotocol(_ headers: [(String, String)], _ token: String) {
    #expect(BearerToken.read(from: HTTPHeaders(headers)) == token)
  }

  @Test(arguments: [
    [],
    [("Authorization", "Basic abc")],
    [("Authorization", "Bearer abc"), ("Authorization", "Bearer abc")],
    [("Sec-WebSocket-Protocol", "gibsey.v1")],
    [("Sec-WebSocket-Protocol", "gibsey.token.abc, gibsey.token-hex.616263")],
    [("Sec-WebSocket-Protocol", "gibsey.token-hex.616")],
    [("Sec-WebSocket-Protocol", "gibsey.token-hex.61zz")],
    [("Sec-WebSocket-Protocol", "gibsey.token-hex.ff")],
  ]) func isNothingElse(_ headers: [(String, String)]) {
    #expect(BearerToken.read(from: HTTPHeaders(headers)) == nil)
  }

  @Test(arguments: ["\n", "\r\n"]) func aFileHasALineForEachHoweverLinesEnd(_ end: String) throws {
    let text = ["\u{FEFF}ann:0123456789abcdef", "# nobody", "ben:fedcba9876543210", ""].joined(separator: end)
    let file = try TokenFile(text: text, path: "tokens")
    #expect(file.name(of: "0123456789abcdef") == "ann")
    #expect(file.name(of: "fedcba9876543210") == "ben")
  }

  @Test func aTokenIsNobodyElses() {
    #expect(throws: GibseyError.malformedInput(source: "tokens", line: 2, reason: "the token is that of ann, too")) {
      try TokenFile(text: "ann:0123456789abcdef\nben:0123456789abcdef\n", path: "tokens")
    }
  }

  /// Whether a token file of a mode is read, in a folder `credentials` or in one beside it.
  private func isRead(_ mode: mode_t, _ name: String, handedOver: String?) throws -> Bool {
    let folder = NSTemporaryDirectory() + "tokens-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for name in ["credentials", "credentials-too"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      try Data("ann:0123456789abcdef\n".utf8).write(to: URL(filePath: "\(folder)/\(name)/tokens"))
      #expect(chmod("\(folder)/\(name)/tokens", mode) == 0)
    }
    #expect(symlink("../credentials-too/tokens", "\(folder)/credentials/link") == 0)
    do {
      let file = try TokenFile(path: "\(folder)/\(name)", credentials: handedOver.map { "\(folder)/\($0)" })
      return file.name(of: "0123456789abcdef") == "ann"
    } catch GibseyError.unsafeSettingsFile { return false }
  }

  @Test(
    arguments: [
      (0o400, "credentials/tokens", nil, true),
      (0o440, "credentials/tokens", nil, false),
      // An access control list for the service stands where the group's rights do.
      (0o440, "credentials/tokens", "credentials", true),
      (0o440, "credentials-too/../credentials/tokens", "credentials/", true),
      (0o444, "credentials/tokens", "credentials", false),
      (0o460, "credentials/tokens", "credentials", false),
      (0o440, "credentials-too/tokens", "credentials", false),
      (0o440, "credentials/link", "credentials", false),
      (0o440, "credentials/tokens", "nowhere", false),
    ] as [(mode_t, String, String?, Bool)])
  func aFileThatOthersMayReadIsRefusedUnlessAServiceManagerHandsItOver(
    _ mode: mode_t, _ name: String, _ credentials: String?, _ wanted: Bool
  ) throws {
    #expect(try isRead(mode, name, handedOver: credentials) == wanted)
  }

  @Test(arguments: [
    ("127.0.0.1:8000", "127.0.0.1:8000"), ("[::1]:0", "[::1]:0"), ("*:80", nil), ("::1:80", nil), (":80", nil),
    ("a:x", nil),
  ]) func anAddressIsAHostAndAPort(_ text: String, _ wanted: String?) {
    #expect(ListenAddress(argument: text)?.description == wanted)
  }
}
