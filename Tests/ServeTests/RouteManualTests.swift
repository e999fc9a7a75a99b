// gibsey-serve(8) against the routes that there are.
import Foundation
import NIOHTTP1
import Testing

@testable import gibsey_serve

@Suite struct RouteManualTests {
  private static func manual() throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: "man/gibsey-serve.8"), encoding: .utf8)
  }

  /// Routes that the manual shows otherwise than as a method and a pattern.
  private static let shownOtherwise = ["GET /test/{name}": "GET /test/ Ns Ar file", "GET /ws/{session_id}": ".Li /ws/"]

  @Test func everyRouteIsInTheManual() throws {
    let lines = try Self.manual().split(separator: "\n")
    for route in Route.all {
      let name = "\(route.method.rawValue) \(route.pattern)"
      let shown = Self.shownOtherwise[name] ?? ".It Li \(name)"
      let isShown = lines.contains { $0 == shown || $0.hasPrefix(shown + " ") || $0.contains(shown) }
      #expect(isShown, "\(name) is not in the manual")
    }
  }

  @Test func noRouteIsInTheManualThatThereIsNot() throws {
    let names = Set(Route.all.map { "\($0.method.rawValue) \($0.pattern)" })
    let shown = try Self.manual().matches(of: /\n\.It Li ((?:GET|POST) \/[^ \n]*)/).map { String($0.output.1) }
    #expect(shown.count > 15)
    for name in shown { #expect(names.contains(name), "there is no \(name)") }
  }
}
