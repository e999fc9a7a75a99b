// What became of the pages of an index between two looks at it, and how much of that a reader may know.

/// What became of one page.
public struct PageChange: Sendable, Equatable {
  public let id: String
  /// Its place in the reading order before; nil when it was not there.
  public let before: Int?
  /// Its place now; nil when it is not there any more.
  public let now: Int?
  public let hasNewText: Bool

  /// What a reader is told of it; nil when it is behind the gate, before and now.
  ///
  /// A page that came before the gate is `added` to this reader, one that went behind it is `removed`.
  public func seen(by sight: IndexChange.Sight) -> PageIndexed.Change? {
    switch (sight.hadRead(before), sight.hasRead(now)) {
    case (false, false): nil
    case (false, true): .added
    case (true, false): .removed
    case (true, true): hasNewText ? .updated : .relabelled
    }
  }
}

/// What an indexer has done to a database. A value.
public struct IndexChange: Sendable, Equatable {
  /// How far a reader may see, by the reading order before and by that of now.
  public enum Sight: Sendable, Hashable {
    case wholeBook
    case upTo(before: Int, now: Int)

    fileprivate func hadRead(_ place: Int?) -> Bool {
      guard let place, case .upTo(let limit, _) = self else { return place != nil }
      return place <= limit
    }

    fileprivate func hasRead(_ place: Int?) -> Bool {
      guard let place, case .upTo(_, let limit) = self else { return place != nil }
      return place <= limit
    }
  }

  /// In reading order, ties by id; those that are gone stand where they stood.
  public let pages: [PageChange]
  /// How many pages there are now.
  public let pageCount: Int
  /// Whether searches use the vectors of another embedder than before, or of none.
  public let hasNewEmbedder: Bool

  /// Where the changed pages stood before; 0 for those that were not there.
  private let places: [Spelling: Int]

  init(pages: [PageChange], pageCount: Int, hasNewEmbedder: Bool) {
    (self.pages, self.pageCount, self.hasNewEmbedder) = (pages, pageCount, hasNewEmbedder)
    places = Dictionary(pages.map { ($0.id.spelling, $0.before ?? 0) }) { first, _ in first }
  }

  var isEmpty: Bool { pages.isEmpty && !hasNewEmbedder }

  /// How many pages became what, for somebody who may see all.
  public func count(_ change: PageIndexed.Change) -> Int { pages.count { $0.seen(by: .wholeBook) == change } }

  /// The sight of a reader whose gate is a page.
  /// - Parameter now: the place of that page.
  public func sight(upTo id: String, now: Int) -> Sight {
    .upTo(before: places[id.spelling] ?? now, now: now)
  }
}

/// What is remembered of the pages of an index, to find out later what changed.
struct PageMarks: Equatable {
  struct Mark: Equatable {
    let place: Int
    let text: Int
    let labels: Int
  }

  let marks: [Spelling: Mark]

  /// What leads from these to later ones.
  func change(to later: PageMarks, hasNewEmbedder: Bool) -> IndexChange {
    var pages = later.marks.compactMap { id, mark -> PageChange? in
      let old = marks[id]
      guard old != mark else { return nil }
      return PageChange(id: id.text, before: old?.place, now: mark.place, hasNewText: old?.text != mark.text)
    }
    for (id, old) in marks where later.marks[id] == nil {
      pages.append(PageChange(id: id.text, before: old.place, now: nil, hasNewText: false))
    }
    func key(_ page: PageChange) -> (Int, Spelling) { (page.now ?? page.before ?? 0, page.id.spelling) }
    return IndexChange(
      pages: pages.sorted { key($0) < key($1) }, pageCount: later.marks.count, hasNewEmbedder: hasNewEmbedder)
  }
}

extension PageStore {
  /// What is to be remembered of the pages that are there now. Reads every page's row.
  func pageMarks() throws -> PageMarks {
    let list = try connection.prepare(
      "SELECT id, page_index, text_hash, title, character_id, section, motifs, metadata FROM page")
    var marks: [Spelling: PageMarks.Mark] = [:]
    while try list.step() {
      guard let id = list.text(0) else { throw GibseyError.notADatabase(path: path, reason: "a damaged page") }
      var labels = Hasher()
      labels.combine(list.integer(1))
      for column: Int32 in 3...7 { labels.combine(list.text(column)?.spelling) }
      marks[id.spelling] = PageMarks.Mark(
        place: list.integer(1), text: list.bytes(2).hashValue, labels: labels.finalize())
    }
    return PageMarks(marks: marks)
  }
}
