// The counts for a monitor.
import GibseyKit
import NIOHTTP1

extension Route {
  static let metrics = Route(.GET, "/metrics") { request, service in
    try request.query.allow()
    return .text(service.metricsText(), type: "text/plain; version=0.0.4; charset=utf-8").header(
      "cache-control", "no-store")
  }
}

extension Service {
  /// All counts at one moment.
  func metricsText() -> String {
    let counts = metrics.snapshot()
    var text = MetricsText()
    text.single("gibsey_connections", .gauge, "Connections that are open.", "\(doors.openCount)")
    text.single("gibsey_sockets", .gauge, "WebSockets that are open.", "\(sessions.socketCount)")
    text.single(
      "gibsey_sockets_absent", .gauge, "WebSockets that are gone while something said over them is being done.",
      "\(sessions.absentCount)")
    text.single(
      "gibsey_events_dropped_total", .counter, "Events that found no room because their reader stalls.",
      "\(events.droppedCount)")
    text.family(
      "gibsey_requests_total", .counter, "Responses begun, by route and status; route is empty where there was none.",
      counts.requests.map { key, count in
        ([("route", key.route), ("method", key.method), ("status", "\(key.status)")], "\(count)")
      })
    text.family(
      "gibsey_refused_total", .counter, "Requests and records that an error alone answered, by code.",
      counts.refused.map { ([("code", $0.key)], "\($0.value)") })
    text.single("gibsey_answers_running", .gauge, "Answers that are being made.", "\(counts.running)")
    text.family(
      "gibsey_answers_total", .counter, "Answers that have ended, by outcome and provider.",
      counts.answers.map { key, count in
        ([("outcome", key.outcome.rawValue), ("provider", key.provider)], "\(count)")
      })
    text.single(
      "gibsey_writes_lost_total", .counter, "What was to be kept of a conversation and could not be written.",
      "\(counts.lostWrites)")
    text.single("gibsey_tokens_total", .counter, "Tokens that came from providers.", "\(counts.tokens)")
    text.single("gibsey_provider_switches_total", .counter, "Fallbacks to another provider.", "\(counts.switches)")
    text.single("gibsey_provider_retries_total", .counter, "Repetitions of a request.", "\(counts.retries)")
    text.family(
      "gibsey_queue_length", .gauge, "What waits for its turn, by queue.",
      [
        ([("queue", "questions")], "\(sessions.conversations.reduce(0) { $0 + $1.queueLength })"),
        ([("queue", "readings")], "\(room.waitingCount)"),
      ])
    text.single(
      "gibsey_outbound_bytes", .gauge, "What was written to WebSockets and is not yet with the kernel.",
      "\(sessions.sockets.reduce(0) { $0 + $1.pendingBytes })")
    text.single(
      "gibsey_index_generation", .gauge, "Which index it is: 1 at the start, one more with each change that was seen.",
      "\(counts.indexGeneration)")
    text.histogram("gibsey_first_token_seconds", "From the prompt to the first token.", counts.firstToken)
    text.histogram("gibsey_answer_seconds", "From the prompt to the end of its answer.", counts.duration)
    text.histogram("gibsey_context_seconds", "From the question to its prompt.", counts.context)
    text.single(
      "process_start_time_seconds", .gauge, "When the daemon began, in seconds since 1970.",
      MetricsText.number(Double(startedAt.microseconds) / 1e6))
    text.single("process_cpu_seconds_total", .counter, "Processor time.", MetricsText.number(System.cpuSeconds))
    if let bytes = System.residentBytes {
      text.single("process_resident_memory_bytes", .gauge, "Memory that is in use.", "\(bytes)")
    }
    return text.text
  }
}
