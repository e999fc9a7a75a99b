// Counts and costs of any size, since any provider may tell them.
import Testing

@testable import GibseyKit

@Suite struct UsageTests {
  @Test func aSumBeyondWhatARecordCanTellIsTheLargestThatItCan() {
    let large = Usage(promptTokens: JSONNumber.largestInteger, completionTokens: 5)
    let sum = (0..<2000).reduce(large) { sum, _ in sum + large }
    #expect(sum.promptTokens == 9_007_199_254_740_991)
    #expect(sum.completionTokens == 10_005)
    #expect(sum.cachedTokens == nil)
  }

  @Test(arguments: [
    (0.00024, "0.00024"), (12.5, "12.50"), (1234567.891, "1234567.891"), (1.08e13, "10800000000000"),
  ]) func aCostOfAnySizeIsTold(amount: Double, words: String) {
    let cost = Cost(amount: amount, currency: "KRW", pricesOf: "2026-11-01")
    #expect(cost.words == "\(words) KRW by the prices of 2026-11-01")
  }

  @Test func aPriceBeyondAnybodysIsRefused() {
    let list = { (price: String) in
      Array(#"{"date":"2026-11-01","currency":"KRW","models":{"m":{"input":\#(price),"output":1}}}"#.utf8)
    }
    #expect(throws: Never.self) { try PriceList(list("1e12")) }
    #expect(throws: RecordProblem("models: m: a price above 1e12")) { try PriceList(list("1e18")) }
  }
}
