// What the tests of asking share: a transport that plays scripts, a clock that only moves when somebody sleeps.
import Synchronization

@testable import GibseyKit

/// Answers each request with the next of its scripts; a script is a failure, or a status and the blocks of a body.
final class ScriptedTransport: Transport {
  enum Script: Sendable {
    case failure(TransportFailure)
    case answer(Int, [String], then: TransportFailure? = nil, headers: [HTTPHeader] = [])
    /// The blocks, and then nothing until the task is cancelled.
    case endless([String])
  }

  private let scripts: Mutex<[Script]>
  private let requests = Mutex<[HTTPRequest]>([])

  init(_ scripts: [Script]) { self.scripts = Mutex(scripts) }

  var requested: [String] { requests.withLock { $0.map(\.url) } }
  /// The bodies that were sent.
  var bodies: [String] { requests.withLock { $0.map { String(decoding: $0.body, as: UTF8.self) } } }
  /// The deadlines that were sent.
  var deadlines: [HTTPDeadlines] { requests.withLock { $0.map(\.deadlines) } }

  func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    requests.withLock { $0.append(request) }
    switch scripts.withLock({ $0.removeFirst() }) {
    case .failure(let failure): throw failure
    case .answer(let status, let blocks, let failure, let headers):
      return response(HTTPHead(status: status, headers: headers), blocks, failure, false)
    case .endless(let blocks): return response(HTTPHead(status: 200, headers: []), blocks, nil, true)
    }
  }

  private func response(
    _ head: HTTPHead, _ blocks: [String], _ failure: TransportFailure?, _ isEndless: Bool
  ) -> HTTPResponse {
    let rest = Blocks(blocks)
    return HTTPResponse(
      head: head,
      body: HTTPBody {
        if let block = rest.next() { return Array(block.utf8) }
        // Ended by the cancelling that its test is about, never by the clock.
        if isEndless { try await Task.sleep(for: .seconds(3600)) }
        if let failure { throw failure }
        return nil
      })
  }

  private final class Blocks: Sendable {
    private let rest: Mutex<[String]>
    init(_ blocks: [String]) { rest = Mutex(blocks) }
    func next() -> String? { rest.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
  }
}

/// A clock that stands still but for the sleeps, which end at once and are written down.
final class ScriptedClock: Sendable {
  private let state = Mutex<(seconds: Double, sleeps: [Duration])>((0, []))

  var sleeps: [Duration] { state.withLock { $0.sleeps } }
  func advance(_ seconds: Double) { state.withLock { $0.seconds += seconds } }

  var clock: AskingClock {
    AskingClock(
      seconds: { self.state.withLock { $0.seconds } },
      sleep: { wait in
        try Task.checkCancellation()
        self.state.withLock { state in
          state.seconds += wait / .seconds(1)
          state.sleeps.append(wait)
        }
      }, chance: { 0 })
  }
}

/// The bytes of answers.
enum Answers {
  static func line(_ token: String) -> String {
    "{\"message\":{\"role\":\"assistant\",\"content\":\"\(token)\"},\"done\":false}\n"
  }
  static let end =
    "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9,\"eval_count\":2}\n"

  static func event(_ token: String) -> String {
    "data: {\"choices\":[{\"delta\":{\"content\":\"\(token)\"}}]}\n\n"
  }
  static let done = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
}

/// An answer as told: its tokens, what happened between them, and how it ended.
struct Telling {
  var text = ""
  var steps: [String] = []
  var completion: Completion?
  var failure: GibseyError?
  var usage: Usage?

  /// Asks, and writes down what happens.
  static func of(
    _ asking: Asking, _ prompt: Prompt = Prompt(prompt: "Who?", messages: [Message(role: .user, content: "Who?")])
  )
    async -> Telling
  {
    var telling = Telling()
    do {
      try await asking.run(prompt) { part in
        switch part {
        case .batch(let batch): telling.text += batch.tokens.joined()
        case .retrying(let name, let wait, _): telling.steps.append("\(name) again in \(wait)")
        case .adapted(let name, let parameter): telling.steps.append("\(name) without \(parameter)")
        case .counted(let name, let tokens, _):
          telling.steps.append("\(name) counts \(tokens.map(String.init) ?? "nothing")")
        case .misread(let name, let reading):
          telling.steps.append("\(name) read \(reading.readTokens) of \(reading.sentTokens), \(reading.ratio)")
        case .switched(let from, let to, _): telling.steps.append("\(from) to \(to)")
        case .completed(let completion): telling.completion = completion
        case .failed(let error, let usage): (telling.failure, telling.usage) = (error, usage)
        }
      }
    } catch {
      telling.failure = telling.failure ?? error as? GibseyError
    }
    return telling
  }
}
