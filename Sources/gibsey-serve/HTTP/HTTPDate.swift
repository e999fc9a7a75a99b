// The date of a response (RFC 9110 §5.6.7).
import GibseyKit

/// As in `Mon, 16 Jun 2025 09:32:20 GMT`.
enum HTTPDate {
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  static func text(_ time: Timestamp) -> String {
    // 1970-01-01 was a Thursday.
    let day = time.microseconds / 86_400_000_000 % 7
    let parts = time.text.split { "-T.".contains($0) }
    return "\(days[day]), \(parts[2]) \(months[(Int(parts[1]) ?? 1) - 1]) \(parts[0]) \(parts[3]) GMT"
  }
}
