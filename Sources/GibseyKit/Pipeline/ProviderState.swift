// What is known of the providers without asking anybody.

/// How a provider stands, from what was set and what became of the last answers.
public struct ProviderState: Sendable, Equatable {
  public enum State: String, Sendable {
    /// Nothing is known against it.
    case usable
    /// It failed again and again, and is tried last for a while.
    case failing
    /// It has not the settings that it needs.
    case unconfigured
  }

  /// As in `ollama`.
  public let provider: String
  public let state: State
}

extension Asking {
  /// The providers that would be tried, in their order by the settings. Waits for nobody.
  public func providerStates() -> [ProviderState] {
    let now = clock.seconds()
    return (policy.fallback ?? candidates.map(\.name)).map { name in
      guard let candidate = candidates.first(where: { $0.name == name }), candidate.isPromising else {
        return ProviderState(provider: name, state: .unconfigured)
      }
      return ProviderState(provider: name, state: memory.isResting(name, at: now) ? .failing : .usable)
    }
  }
}
