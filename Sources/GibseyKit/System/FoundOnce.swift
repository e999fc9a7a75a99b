// A value that is not found out before somebody wants it.
internal import Synchronization

/// A place for what whoever asks first finds out. Its identity is the value. Any thread may ask; the others wait meanwhile.
final class FoundOnce<Value: Sendable>: Sendable {
  private let found = Mutex<Value?>(nil)

  /// - Parameter find: what finds it; always the same thing, or what one found is told to the other.
  func value(_ find: () -> Value) -> Value {
    found.withLock { found in
      if let found { return found }
      let value = find()
      found = value
      return value
    }
  }
}
