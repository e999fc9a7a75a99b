// What an answer cites, checked against the pages that its prompt had.

/// Follows an answer while it comes and checks its citations: which pages it names, and whether the words that it quotes
/// stand there. A value, fed with the tokens in any pieces; its memory is bounded, whatever the answer.
///
/// A quotation goes with the label that stands in it; else with the one before or after it, where one is near: with the one
/// on whose page the words stand, and if on neither, with the nearer. A page that was not in the prompt, unknown or after
/// the reader's page, is never looked at. What the question says itself is no quotation of a page.
public struct Citations: Sendable {
  /// Fewer words than these in a row stand on too many pages to tell anything.
  public static let leastWords = 4
  /// A label farther from a quotation than this many characters says nothing about it.
  static let reach = 200
  /// More different pages, or quotations, than these are not told.
  static let countLimit = 128
  private static let waitingLimit = 8

  private struct Label {
    let ids: [String]
    let place: CitationScanner.Place
  }

  private struct Quotation {
    let text: String
    let place: CitationScanner.Place
  }

  private var scanner: CitationScanner
  /// Read when something is cited: most answers of most models cite nothing.
  private lazy var pages = readPages()
  private let readPages: @Sendable () -> CitedPages
  private var lastLabel: Label?
  /// Those after the last label, which the next one may belong to.
  private var waiting: [Quotation] = []
  private var order: [Spelling] = []
  private var quotations: [Spelling: [Citation]] = [:]
  private var quotationCount = 0

  public init(_ prompt: Prompt) {
    scanner = CitationScanner(ids: prompt.pages.map(\.id))
    readPages = { CitedPages(prompt) }
  }

  /// Checks an answer against other pages than a prompt's.
  init(_ pages: CitedPages) {
    scanner = CitationScanner(ids: pages.all)
    readPages = { pages }
  }

  /// Takes the next bytes of the answer, UTF-8; a character may be cut.
  public mutating func consume(_ bytes: some Sequence<UInt8>) {
    for mark in scanner.consume(bytes) { take(mark) }
  }

  private mutating func take(_ mark: CitationScanner.Mark) {
    switch mark {
    case .label(let content, let place): add(Label(ids: pages.ids(in: content), place: place))
    case .pages(let ids, let remark, let place): add(Label(ids: pages.ids(in: remark, after: ids), place: place))
    case .quotation(let text, let place): add(Quotation(text: text, place: place))
    }
  }

  /// What was cited so far, in the order of the first naming; a page without a quotation once, else once for each.
  public var found: [Citation] {
    var all = self
    for mark in all.scanner.finish() { all.take(mark) }
    for quotation in all.waiting { all.settle(quotation, next: nil) }
    return all.order.flatMap { id in
      all.quotations[id] ?? [Citation(pageID: id.text, isInPrompt: all.pages.contains(id.text))]
    }
  }

  private mutating func add(_ label: Label) {
    for quotation in waiting { settle(quotation, next: label) }
    waiting = []
    lastLabel = label
    for id in label.ids.map(\.spelling) where !order.contains(id) && order.count < Self.countLimit { order.append(id) }
  }

  private mutating func add(_ quotation: Quotation) {
    if let lastLabel, lastLabel.place.start > quotation.place.start { return settle(quotation, next: nil) }
    if waiting.count == Self.waitingLimit { settle(waiting.removeFirst(), next: nil) }
    waiting.append(quotation)
  }

  /// Finds the page that a quotation belongs to, if any.
  private mutating func settle(_ quotation: Quotation, next: Label?) {
    guard quotationCount < Self.countLimit else { return }
    var near: [(ids: [String], distance: Int)] = []
    if let next { near.append((next.ids, next.place.start - quotation.place.end)) }
    if let lastLabel { near.append((lastLabel.ids, quotation.place.start - lastLabel.place.end)) }
    near = near.filter { $0.distance <= Self.reach }
    if near.count == 2, near[1].distance < near[0].distance { near.swapAt(0, 1) }
    let ids = near.flatMap(\.ids)
    var nearest: Citation?
    for id in ids {
      let verdict = pages.contains(id) ? pages.stands(quotation.text, on: id) : nil
      let citation = Citation(
        pageID: id, isInPrompt: pages.contains(id), quote: quotation.text, isVerified: verdict)
      if verdict == true { return keep(citation) }
      nearest = nearest ?? citation
    }
    if let nearest, !pages.standsInQuestion(quotation.text) { keep(nearest) }
  }

  private mutating func keep(_ citation: Citation) {
    let id = citation.pageID.spelling
    guard order.contains(id) || order.count < Self.countLimit else { return }
    if !order.contains(id) { order.append(id) }
    guard quotations[id]?.contains(citation) != true else { return }
    quotations[id, default: []].append(citation)
    quotationCount += 1
  }
}

extension Citation {
  /// Whether the answer is wrong about it: the page was not in the prompt, or the words do not stand there.
  public var isFalse: Bool { !isInPrompt || isVerified == false }
}
