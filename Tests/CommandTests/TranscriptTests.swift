// Every transcript, run against the built programs; and the runner itself, shown able to fail.
import Foundation
import Testing

@Suite struct TranscriptTests {
  static let names: [String] = {
    let files =
      (try? FileManager.default.contentsOfDirectory(atPath: Places.transcripts.path)) ?? []
    return files.filter { $0.hasSuffix(".txt") }.sorted()
  }()

  @Test func thereAreTranscripts() { #expect(Self.names.count >= 10) }

  @Test(arguments: names) func theProgramsDoAsWritten(name: String) async throws {
    let text = try String(contentsOf: Places.transcripts.appending(path: name), encoding: .utf8)
    let failures = try await TranscriptRunner(try Transcript(text)).failures()
    #expect(failures.isEmpty, "\n\(name):\n\(failures.joined(separator: "\n"))")
  }
}

@Suite struct TranscriptRunnerTests {
  private func failures(_ text: String) async throws -> [String] {
    try await TranscriptRunner(try Transcript(text)).failures()
  }

  private func expectNoFailures(_ text: String) async throws {
    let failures = try await failures(text)
    #expect(failures.isEmpty, "\n\(failures.joined(separator: "\n"))")
  }

  @Test func whatGoesAsWrittenHasNoFailure() async throws {
    let text = """
      # A story.
      $ cat > greeting; cat greeting; echo oops >&2; exit 3
      < hello
      <
      < world
      > hello
      >
      > w…d
      ! oops
      ? 3

      $ cat greeting | wc -l; printf end
      > 3
      > end␄
      $ kill -TERM $$
      ? 143
      """
    try await expectNoFailures(text)
  }

  @Test func whatGoesOtherwiseIsTold() async throws {
    let text = """
      $ printf 'one\\ntwo\\n'; echo three >&2; exit 4
      > one
      > too
      > many
      """
    let report = """
      line 1: $ printf 'one\\ntwo\\n'; echo three >&2; exit 4
        standard output:
            one
          - too
          + two
          - many
        standard error:
          + three
        status:
          - 0
          + 4
      """
    #expect(try await failures(text) == [report])
  }

  @Test func aCommandSeesNothingOfTheOneWhoRunsTheTests() async throws {
    let text = """
      $ env | grep -vE '^(PATH|HOME|GIBSEY_EMBEDDER|TMPDIR|ASAN_OPTIONS|TSAN_OPTIONS|LC_ALL|EXAMPLES|PWD|OLDPWD|SHLVL|_)='
      ? 1
      $ test "$PWD" = "$HOME" && ls -A
      """
    try await expectNoFailures(text)
  }

  @Test(
    arguments: [
      ("abc", "abc", true), ("abc", "ab", false), ("abc", "…", true), ("", "…", true),
      ("took 12 ms", "took … ms", true), ("took ms", "took … ms", false), ("aXbXc", "a…X…c", true),
      ("abc", "abc…abc", false), ("ab", "ab…b", false), ("one two", "…three…", false),
      ("a…c", "a…c", true),
    ]) func anEllipsisStandsForAnything(line: String, wanted: String, isMatch: Bool)
  {
    #expect(TranscriptRunner.matches(line, wanted) == isMatch)
  }

  @Test(
    arguments: [
      ("> early", "no command before it"), ("$ true\n? much", "wanted a status: much"),
      ("%x", "wanted a mark and a space: %x"), ("$ true\n~ x", "no such mark: ~"),
      ("@ serve x", "wanted `@ serve WIRE at NAME` or `@ script at NAME`: serve x"),
    ]) func aLineThatMeansNothingIsRefused(text: String, reason: String)
  {
    let line = text.split(separator: "\n").count
    #expect(throws: Transcript.Problem(line: line, reason: reason)) { try Transcript(text) }
  }

  @Test func theServerAnswersWithTheRecordedBytes() async throws {
    let server = try LoopbackServer(
      response: Array("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n".utf8))
    let text = """
      $ curl -s --data-binary 'a question' http://127.0.0.1:\(server.port)/chat
      > hello
      """
    try await expectNoFailures(text)
    #expect(server.requests.hasPrefix("POST /chat HTTP/1.1\n"))
    #expect(server.requests.hasSuffix("\n\na question\n"))
  }
}
