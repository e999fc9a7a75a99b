// The failures of a whole chain of providers, told as one.

extension GibseyError {
  /// When the provider asks us to come back, in milliseconds; of several the earliest.
  public var retryAfterMilliseconds: Int? {
    if case .rateLimited(_, _, let wait) = self { return wait }
    if case .providerFailed(_, _, _, let wait) = self { return wait }
    guard case .noProvider(let failures) = self else { return nil }
    return failures.compactMap(\.retryAfterMilliseconds).min()
  }

  /// What helps against each failure, the missing keys in one breath.
  static func chainHint(_ failures: [GibseyError]) -> String? {
    var hints: [String] = []
    var keys: [String] = []
    for failure in failures {
      if case .keyMissing(_, let name) = failure {
        keys.append(name)
      } else if let hint = failure.hint, !hints.contains(hint) {
        hints.append(hint)
      }
    }
    if !keys.isEmpty { hints.append("set " + keys.joined(separator: " or ")) }
    return hints.isEmpty ? nil : hints.joined(separator: ", or ")
  }

  /// What was tried decides the status when it agrees; a key that was never set is no try.
  static func chainStatus(_ failures: [GibseyError]) -> ExitStatus {
    let tried = failures.filter { if case .keyMissing = $0 { false } else { true } }
    let statuses = Set(tried.map(\.exitStatus))
    return statuses.count == 1 ? statuses.first ?? .unavailable : .unavailable
  }
}
