// What a right page is worth by its rank.
internal import Glibc

enum DiscountedGain {
  /// 1 / log₂(rank + 1) (Järvelin and Kekäläinen, 2002).
  static func worth(rank: Int) -> Double { 1 / log2(Double(rank) + 1) }
}
