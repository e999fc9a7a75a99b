// Counts in the text format of Prometheus, version 0.0.4.

/// Collects families of samples.
struct MetricsText {
  enum Kind: String { case counter, gauge, histogram }

  private(set) var text = ""

  /// One family; its samples are in the order of their labels, so that two readings can be compared.
  mutating func family(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: String)]
  ) {
    head(name, kind, help)
    let lines = samples.map { "\(name)\(Self.labels($0.labels)) \($0.value)\n" }
    text += lines.sorted().joined()
  }

  mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: String) {
    family(name, kind, help, [([], value)])
  }

  mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
    head(name, .histogram, help)
    var count = 0
    for (bound, here) in zip(histogram.bounds, histogram.counts) {
      count += here
      text += "\(name)_bucket{le=\"\(Self.number(bound))\"} \(count)\n"
    }
    count += histogram.counts.last ?? 0
    text += "\(name)_bucket{le=\"+Inf\"} \(count)\n\(name)_sum \(Self.number(histogram.sum))\n\(name)_count \(count)\n"
  }

  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : value.description
  }

  private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  private static func labels(_ labels: [(String, String)]) -> String {
    guard !labels.isEmpty else { return "" }
    let pairs = labels.map { name, value in
      let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
      return "\(name)=\"\(escaped)\""
    }
    return "{\(pairs.joined(separator: ","))}"
  }
}
