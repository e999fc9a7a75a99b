// Who is inside: connections counted, all together and by address.
import NIOCore
import Synchronization

/// Counts open connections against the limits. Its identity is the daemon's.
final class Doors: Sendable {
  /// Connections beyond the limit that are still told so, instead of being closed without a word.
  private static let toldLimit = 128
  /// Descriptors that no connection takes: for the database, the event loops, and a few providers.
  private static let reservedFiles = 40

  enum Entrance: Sendable, Equatable {
    case inside
    /// To be answered 503 and closed.
    case full
    /// Even that would be too many.
    case closed
  }

  private struct State {
    var open = 0
    var byAddress: [String: Int] = [:]
  }

  private let state = Mutex(State())
  private let connectionLimit: Int
  private let addressLimit: Int
  private let toldLimit: Int

  /// - Parameter fileLimit: descriptors that the process may have. Of many an eighth is left to others than connections: each
  ///   answer that is being made has one to its provider.
  init(limits: Limits, fileLimit: Int = .max) {
    toldLimit = min(Self.toldLimit, max(1, fileLimit / 16))
    let room = fileLimit - max(Self.reservedFiles, fileLimit / 8) - toldLimit
    connectionLimit = min(limits.connections, max(1, room))
    addressLimit = limits.connectionsPerAddress
  }

  var openCount: Int { state.withLock { $0.open } }

  /// One more connection. Unless it is `closed`, `leave` must follow.
  /// - Parameter address: nil for a local socket, which has none.
  func enter(_ address: String?) -> Entrance {
    state.withLock { state in
      let ofAddress = address.map { state.byAddress[$0, default: 0] } ?? 0
      let excess = max(state.open - connectionLimit, ofAddress - addressLimit)
      guard excess < toldLimit else { return .closed }
      state.open += 1
      if let address { state.byAddress[address] = ofAddress + 1 }
      return excess >= 0 ? .full : .inside
    }
  }

  func leave(_ address: String?) {
    state.withLock { state in
      state.open -= 1
      guard let address, let count = state.byAddress[address] else { return }
      state.byAddress[address] = count == 1 ? nil : count - 1
    }
  }
}
