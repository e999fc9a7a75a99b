// What a process has learnt of its providers, shared by all its answers.
internal import Synchronization

/// Remembers which providers fail and what their models do not take. Its identity is the experience of one process: copies of an `Asking` share it.
public final class AskingMemory: Sendable {
  private struct State {
    var breaker = CircuitBreaker()
    var lessons: [Model: RequestLessons] = [:]
  }

  private struct Model: Hashable {
    let provider: String
    let model: String
  }

  private let state = Mutex(State())

  public init() {}

  /// The providers with those that keep failing at the end.
  func order(_ names: [String], at seconds: Double) -> [String] {
    state.withLock { $0.breaker.order(names, at: seconds) }
  }

  func isResting(_ provider: String, at seconds: Double) -> Bool {
    state.withLock { $0.breaker.isResting(provider, at: seconds) }
  }

  func noteFailure(of provider: String, at seconds: Double) {
    state.withLock { $0.breaker.noteFailure(of: provider, at: seconds) }
  }

  func noteAnswer(of provider: String) {
    state.withLock { $0.breaker.noteAnswer(of: provider) }
  }

  /// What requests to a model must do without.
  func lessons(of provider: String, _ model: String) -> RequestLessons {
    state.withLock { $0.lessons[Model(provider: provider, model: model)] ?? RequestLessons() }
  }

  func note(_ lessons: RequestLessons, of provider: String, _ model: String) {
    state.withLock { $0.lessons[Model(provider: provider, model: model)] = lessons }
  }
}
