// What is counted, and that no stranger can make the counts grow without end.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite(.timeLimit(.minutes(5))) struct MetricsTests {
  @Test func requestsAreCountedByRouteNotByWhatWasAskedFor() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      for number in 1...3 { _ = try server.get("/api/v1/pages/\(Story.id(number))") }
      for name in ["a", "b"] { #expect(try server.get("/nothing/\(name)").status == 404) }
      #expect(try server.get("/api/v1/pages/x").status == 404)
      let response = try server.get("/metrics")
      #expect(response.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
      let lines = response.body.split(separator: "\n").map(String.init)
      #expect(
        lines.filter { $0.hasPrefix("gibsey_requests_total") } == [
          #"gibsey_requests_total{route="",method="",status="404"} 2"#,
          #"gibsey_requests_total{route="/api/v1/pages/{id}",method="GET",status="200"} 3"#,
          #"gibsey_requests_total{route="/api/v1/pages/{id}",method="GET",status="404"} 1"#,
        ])
      #expect(
        lines.filter { $0.hasPrefix("gibsey_refused_total") } == [
          #"gibsey_refused_total{code="NOT_FOUND"} 2"#, #"gibsey_refused_total{code="UNKNOWN_PAGE"} 1"#,
        ])
      #expect(lines.contains("gibsey_connections 1"))
    }
  }

  @Test func everyFamilyHasItsHelpItsTypeAndSamplesThatCanBeRead() async throws {
    try await TestServer.with(Story.wishes) { (server: TestServer) async throws -> Void in
      _ = try server.get("/metrics")
      var types: [String: String] = [:]
      for line in try server.get("/metrics").body.split(separator: "\n") {
        if line.hasPrefix("# HELP ") { continue }
        if line.hasPrefix("# TYPE ") {
          let words = line.split(separator: " ")
          #expect(types.updateValue(String(words[3]), forKey: String(words[2])) == nil)
          continue
        }
        let match = try #require(line.wholeMatch(of: /([a-z_]+)(?:\{[^}]*\}+[^ ]*)? ([0-9.e+-]+)/), "\(line)")
        let name = String(match.output.1)
        let family = ["_bucket", "_sum", "_count"].reduce(name) { types[$0] == nil ? $0.replacing($1, with: "") : $0 }
        #expect(types[family] != nil, "\(name) has no type")
      }
      #expect(types["gibsey_first_token_seconds"] == "histogram")
      #expect(types.count == 21)
    }
  }

  @Test func whatWaitsForTheSocketsIsCounted() async throws {
    let go = Signal()
    var wishes = Story.wishes
    wishes.transport = ScriptedProvider([[.wait(go), .end]])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let readers = try ["s1", "s2"].map { try ReaderClient(server, $0) }
      for number in 1...3 { try readers[0].ask("What?", requestID: "r\(number)") }
      try readers[1].ask("What?")
      for reader in readers { #expect(try reader.isQuiet()) }
      let lines = try server.get("/metrics").body.split(separator: "\n").map(String.init)
      #expect(lines.contains("gibsey_sockets 2"))
      // Of each socket one is being answered; two of the first one's wait.
      #expect(lines.contains(#"gibsey_queue_length{queue="questions"} 2"#))
      go.fire()
    }
  }

  @Test func whatAReaderDoesNotTakeIsCounted() async throws {
    var wishes = Story.wishes
    wishes.transport = ScriptedProvider([[.endless(String(repeating: "x", count: 50_000))]])
    try await TestServer.with(wishes) { (server: TestServer) async throws -> Void in
      let deaf = try ReaderClient(server)
      try deaf.ask("What?")
      // The kernel takes what it can; then it stays with the server.
      var bytes = 0
      while bytes < 50_000 {
        let body = try server.get("/metrics").body
        bytes = body.firstMatch(of: /\ngibsey_outbound_bytes ([0-9]+)\n/).flatMap { Int($0.output.1) } ?? -1
        #expect(bytes >= 0)
      }
      withExtendedLifetime(deaf) {}
    }
  }

  @Test func aHistogramCountsWhatIsAtOrBelowEachBound() {
    var histogram = Histogram([0.1, 1])
    for value in [0.05, 0.1, 0.5, 7] { histogram.add(value) }
    var text = MetricsText()
    text.histogram("wait_seconds", "How long.", histogram)
    #expect(
      text.text == """
        # HELP wait_seconds How long.
        # TYPE wait_seconds histogram
        wait_seconds_bucket{le="0.1"} 2
        wait_seconds_bucket{le="1"} 3
        wait_seconds_bucket{le="+Inf"} 4
        wait_seconds_sum 7.65
        wait_seconds_count 4

        """)
  }

  @Test func aLabelCannotEndItsLine() {
    var text = MetricsText()
    text.family("x_total", .counter, "X.", [([("code", "a\"b\\c\nd")], "1")])
    #expect(text.text.hasSuffix(#"x_total{code="a\"b\\c\nd"} 1"# + "\n"))
  }

  @Test func answersAreCountedByHowTheyEndedAndWhoGaveThem() {
    let metrics = Metrics()
    metrics.beginAnswer()
    var batch = AnswerBatch()
    for token in ["One", " two"] { batch.token { $0 += Array(token.utf8) } }
    metrics.count(.batch(batch))
    metrics.count(
      .completed(
        Completion(
          finishReason: .length, provider: "ollama", model: "m", promptID: "x", timeToFirstTokenMilliseconds: 40,
          durationMilliseconds: 900)))
    metrics.count(.failed(.streamCut(provider: "ollama", reason: "x"), usage: nil))
    let counts = metrics.snapshot()
    #expect(counts.running == 1)
    #expect(counts.tokens == 2)
    #expect(counts.answers(.length) == 1)
    #expect(counts.answers[Metrics.AnswerKey(outcome: .failed, provider: "ollama")] == 1)
    #expect(counts.firstToken.counts.first == 1)
    #expect(counts.duration.counts[3] == 1)
    metrics.endAnswer()
    #expect(metrics.snapshot().running == 0)
  }

  @Test func aFailureIsCountedForTheLastProviderThatWasAsked() {
    let metrics = Metrics()
    let chain = GibseyError.noProvider(failures: [
      .keyMissing(provider: "anthropic", keyName: "ANTHROPIC_API_KEY"),
      .cannotReach(provider: "ollama", address: "localhost", reason: "refused", hint: nil),
    ])
    for error in [chain, .ourBug("x")] { metrics.count(.failed(error, usage: nil)) }
    #expect(
      metrics.snapshot().answers == [
        Metrics.AnswerKey(outcome: .failed, provider: "ollama"): 1,
        Metrics.AnswerKey(outcome: .failed, provider: ""): 1,
      ])
  }
}
