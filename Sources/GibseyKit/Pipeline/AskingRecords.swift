// An answer as records: one for each token, one for each switch, and exactly one at the end.

/// Turns the parts of one answer into the records of gibsey-json(5). A value that counts.
public struct AskingRecords: Sendable {
  private let responseID: String
  private let requestID: String?
  private let sessionID: String?
  private let now: @Sendable () -> Timestamp
  /// Whether strangers read them: errors then name no address and no path.
  private let isPublic: Bool
  private let tokenRecords: TokenRecords
  private var stamps = TimestampText()
  /// The number of the next record.
  public private(set) var seq: Int

  /// - Parameter now: the clock on the wall.
  public init(prompt: Prompt, responseID: String, now: @escaping @Sendable () -> Timestamp) {
    self.init(responseID: responseID, requestID: prompt.requestID, sessionID: prompt.sessionID, now: now)
  }

  /// - Parameters:
  ///   - seq: the number of the first record; more than 0 where an answer is gone on with.
  ///   - isPublic: whether strangers read them: errors then name no address and no path.
  public init(
    responseID: String, requestID: String?, sessionID: String?, seq: Int = 0, isPublic: Bool = false,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.responseID = responseID
    self.requestID = requestID
    self.sessionID = sessionID
    self.seq = seq
    self.isPublic = isPublic
    self.now = now
    tokenRecords = TokenRecords(responseID: responseID, requestID: requestID, sessionID: sessionID)
  }

  /// What the records of one block are stamped with, UTF-8.
  public mutating func stamp() -> [UInt8] {
    stamps.stamp(now())
    return stamps.utf8
  }

  /// Appends the record of a token, or of several end to end for a reader that lags: the bytes that `RecordCoder.frame` writes.
  public mutating func append(_ tokens: UnsafeBufferPointer<UInt8>, at stamp: [UInt8], to bytes: inout [UInt8]) {
    tokenRecords.append(tokens, at: stamp, seq: seq, to: &bytes)
    seq += 1
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
            responseID: responseID, from: from, to: to, reason: isPublic ? error.publicMessage : error.message,
            afterSeq: seq - 1,
            requestID: requestID, sessionID: sessionID))
      ]
    case .completed(let completion): return [.responseStream(stream("", now().text, completion))]
    case .failed(let error, let usage):
      return [
        .error(
          ErrorRecord(
            message: isPublic ? error.publicMessage : error.message, code: error.code, timestamp: now().text,
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
