// When a request that failed is sent again: a pure rule. Who waits and rolls the dice is told from outside.

/// How often and after which wait a request is repeated.
public struct Retry: Sendable, Equatable {
  /// Repetitions at most.
  public var limit = 2
  /// The wait before the first repetition; each further one waits twice as long.
  public var base: Duration = .milliseconds(500)
  /// A wait that we chose ourselves is at most this long.
  public var cap: Duration = .seconds(8)
  /// A wait longer than this is not waited for.
  public var longestWait: Duration

  public init(longestWait: Duration = .seconds(5)) { self.longestWait = longestWait }

  /// The wait before the next request; nil when there shall be none.
  /// - Parameters:
  ///   - done: repetitions so far.
  ///   - floor: what the server asked for: never less.
  ///   - chance: 0..<1; shortens our own wait by up to a quarter, so that many clients do not come back at once.
  public func wait(done: Int, floor: Duration?, chance: Double) -> Duration? {
    guard done < limit else { return nil }
    let wait = min(cap, base * (1 << min(done, 16))) * (1 - 0.25 * chance)
    let longer = max(wait, floor ?? .zero)
    return longer <= longestWait ? longer : nil
  }
}

extension HTTPHead {
  /// Whoever asks for more asks us never to come back: a year, in milliseconds.
  private static let longestAskedMilliseconds = 365.0 * 86_400_000

  /// What the server asks us to wait, in milliseconds, at most a year: `retry-after-ms`, or `retry-after` in seconds or as a
  /// date, which is compared with the response's own (RFC 9110 §10.2.3).
  var retryAfterMilliseconds: Int? {
    if let wait = value("retry-after-ms").flatMap({ Double($0) }).flatMap({ Self.asked($0) }) { return wait }
    guard let text = value("retry-after") else { return nil }
    if let wait = Double(text) { return Self.asked(wait * 1000) }
    guard let then = HTTPDate.seconds(text), let now = value("date").flatMap({ HTTPDate.seconds($0) }) else {
      return nil
    }
    return Self.asked(Double(then - now) * 1000)
  }

  private static func asked(_ milliseconds: Double) -> Int? {
    milliseconds > 0 ? Int(min(milliseconds, longestAskedMilliseconds).rounded(.up)) : nil
  }

  /// The head with the date of its arrival where it tells none (RFC 9110 §6.6.1), if its wait needs one.
  func dated(by clock: @autoclosure () -> Timestamp) -> HTTPHead {
    guard value("retry-after") != nil, value("date") == nil else { return self }
    let now = HTTPDate.text(clock().microseconds / 1_000_000)
    return HTTPHead(status: status, headers: headers + [HTTPHeader("Date", now)])
  }

  /// What the server itself says about trying again; nil when it says nothing.
  var shouldRetry: Bool? {
    switch value("x-should-retry") {
    case "true": true
    case "false": false
    default: nil
    }
  }
}

/// A date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7); the two obsolete forms are not read.
enum HTTPDate {
  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Seconds since 1970-01-01T00:00:00Z; nil for anything that is no such date.
  static func seconds(_ text: String) -> Int? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), (1...31).contains(day),
      let month = months.firstIndex(of: String(words[2])), let year = Int(words[3]), (1970...9999).contains(year)
    else { return nil }
    let clock = words[4].split(separator: ":").compactMap { Int($0) }
    guard clock.count == 3, zip(clock, [24, 60, 61]).allSatisfy({ $0 >= 0 && $0 < $1 }) else { return nil }
    return Self.day(year, month + 1, day) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
  }

  /// The date of a second since 1970-01-01T00:00:00Z.
  static func text(_ seconds: Int) -> String {
    // 2025-06-16T09:32:20.776166Z
    let iso = Array(Timestamp(microseconds: seconds * 1_000_000).utf8)
    func digits(_ range: Range<Int>) -> String { String(decoding: iso[range], as: UTF8.self) }
    let month = Self.months[(Int(digits(5..<7)) ?? 1) - 1]
    let weekday = weekdays[seconds / 86_400 % 7]
    return "\(weekday), \(digits(8..<10)) \(month) \(digits(0..<4)) \(digits(11..<19)) GMT"
  }

  /// Days since 1970-01-01 (howardhinnant.github.io/date_algorithms.html).
  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return year / 400 * 146_097 + year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + dayOfYear - 719_468
  }
}
