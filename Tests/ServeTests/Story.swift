// A story whose every page can be told from its bytes, and somebody who has read a part of it.
@testable import GibseyKit
@testable import gibsey_serve

enum Story {
  /// Twelve pages, `p01` to `p12`; each has a word that stands nowhere else, and every one is of the lantern.
  static let pages = (1...12).map { number in
    Page(
      id: id(number), title: "Of \(canary(number))", characterID: number <= 6 ? "london-fox" : "jack-parlance",
      pageIndex: number, section: "Section \(canary(number))", motifs: ["motif \(canary(number))"],
      text: "The lantern swings, and \(canary(number)) counts the boats.")
  }

  static func id(_ number: Int) -> String { "p" + String(number + 100).dropFirst() }

  /// As in `canarygxx` for 7: of letters alone, so that it is one word.
  static func canary(_ number: Int) -> String {
    "canary" + String(UnicodeScalar(UInt8(96 + number))) + "xx"
  }

  /// What must not be known to somebody who has read up to a page.
  static func secrets(after number: Int) -> [String] {
    (number + 1...12).flatMap { [canary($0), "\"\(id($0))\""] }
  }

  static var wishes: TestServer.Wishes {
    var wishes = TestServer.Wishes()
    wishes.story = pages
    return wishes
  }
}

extension TestServer {
  /// The conversations of its story, to be written to.
  func conversations() throws -> ConversationStore {
    try ConversationStore(path: folder + "/story.db", access: .readWrite)
  }

  /// Sends a body and returns what came back.
  func post(
    _ target: String, _ body: String, _ headers: String..., type: String = "application/json"
  ) throws -> RawResponse {
    let client = try client()
    try client.send(
      "POST \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: \(type)\r\n"
        + "Content-Length: \(body.utf8.count)\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n" + body)
    return try client.response()
  }
}

extension RawResponse {
  /// The body as JSON.
  var json: JSONValue? { try? JSONValue(parsing: Array(body.utf8)) }

  /// The code of the error record that it is.
  var code: String? { json?.objectValue?["data"]?.objectValue?["code"]?.stringValue }

  /// The body without the time at which it was written.
  var timeless: String { body.replacing(/"timestamp":"[^"]*"/, with: "") }

  /// A member of each object of a list.
  func strings(_ list: String, _ member: String) -> [String] {
    (json?.objectValue?[list]?.arrayValue ?? []).compactMap { $0.objectValue?[member]?.stringValue }
  }

  func member(_ name: String) -> JSONValue? { json?.objectValue?[name] }
}
