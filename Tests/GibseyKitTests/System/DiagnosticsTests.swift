// What a person reads on stderr.
import Synchronization
import Testing

@testable import GibseyKit

@Suite struct DiagnosticsTests {
  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
  }

  @Test func anErrorIsASentenceAndAHintOnLinesOfTheirOwn() {
    let lines = Lines()
    let diagnostics = Diagnostics(tool: "gibsey-ask", isVerbose: false) { line in
      lines.all.withLock { $0.append(line) }
    }
    diagnostics.error(.unknownPage(id: "x", example: "001"))
    diagnostics.debug("unseen")
    #expect(
      lines.all.withLock { $0 } == [
        "gibsey-ask: error: unknown page x",
        "gibsey-ask: hint: pages are named as in 001; `gibsey-index --export` lists them",
      ])
  }

  @Test func foreignTextCanNeitherForgeALineNorDriveATerminal() {
    #expect(
      Diagnostics.oneLine("a\nb\u{1B}[2J\u{202E}c\u{9B}é\u{2028}") == "a\\nb\\u{1b}[2J\\u{202e}c\\u{9b}é\\u{2028}")
  }

  @Test func recordsForATerminalAreTheSameValuesInHarmlessLetters() throws {
    let text = "a\u{202E}b\u{9B}31mc\u{7F}\u{61C}\u{200F}\u{2066} é 日 — 🦊 \\ \" \n"
    let line = RecordCoder.encode(.page(Page(id: "a", title: nil, pageIndex: 1, text: text)))
    let shown = TerminalJSON.shown(line)
    #expect(String(decoding: shown, as: UTF8.self).contains("a\\u202eb\\u009b31mc\\u007f\\u061c\\u200f\\u2066 é 日 — 🦊"))
    #expect(try RecordCoder.decode(Array(shown.dropLast())) == RecordCoder.decode(Array(line.dropLast())))
    #expect(TerminalJSON.shown(shown) == shown)
  }
}
