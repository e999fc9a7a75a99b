// The name of a model: a character, and perhaps the page that its reader is on.
import GibseyKit
import NIOHTTP1

/// Who is asked, and from where, as in `london-fox@012`.
struct ModelName: Sendable, Equatable {
  let characterID: String
  let pageID: String?

  /// - Parameter characters: who may speak.
  /// - Throws: `Refusal.noSuchModel` when none of them is named.
  init(_ name: String, among characters: [String]) throws {
    // A character's own name may hold an @.
    if characters.contains(where: { $0.spelling == name.spelling }) {
      (characterID, pageID) = (name, nil)
      return
    }
    let known = characters.filter { name.utf8.starts(with: ($0 + "@").utf8) }.max { $0.utf8.count < $1.utf8.count }
    guard let known, name.utf8.count > known.utf8.count + 1 else { throw Refusal.noSuchModel(known: characters) }
    (characterID, pageID) = (known, String(Substring(name.utf8.dropFirst(known.utf8.count + 1))))
  }
}

extension Refusal {
  static func noSuchModel(known: [String]) -> Refusal {
    Refusal(
      status: .notFound, code: "UNKNOWN_CHARACTER",
      message:
        "there is no such model; wanted one of \(known.joined(separator: ", ")), and after it, where the reader is"
        + " on a page, an @ and the page's id, as in london-fox@012",
      parameter: "model")
  }

  static let noSuchReadersPage = Refusal(
    status: .notFound, code: "UNKNOWN_CHARACTER", message: "there is no page of the id behind the @ of the model",
    parameter: "model")
}

extension Reading {
  /// Who is meant by a model's name.
  /// - Throws: `Refusal` with status 404.
  func model(_ name: String) throws -> ModelName {
    let model = try ModelName(name, among: try browsing.characters().map(\.id))
    guard let page = model.pageID else { return model }
    do { _ = try browsing.gate(of: Browsing.Reader(pageID: page)) } catch GibseyError.unknownPage {
      throw Refusal.noSuchReadersPage
    }
    return model
  }
}
