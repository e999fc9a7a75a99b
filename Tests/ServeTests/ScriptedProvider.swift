// A provider that says what it was told to, when it was told to; what it is asked is written down.
import Synchronization

@testable import GibseyKit

/// Plays a script for each request, in turn; the last one again and again. Speaks as Ollama does.
final class ScriptedProvider: Transport {
  enum Step: Sendable {
    case token(String)
    /// Tokens that come in one block of the network.
    case block([String])
    /// Waits for a signal of the test.
    case wait(Signal)
    /// A token over and over, until nobody reads.
    case endless(String)
    case end
    case fail(TransportFailure)
    /// Answers with another head, and no body. The first step, if any.
    case refuse(HTTPHead)
  }

  private struct State {
    var scripts: [[Step]]
    var requests: [HTTPRequest] = []
  }

  private let state: Mutex<State>
  /// Fired when an answer is given up before its end by whoever read it.
  let abandoned = Signal()

  init(_ scripts: [[Step]]) { state = Mutex(State(scripts: scripts)) }

  var requests: [HTTPRequest] { state.withLock { $0.requests } }
  /// The texts of the requests.
  var bodies: [String] { requests.map { String(decoding: $0.body, as: UTF8.self) } }

  func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let steps = state.withLock { state in
      state.requests.append(request)
      return state.scripts.count > 1 ? state.scripts.removeFirst() : state.scripts[0]
    }
    if case .refuse(let head)? = steps.first { return HTTPResponse(head: head, body: HTTPBody { nil }) }
    let place = Place(steps, abandoned)
    return HTTPResponse(
      head: HTTPHead(status: 200, headers: []),
      body: HTTPBody {
        while true {
          try Task.checkCancellation()
          guard let step = place.next() else { return nil }
          switch step {
          case .token(let token): return Self.line(token)
          case .block(let tokens): return tokens.flatMap(Self.line)
          case .wait(let signal): await signal.waitOrCancelled()
          case .endless(let token):
            place.again(step)
            await Task.yield()
            return Self.line(token)
          case .end: return Array(Self.end.utf8)
          case .fail(let failure): throw failure
          case .refuse: return nil
          }
        }
      })
  }

  private final class Place: Sendable {
    private let rest: Mutex<[Step]>
    private let abandoned: Signal

    init(_ rest: [Step], _ abandoned: Signal) {
      self.rest = Mutex(rest)
      self.abandoned = abandoned
    }

    deinit { if !rest.withLock({ $0.isEmpty }) { abandoned.fire() } }

    func next() -> Step? { rest.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
    func again(_ step: Step) { rest.withLock { $0.insert(step, at: 0) } }
  }

  static func line(_ token: String) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("message")
      writer.object { $0.member("content", token) }
      writer.member("done", false)
    }
    return writer.bytes + [0x0A]
  }

  static let end =
    "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":400,\"eval_count\":3}\n"
}
