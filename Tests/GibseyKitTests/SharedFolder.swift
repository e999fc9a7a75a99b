// The folder ../shared beside the project, with the novel: tests that need it are skipped where there is none.
import Foundation

@testable import GibseyKit

/// Reference texts that are not part of the project.
enum SharedFolder {
  private static let root =
    "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/shared"

  static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(root)/\(path)") }

  static func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
  }

  /// The pages of the novel, in reading order.
  static func novel() throws -> [Page] {
    try text("corpus/entrance-way.jsonl").split(separator: "\n").compactMap { line in
      guard case .page(let page) = try RecordCoder.decode(Array(line.utf8), bare: .page) else { return nil }
      return page
    }
  }
}
