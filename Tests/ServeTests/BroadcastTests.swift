// What is said to all: everybody who listens hears it, and nobody waits for who does not.
import Testing

@testable import GibseyKit
@testable import gibsey_serve

@Suite struct BroadcastTests {
  private static let token = "Authorization: Bearer 0123456789abcdef"

  private static func wishes() throws -> TestServer.Wishes {
    var wishes = TestServer.Wishes()
    wishes.tokens = try TokenFile(text: "ann:0123456789abcdef\n", path: "tokens")
    return wishes
  }

  @Test func everySocketHearsIt() async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      let readers = try ["s1", "s2"].map { try ReaderClient(server, $0, extra: Self.token + "\r\n") }
      let response = try server.post("/api/v1/broadcast", #"{"event_data":{"class":"begins"}}"#, Self.token)
      #expect(response.body == "{\"sent\":2,\"skipped\":0}\n")
      for reader in readers {
        #expect(
          try reader.hearText() == #"{"type":"cluster_event","data":{"event_type":"broadcast","#
            + #""event_data":{"class":"begins"},"timestamp":"1970-01-01T00:00:00.000000Z"}}"#)
      }
      let record = #"{"type":"cluster_event","data":{"event_type":"pause","event_data":{}}}"#
      #expect(try server.post("/api/v1/broadcast", record, Self.token).status == 200)
      #expect(try readers[0].hearText().contains(#""event_type":"pause","event_data":{}"#))
    }
  }

  @Test func whatWouldMakeARecordThatIsTooLongIsRefused() async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      let reader = try ReaderClient(server, extra: Self.token + "\r\n")
      func send(_ count: Int) throws -> RawResponse {
        try server.post(
          "/api/v1/broadcast", "{\"event_data\":{\"x\":\"\(String(repeating: "x", count: count))\"}}", Self.token)
      }
      let long = try send((1 << 20) - 60)
      #expect(long.status == 413)
      #expect(long.code == "BODY_TOO_LARGE")
      #expect(try send((1 << 20) - 200).status == 200)
      let frame = try reader.raw.hear()
      #expect(frame.payload.count < 1 << 20)
      #expect(frame.text.contains("cluster_event"))
    }
  }

  @Test func oneWhoIsBehindIsPassedOverAndTheOthersHear() async throws {
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      let deaf = try ReaderClient(server, "deaf", extra: Self.token + "\r\n")
      let keen = try ReaderClient(server, "keen", extra: Self.token + "\r\n")
      let big = "{\"event_data\":{\"x\":\"\(String(repeating: "x", count: 900_000))\"}}"
      var skipped = 0
      // The kernel takes some megabytes for the one who does not read.
      for _ in 0..<40 where skipped == 0 {
        let response = try server.post("/api/v1/broadcast", big, Self.token)
        skipped = response.member("skipped")?.integerValue ?? 0
        #expect(try keen.hearText().count > 900_000)
      }
      #expect(skipped == 1)
      withExtendedLifetime(deaf) {}
    }
  }

  @Test func nobodySaysItWithoutAToken() async throws {
    try await TestServer.with { (server: TestServer) async throws -> Void in
      let response = try server.post("/api/v1/broadcast", #"{"event_data":{}}"#, Self.token)
      #expect(response.status == 403)
      #expect(response.code == "TOKENS_WANTED")
    }
    try await TestServer.with(Self.wishes()) { (server: TestServer) async throws -> Void in
      #expect(try server.post("/api/v1/broadcast", #"{"event_data":{}}"#).status == 401)
      for body in ["[]", "{}", #"{"event_data":7}"#, #"{"event_data":{},"event_type":7}"#] {
        #expect(try server.post("/api/v1/broadcast", body, Self.token).code == "BAD_REQUEST")
      }
      #expect(try server.post("/api/v1/broadcast", "{", Self.token).code == "MALFORMED_RECORD")
    }
  }
}
