// The failures of a whole chain of providers, told as one.

extension GibseyError {
  /// Whose failure it is; of a chain's the last one's that was asked, and nil where no provider has part in it.
  public var provider: String? {
    switch self {
    case .noProvider(let failures): failures.last?.provider
    case .ofLine(_, _, let error), .brokeOff(let error): error.provider
    case .cannotReach(let name, _, _, _), .timedOut(let name, _, _), .keyMissing(let name, _),
      .keyUnavailable(let name, _, _), .keyWithheld(let name, _, _, _, _), .keyRefused(let name, _, _),
      .modelMissing(let name, _, _), .requestRefused(let name, _, _), .rateLimited(let name, _, _),
      .quotaExhausted(let name, _), .providerFailed(let name, _, _, _), .promptCut(let name, _, _, _),
      .promptTooLong(let name, _), .refusedToAnswer(let name, _), .emptyAnswer(let name, _), .streamCut(let name, _):
      name
    default: nil
    }
  }

  /// When the provider asks us to come back, in milliseconds; of several the earliest.
  public var retryAfterMilliseconds: Int? {
    if case .rateLimited(_, _, let wait) = self { return wait }
    if case .providerFailed(_, _, _, let wait) = self { return wait }
    if case .brokeOff(let error) = self { return error.retryAfterMilliseconds }
    guard case .noProvider(let failures) = self else { return nil }
    return failures.compactMap(\.retryAfterMilliseconds).min()
  }

  /// The same as the end of an answer that had begun: whatever it was, the other side broke off (status 76).
  var ofAnswer: GibseyError { exitStatus == .protocolBroken || exitStatus == .internalError ? self : .brokeOff(self) }

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
