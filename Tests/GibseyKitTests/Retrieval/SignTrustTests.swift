// When a search by signs may end.
import Testing

@testable import GibseyKit

@Suite struct SignTrustTests {
  /// 200 vectors whose cosines lie around a line through their scores, as far off as `noise` says.
  private func trust(wanted: Int, slope: Double, noise: Double) -> SignTrust {
    var trust = SignTrust(wanted: wanted)
    for place in 0..<200 {
      let side = place.isMultiple(of: 2) ? 1.0 : -1.0
      trust.add(score: Int32(1000 - place), cosine: 0.8 - slope * Double(place) + side * noise)
    }
    return trust
  }

  @Test func whatIsFourDeviationsBelowTheLastThatIsWantedIsLeftOut() {
    // The tenth largest cosine is that of place 18, 0.8 - 0.018 + 0.01. A cosine on the line is four hundredths too low from
    // place 48 on.
    let trust = trust(wanted: 10, slope: 0.001, noise: 0.01)
    #expect(trust.isBeyond(1000 - 60))
    #expect(!trust.isBeyond(1000 - 40))
  }

  @Test func theWiderCosinesSpreadTheMoreIsCompared() {
    let trust = trust(wanted: 10, slope: 0.001, noise: 0.05)
    // 0.8 - 0.018 + 0.05 is wanted: four deviations of 0.05 more than the line has before place 168.
    #expect(!trust.isBeyond(1000 - 150))
    #expect(trust.isBeyond(1000 - 190))
  }

  @Test func nothingIsLeftOutWhereScoresSayNothingOfCosines() {
    #expect(!trust(wanted: 10, slope: 0, noise: 0.01).isBeyond(-10_000))
    #expect(!trust(wanted: 10, slope: -0.001, noise: 0.01).isBeyond(-10_000))
  }

  @Test func fewVectorsProveNothing() {
    var trust = SignTrust(wanted: 10)
    for place in 0..<99 {
      trust.add(score: Int32(1000 - place), cosine: 0.9 - 0.001 * Double(place))
      #expect(!trust.isBeyond(-10_000))
    }
    trust.add(score: 900, cosine: 0.8)
    #expect(trust.isBeyond(-10_000))
    #expect(!SignTrust(wanted: 0).isBeyond(-10_000))
  }

  @Test func thereMustBeTwiceAsManyAsAreWanted() {
    #expect(!trust(wanted: 101, slope: 0.001, noise: 0).isBeyond(-10_000))
    #expect(trust(wanted: 100, slope: 0.001, noise: 0).isBeyond(-10_000))
  }
}
