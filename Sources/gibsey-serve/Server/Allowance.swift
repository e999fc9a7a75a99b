// What clients are still sending, all together: a bound over connections that each have their own.
import Synchronization

/// Counts the bytes that connections hold of bodies and messages that are not whole. Its identity is the daemon's.
final class Allowance: Sendable {
  /// So much each connection may hold in any case: questions are short, and nobody's may be kept out by who sends much.
  static let freeBytes = 16 << 10

  private let limitBytes: Int
  private let held = Atomic(0)

  init(limitBytes: Int) { self.limitBytes = limitBytes }

  /// What is held beyond what is free.
  var heldBytes: Int { held.load(ordering: .relaxed) }

  /// Changes what one connection holds; false, and nothing is changed, when there is no room for more.
  func change(from old: Int, to new: Int) -> Bool {
    let growth = max(0, new - Self.freeBytes) - max(0, old - Self.freeBytes)
    let sum = held.add(growth, ordering: .relaxed).newValue
    guard growth > 0, sum > limitBytes else { return true }
    held.subtract(growth, ordering: .relaxed)
    return false
  }
}
