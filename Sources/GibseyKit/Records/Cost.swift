// What an answer cost, by a list of prices.

/// An amount of money, and whose word it is.
public struct Cost: RecordData {
  public var amount: Double
  /// As the list of prices calls it.
  public var currency: String
  /// The date of the list, as in `2026-11-01`.
  public var pricesOf: String
  /// True when it is a sum in which something without a price is missing.
  public var isIncomplete: Bool

  public init(amount: Double, currency: String, pricesOf: String, isIncomplete: Bool = false) {
    self.amount = amount
    self.currency = currency
    self.pricesOf = pricesOf
    self.isIncomplete = isIncomplete
  }

  public init(_ fields: RecordFields) throws {
    amount = try fields.double("amount")
    currency = try fields.string("currency")
    pricesOf = try fields.string("prices_of")
    isIncomplete = try fields.optionalBool("incomplete") ?? false
  }

  public func write(to writer: inout JSONWriter) {
    writer.member("amount", amount)
    writer.member("currency", currency)
    writer.member("prices_of", pricesOf)
    if isIncomplete { writer.member("incomplete", true) }
  }

  /// The sum of both; one that is not known makes it incomplete.
  static func sum(_ one: Cost?, _ other: Cost?) -> Cost? {
    guard var sum = one ?? other else { return nil }
    sum.amount = PriceList.rounded((one?.amount ?? 0) + (other?.amount ?? 0))
    sum.isIncomplete = one == nil || other == nil || one?.isIncomplete == true || other?.isIncomplete == true
    return sum
  }

  /// As in "0.000123 USD by the prices of 2026-11-01".
  var words: String { "\(isIncomplete ? "at least " : "")\(digits) \(currency) by the prices of \(pricesOf)" }

  private var digits: String {
    // Of a sum that is too large to count in millionths they do not matter.
    guard let millionths = Int(exactly: (amount * 1_000_000).rounded()) else {
      return JSONNumber(amount.rounded()).text
    }
    var fraction = String(String(1_000_000 + millionths % 1_000_000).dropFirst())
    while fraction.count > 2, fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(millionths / 1_000_000).\(fraction)"
  }
}

/// What models take, by somebody's list. None is built in: prices change, and each has a date.
///
///     {"date":"2026-11-01","currency":"USD","models":{"openai/gpt-4o-mini":{"input":0.15,"cached":0.075,"output":0.6}}}
public struct PriceList: Sendable, Equatable {
  /// For a million tokens.
  struct Price: Sendable, Equatable {
    var input: Double
    /// Of what the provider had read before.
    var cached: Double
    var output: Double
  }

  /// As in `2026-11-01`.
  public let date: String
  public let currency: String
  /// No price is higher, so that no sum of them is beyond counting.
  static let largestPrice = 1e12
  private let prices: [String: Price]

  /// - Throws: `RecordProblem` with what is wrong.
  public init(_ json: [UInt8]) throws {
    let object: JSONObject
    do {
      guard let value = try JSONScanner.scan(json, { try $0.value() }).objectValue else {
        throw RecordProblem("wanted a JSON object")
      }
      object = value
    } catch let error as JSONError {
      throw RecordProblem("not JSON: \(error.reason) at byte \(error.offset + 1)")
    }
    let fields = RecordFields(object)
    date = try fields.string("date")
    guard Self.day(of: date) != nil else { throw RecordProblem("date: wanted one as in 2026-11-01") }
    currency = try fields.string("currency")
    guard !currency.isEmpty, currency.count <= 8 else {
      throw RecordProblem("currency: wanted a short name, as USD is")
    }
    var prices: [String: Price] = [:]
    for member in try fields.object("models").members {
      do {
        guard let price = member.value.objectValue else { throw RecordProblem("wanted an object") }
        prices[member.key] = try Self.price(RecordFields(price))
      } catch let problem as RecordProblem {
        throw RecordProblem("models: \(member.key): \(problem.reason)")
      }
    }
    self.prices = prices
  }

  private static func price(_ fields: RecordFields) throws -> Price {
    let input = try fields.double("input")
    let price = Price(
      input: input, cached: try fields.optionalDouble("cached") ?? input, output: try fields.double("output"))
    guard price.input >= 0, price.cached >= 0, price.output >= 0 else { throw RecordProblem("a price below 0") }
    guard max(price.input, price.cached, price.output) <= largestPrice else {
      throw RecordProblem("a price above 1e12")
    }
    return price
  }

  /// What an answer cost; nil when the list has no price of `PROVIDER/MODEL` or `MODEL`, or the tokens are not known.
  public func cost(of usage: Usage, provider: String, model: String) -> Cost? {
    guard let price = prices["\(provider)/\(model)"] ?? prices[model], let read = usage.promptTokens,
      let written = usage.completionTokens
    else { return nil }
    let cached = min(usage.cachedTokens ?? 0, read)
    let millions =
      Double(read - cached) * price.input + Double(cached) * price.cached + Double(written) * price.output
    return Cost(amount: Self.rounded(millions / 1_000_000), currency: currency, pricesOf: date)
  }

  /// Without the noise of binary fractions.
  static func rounded(_ amount: Double) -> Double { (amount * 1e9).rounded() / 1e9 }

  /// How many days the list is old on a day counted from 1970-01-01.
  public func age(onDay today: Int) -> Int { today - (Self.day(of: date) ?? today) }

  /// The day, counted from 1970-01-01, of a date as in `2026-11-01`; nil for anything else
  /// (howardhinnant.github.io/date_algorithms.html).
  private static func day(of date: String) -> Int? {
    let parts = date.split(separator: "-", omittingEmptySubsequences: false)
    guard date.utf8.count == 10, parts.map(\.utf8.count) == [4, 2, 2], let year = Int(parts[0]),
      let month = Int(parts[1]), let day = Int(parts[2]), year >= 1970, (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
