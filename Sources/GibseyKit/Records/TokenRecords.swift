// The records of tokens, written without being built: what differs from one to the next is put between what does not.

/// Writes the records of one answer's tokens: the bytes that `RecordCoder` writes, for a tenth of the work.
public struct TokenRecords: Sendable {
  /// Up to the quote that opens the token.
  private let head: [UInt8]
  /// What comes after the number.
  private let tail: [UInt8]
  /// Of every answer: before the quote that opens the token; from the one that closes it to the one that opens the time stamp; and
  /// from the one that closes that to the number.
  private static let opening = Array("\"token\":\"".utf8)
  private static let middle = Array("\",\"is_complete\":false,\"timestamp\":\"".utf8)
  private static let place = Array("\",\"seq\":".utf8)

  public init(responseID: String, requestID: String?, sessionID: String?) {
    let record = RecordCoder.frame(
      .responseStream(
        ResponseStream(
          responseID: responseID, token: "", timestamp: "", seq: 0, requestID: requestID, sessionID: sessionID)))
    // An id has its quotes escaped, so the first of these is the member.
    let start = Self.end(of: Self.opening + Self.middle + Self.place + [0x30], in: record)
    head = Array(record[..<(start - Self.middle.count - Self.place.count - 1)])
    tail = Array(record[start...])
  }

  /// Where the bytes after the first `pattern` start.
  private static func end(of pattern: [UInt8], in bytes: [UInt8]) -> Int {
    let start = bytes.indices.first { bytes[$0...].starts(with: pattern) } ?? 0
    return start + pattern.count
  }

  /// Appends one record.
  /// - Parameters:
  ///   - token: UTF-8; what is not, is repaired as everywhere.
  ///   - timestamp: ASCII that needs no escape.
  public func append(_ token: UnsafeBufferPointer<UInt8>, at timestamp: [UInt8], seq: Int, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: head)
    if let base = token.baseAddress,
      PlainRun.end(in: base, from: 0, to: token.count, or: UInt8(ascii: "\""), UInt8(ascii: "\\")) == token.count
    {
      bytes.append(contentsOf: token)
    } else {
      var writer = JSONWriter()
      writer.string(String(decoding: token, as: UTF8.self))
      bytes.append(contentsOf: writer.bytes[1..<(writer.bytes.count - 1)])
    }
    bytes.append(contentsOf: Self.middle)
    bytes.append(contentsOf: timestamp)
    bytes.append(contentsOf: Self.place)
    Self.append(seq, to: &bytes)
    bytes.append(contentsOf: tail)
  }

  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    var divisor = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
      divisor /= 10
    }
  }
}
