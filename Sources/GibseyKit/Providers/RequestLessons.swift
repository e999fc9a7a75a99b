// What a model turned out not to take: parameters that are left out or go by another name from then on.

/// A parameter that a request can do without.
public enum RequestParameter: String, Sendable, CaseIterable {
  case temperature
  case tokenLimit = "max_tokens"
  case streamOptions = "stream_options"

  /// How complaints name it.
  fileprivate var names: [String] {
    self == .tokenLimit ? ["max_tokens", "max_completion_tokens"] : [rawValue]
  }
}

/// What was learnt about one model of one provider. A value that only grows.
public struct RequestLessons: Sendable, Equatable {
  /// Parameters that are not sent.
  public private(set) var dropped: Set<RequestParameter> = []
  /// Whether the limit of tokens goes by its other name: `max_tokens` where it was `max_completion_tokens`, and back.
  public private(set) var isLimitRenamed = false

  public init() {}

  /// These lessons and one more, when a refused request (400 or 422) complains of something that was sent and that can be left
  /// out or renamed; nil when the complaint is about anything else. Each parameter is learnt of once, so that whoever learns
  /// and asks again comes to an end.
  /// - Parameters:
  ///   - sent: what the refused request had of what it can do without.
  ///   - canRename: whether the limit of tokens has another name.
  func learning(
    from complaint: ProviderComplaint, sent: Set<RequestParameter>, canRename: Bool
  ) -> (lessons: RequestLessons, words: String)? {
    guard complaint.status == 400 || complaint.status == 422 else { return nil }
    var sent = sent
    // A number that is too large under one name is too large under the other, and without it the answer would have no limit.
    if complaint.isAboutSize { sent.remove(.tokenLimit) }
    let named = RequestParameter.allCases.first { parameter in
      sent.contains(parameter) && !dropped.contains(parameter)
        && parameter.names.contains { complaint.parameter == $0 }
    }
    let told = RequestParameter.allCases.first { parameter in
      sent.contains(parameter) && !dropped.contains(parameter)
        && parameter.names.contains { complaint.words.contains($0) }
    }
    guard let parameter = named ?? told else { return nil }
    var lessons = self
    if parameter == .tokenLimit, canRename {
      // Each name is tried once.
      guard !isLimitRenamed else { return nil }
      lessons.isLimitRenamed = true
      return (lessons, "that name for the limit of tokens")
    }
    lessons.dropped.insert(parameter)
    return (lessons, parameter.rawValue)
  }
}
