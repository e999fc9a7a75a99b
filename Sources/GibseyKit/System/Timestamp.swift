// A point in time as the records write it, and random ids. Both are made at the edge and injected below it.
internal import Glibc

/// A point in time, UTC, in microseconds.
public struct Timestamp: Sendable, Equatable {
  /// Since 1970-01-01T00:00:00Z.
  public let microseconds: Int

  public init(microseconds: Int) { self.microseconds = microseconds }

  /// The clock on the wall. Only for the edge.
  public static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: time.tv_sec * 1_000_000 + time.tv_nsec / 1000)
  }

  /// As in `2025-06-16T09:32:20.776166Z`.
  public var text: String { String(decoding: utf8, as: UTF8.self) }

  /// `text` in ASCII.
  public var utf8: [UInt8] {
    let (seconds, fraction) = Self.divide(microseconds, by: 1_000_000)
    let (day, second) = Self.divide(seconds, by: 86_400)
    let (year, month, date) = Self.civil(day)
    var text: [UInt8] = []
    text.reserveCapacity(27)
    for (number, width, end) in [
      (year, 4, "-"), (month, 2, "-"), (date, 2, "T"), (second / 3600, 2, ":"), (second / 60 % 60, 2, ":"),
      (second % 60, 2, "."), (fraction, 6, "Z"),
    ] as [(Int, Int, Unicode.Scalar)] {
      Self.append(number, width, to: &text)
      text.append(UInt8(ascii: end))
    }
    return text
  }

  /// Year, month and day of a day counted from 1970-01-01 (howardhinnant.github.io/date_algorithms.html).
  private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = divide(day + 719_468, by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let date = dayOfYear - (153 * shifted + 2) / 5 + 1
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, date)
  }

  fileprivate static func divide(_ value: Int, by divisor: Int) -> (Int, Int) {
    let quotient = value >= 0 ? value / divisor : (value - divisor + 1) / divisor
    return (quotient, value - quotient * divisor)
  }

  private static func append(_ number: Int, _ width: Int, to text: inout [UInt8]) {
    if number < 0 { text.append(UInt8(ascii: "-")) }
    var divisor: UInt = 1
    for _ in 1..<width { divisor *= 10 }
    while number.magnitude / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      text.append(UInt8(ascii: "0") + UInt8(number.magnitude / divisor % 10))
      divisor /= 10
    }
  }
}

/// The text of one point in time after the other: within a second only its last digits are written anew. A value.
struct TimestampText: Sendable {
  /// As `Timestamp.utf8`; empty before the first.
  private(set) var utf8: [UInt8] = []
  private var second = Int.min

  mutating func stamp(_ time: Timestamp) {
    let (second, microsecond) = Timestamp.divide(time.microseconds, by: 1_000_000)
    guard second == self.second else {
      (self.second, utf8) = (second, time.utf8)
      return
    }
    var rest = UInt32(microsecond)
    // Six digits before the Z.
    for place in (utf8.count - 7..<utf8.count - 1).reversed() {
      utf8[place] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
  }
}

/// Random ids (RFC 9562, version 4). Only for the edge.
public enum RandomID {
  public static func make() -> String {
    var high = UInt64.random(in: .min ... .max)
    var low = UInt64.random(in: .min ... .max)
    high = high & ~0xF000 | 0x4000
    low = low & ~(0b11 << 62) | 0b10 << 62
    var text: [UInt8] = []
    for (place, byte) in withUnsafeBytes(of: (high.bigEndian, low.bigEndian), Array.init).enumerated() {
      if [4, 6, 8, 10].contains(place) { text.append(UInt8(ascii: "-")) }
      Hexadecimal.append(byte, to: &text)
    }
    return String(decoding: text, as: UTF8.self)
  }
}
