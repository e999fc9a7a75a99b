// How pages are found and told: the flags of searching, explaining and measuring.
public import ArgumentParser

extension Searching.Mode: ExpressibleByArgument {}

/// A bound on a figure of an evaluation, as in `mrr@10=0.6`: all figures are shares, from 0 to 1.
public struct FigureBound: ExpressibleByArgument, Sendable {
  let name: String
  let least: Double

  public init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let least = Double(parts[1]), (0...1).contains(least),
      EvaluationFigures.names.contains(String(parts[0]))
    else { return nil }
    name = String(parts[0])
    self.least = least
  }
}

/// The flags about finding pages.
public struct SearchOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Print that many pages found, with scores, and build no prompt.")
  public var search: Int?
  @Option(help: "How pages are found: keywords, vectors or hybrid.")
  public var mode = Searching.Mode.hybrid
  @Flag(help: "Compare every vector, not only those that look near.")
  public var exact = false
  @Flag(help: "Print every page that was looked at first, and what became of it.")
  public var explain = false
  @Option(help: "Print what became of that page, and build no prompt.")
  public var whyNot: String?
  @Flag(help: "Read cases from standard input, and print how well their pages are found.")
  public var evaluate = false
  @Option(help: "With --evaluate: fail when a figure is lower, as in mrr@10=0.6.")
  public var failUnder: [FigureBound] = []

  public init() {}

  /// As `Searching` takes them.
  public var options: Searching.Options {
    var options = Searching.Options()
    options.mode = mode
    options.isExact = exact
    return options
  }

  /// The flags given that each ask for something of their own.
  public var verbs: [String] {
    [("--search", search != nil), ("--why-not", whyNot != nil), ("--evaluate", evaluate)].filter(\.1).map(\.0)
  }

  public func validate() throws {
    if let search, search < 1 { throw ValidationError("--search is at least 1") }
    if !failUnder.isEmpty, !evaluate { throw ValidationError("--fail-under goes with --evaluate") }
    let verbs = verbs
    if verbs.count > 1 { throw ValidationError("\(verbs[0]) and \(verbs[1]) exclude each other") }
  }
}

extension SearchOptions: PlainlyParsed {
  public init(plain arguments: inout PlainArguments) throws {
    search = try arguments.value("--search")
    mode = try arguments.value("--mode") ?? .hybrid
    exact = arguments.flag("--exact")
    explain = arguments.flag("--explain")
    whyNot = try arguments.value("--why-not")
    evaluate = arguments.flag("--evaluate")
    failUnder = try arguments.value("--fail-under").map { [$0] } ?? []
    try validate()
  }
}
