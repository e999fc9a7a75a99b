// An answer as records: one for each token, one for each switch, and exactly one at the end.

/// Turns the parts of one answer into the records of gibsey-json(5). A value that counts.
public struct AskingRecords: Sendable {
  private let responseID: String
  private let requestID: String?
  private let sessionID: String?
  private let now: @Sendable () -> Timestamp
  private var seq = 0

  /// - Parameter now: the clock on the wall.
  public init(prompt: Prompt, responseID: String, now: @escaping @Sendable () -> Timestamp) {
    self.responseID = responseID
    requestID = prompt.requestID
    sessionID = prompt.sessionID
    self.now = now
  }

  /// The records of one part, all with one time stamp; none for thoughts, notices and repetitions.
  public mutating func records(of part: Asking.Part) -> [Record] {
    switch part {
    case .batch(let batch):
      guard !batch.tokenEnds.isEmpty else { return [] }
      let timestamp = now().text
      return batch.tokens.map { .responseStream(stream($0, timestamp, nil)) }
    case .retrying, .adapted, .counted, .misread: return []
    case .switched(let from, let to, let error):
      return [
        .providerSwitched(
          ProviderSwitched(
            responseID: responseID, from: from, to: to, reason: error.message, afterSeq: seq - 1,
            requestID: requestID, sessionID: sessionID))
      ]
    case .completed(let completion): return [.responseStream(stream("", now().text, completion))]
    case .failed(let error, let usage):
      return [
        .error(
          ErrorRecord(
            message: error.message, code: error.code, timestamp: now().text,
            isRetryable: error.isRetryable,
            responseID: responseID, requestID: requestID, sessionID: sessionID, afterSeq: seq - 1,
            retryAfterMilliseconds: error.retryAfterMilliseconds, usage: usage))
      ]
    }
  }

  private mutating func stream(
    _ token: String, _ timestamp: String, _ completion: Completion?
  ) -> ResponseStream {
    defer { seq += 1 }
    return ResponseStream(
      responseID: responseID, token: token, timestamp: timestamp, seq: seq, requestID: requestID,
      sessionID: sessionID, completion: completion)
  }
}
