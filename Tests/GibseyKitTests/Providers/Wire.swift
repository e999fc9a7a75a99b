// Recorded responses, and what a parser makes of them.
import Foundation
import Testing

@testable import GibseyKit

/// A response as it was recorded: head and body, the body without its transfer coding.
struct Wire: Sendable {
  let head: HTTPHead
  let body: [UInt8]

  /// - Parameter path: below `Wires`, as in `ollama/stream.txt`.
  init(_ path: String) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Wires")
    let bytes = Array(try Data(contentsOf: folder.appendingPathComponent(path)))
    let end = try #require(bytes.firstRange(of: Array("\r\n\r\n".utf8)))
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
      .components(separatedBy: "\r\n")
    let status = try #require(Int(lines[0].split(separator: " ")[1]))
    let headers = lines.dropFirst().map { line in
      let parts = line.split(separator: ":", maxSplits: 1)
      let value = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
      return HTTPHeader(String(parts[0]), value)
    }
    head = HTTPHead(status: status, headers: headers)
    body = Array(bytes[end.upperBound...])
  }
}

/// All that a parser made of a stream.
struct Reading: Equatable, Sendable {
  var tokens: [String] = []
  var reasoning = ""
  var notices: [String] = []
  var remarks: [String] = []
  var end: AnswerEnd?
  var failure: GibseyError?

  /// Reads the blocks to their end, or to the failure.
  init(_ blocks: [ArraySlice<UInt8>], by provider: any ChatProvider) {
    var parser = provider.makeParser()
    var batch = AnswerBatch()
    do {
      for block in blocks where !parser.hasEnded {
        try block.withUnsafeBufferPointer { try parser.consume($0, into: &batch) }
      }
      end = try parser.finish(into: &batch)
    } catch {
      failure = error as? GibseyError
    }
    tokens = batch.tokens
    reasoning = batch.reasoning
    notices = batch.notices
    remarks = batch.remarks
  }

  init(
    tokens: [String] = [], reasoning: String = "", notices: [String] = [], remarks: [String] = [],
    end: AnswerEnd? = nil, failure: GibseyError? = nil
  ) {
    self.remarks = remarks
    self.tokens = tokens
    self.reasoning = reasoning
    self.notices = notices
    self.end = end
    self.failure = failure
  }
}

/// The three providers at made-up addresses.
enum Providers {
  static func account(_ url: String, key: String? = nil) throws -> ProviderAccount {
    ProviderAccount(baseURL: try WebAddress(url), key: key.flatMap { APIKey($0) }, model: "m")
  }

  static func named(_ name: String) throws -> any ChatProvider {
    switch name {
    case "ollama": Ollama(account: try account("http://localhost:11434"))
    case "openai": OpenAI(account: try account("https://api.openai.com/v1", key: "sk-secret"))
    default: Anthropic(account: try account("https://api.anthropic.com", key: "sk-secret"))
    }
  }
}
