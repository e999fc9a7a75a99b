// What is made of the records of an answer, where another task hands them over.
import Synchronization

/// A value that is changed by whoever has it. Its identity is the place.
final class Locked<Value: Sendable>: Sendable {
  private let state: Mutex<Value>

  init(_ value: Value) { state = Mutex(value) }

  var value: Value { state.withLock { $0 } }

  func change<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try state.withLock { try body(&$0) }
  }
}
