// Where a token may stand in the head of a request, and that nothing else passes for one.
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
}
