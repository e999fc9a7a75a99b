// How much there is, and how much is being done.
import GibseyKit
import NIOHTTP1

extension Route {
  static let stats = Route(.GET, "/api/v1/stats") { request, service in
    try request.query.allow()
    let (counts, characters) = try await service.room.read { reading in
      (try reading.browsing.counts(), try reading.browsing.characters().count)
    }
    let metrics = service.metrics.snapshot()
    return .story { writer in
      writer.member("version", Version.text)
      writer.member("uptime_seconds", service.uptimeSeconds)
      writer.member("pages", counts.pages)
      writer.member("characters", characters)
      writer.member("sessions", counts.sessions)
      writer.member("turns", counts.turns)
      writer.member("connections", service.doors.openCount)
      writer.member("requests", metrics.requests.values.reduce(0, +))
      writer.key("answers")
      writer.object { writer in
        writer.member("running", metrics.running)
        for outcome in AnswerOutcome.allCases { writer.member(outcome.rawValue, metrics.answers(outcome)) }
      }
      writer.member("tokens", metrics.tokens)
    }
  }
}
