// Where turns and sessions stand in a book whose pages move.
//
// A turn remembers which pages it has seen and not only how far they were: `turn_source` names them by their rows in
// `seen_page`, and the turns whose contents stood in its prompt. When pages move, the places that are kept of them, of turns and of
// sessions are renewed in the same transaction, so that what asks for them need know nothing of it.

/// What a batch did to the order of the pages.
struct PageMoves {
  /// Where pages stood that stand elsewhere now, by id.
  var before: [Spelling: Int] = [:]
  /// Pages that were not there.
  var added: Set<Spelling> = []
  var hasRemoved = false

  var isEmpty: Bool { before.isEmpty && added.isEmpty && !hasRemoved }
}

/// Renews what turns and sessions remember of places. For use inside the transaction in which pages move.
struct TurnPlaces {
  /// The anchor of a page that is gone, and behind which no page stood: no page has this id.
  private static let end = ""
  /// The place of a row of `seen_page`: that of its page, and behind all pages where nobody knows one.
  private static let place =
    "ifnull((SELECT page_index FROM page WHERE page.id = seen_page.anchor), \(TurnSources.unknownPlace))"

  let connection: Connection

  func renew(after moves: PageMoves) throws {
    guard !moves.isEmpty, try isAnythingRemembered() else { return }
    try connection.execute(
      "UPDATE seen_page SET anchor = id WHERE anchor IS NOT id AND id IN (SELECT id FROM page)")
    try replaceGone(moves)
    if !moves.added.isEmpty { try replaceEnd(moves) }
    try connection.execute(
      """
      UPDATE session SET furthest_page_index = page.page_index FROM page
      WHERE page.id = session.furthest_page_id AND page.page_index <> session.furthest_page_index
      """)
    guard try connection.integer("SELECT EXISTS (SELECT 1 FROM seen_page WHERE page_index <> \(Self.place))") == 1
    else {
      return
    }
    try connection.execute("UPDATE seen_page SET page_index = \(Self.place) WHERE page_index <> \(Self.place)")
    try settle()
  }

  private func isAnythingRemembered() throws -> Bool {
    try connection.integer(
      """
      SELECT EXISTS (SELECT 1 FROM seen_page)
        OR EXISTS (SELECT 1 FROM session WHERE furthest_page_index IS NOT NULL)
      """) == 1
  }

  /// What stood at the end stands with the first of the pages that came behind all that were there; while none has come, nobody
  /// who stands before the end that it had can be told from who has read it.
  private func replaceEnd(_ moves: PageMoves) throws {
    guard try connection.integer("SELECT EXISTS (SELECT 1 FROM seen_page WHERE anchor = '\(Self.end)')") == 1 else {
      return
    }
    let pages = try rows("SELECT id, page_index FROM page ORDER BY page_index DESC, id DESC")
    guard let last = pages.first(where: { !moves.added.contains($0.id.spelling) }),
      let first = pages.last(where: { $0.place > last.place })
    else { return }
    let anchor = try connection.prepare("UPDATE seen_page SET anchor = ?2 WHERE anchor = ?1")
    anchor.bind(1, Self.end)
    anchor.bind(2, first.id)
    try anchor.run()
  }

  /// A turn that has seen a page that is gone stands where the next one does, a reader who was on it where the one before it does:
  /// either way nothing is shown that was hidden. Where no page stood behind it, the turn stands behind every page that is left:
  /// a reader who is on the last of these may never have read it. A reader who has nothing before it has read nothing that is
  /// there: their place stays before all that is left, and the page is remembered, for it may come back.
  private func replaceGone(_ moves: PageMoves) throws {
    let gone =
      moves.hasRemoved
      ? try rows(
        """
        SELECT DISTINCT anchor, page_index FROM seen_page
        WHERE anchor <> '\(Self.end)' AND anchor NOT IN (SELECT id FROM page)
        """) : []
    // One that was lost before is looked at each time: what moves must not come before it.
    let left = try rows(
      """
      SELECT DISTINCT ifnull(furthest_page_id, ''), furthest_page_index FROM session
      WHERE furthest_page_index IS NOT NULL
        AND (furthest_page_id IS NULL OR furthest_page_id NOT IN (SELECT id FROM page))
      """)
    guard !gone.isEmpty || !left.isEmpty else { return }
    let order = PageOrder(try rows("SELECT id, page_index FROM page ORDER BY page_index, id"), moves)
    let anchor = try connection.prepare("UPDATE seen_page SET anchor = ?2 WHERE anchor = ?1")
    for page in gone {
      anchor.bind(1, page.id)
      anchor.bind(2, order.next(from: page.place) ?? Self.end)
      try anchor.run()
    }
    let furthest = try connection.prepare(
      """
      UPDATE session SET furthest_page_id = ifnull(?3, furthest_page_id), furthest_page_index = ?4
      WHERE furthest_page_id IS nullif(?1, '') AND furthest_page_index = ?2
      """)
    for page in left {
      let last = order.last(upTo: page.place)
      furthest.bind(1, page.id)
      furthest.bind(2, page.place)
      furthest.bind(3, last.id)
      furthest.bind(4, last.place)
      try furthest.run()
    }
  }

  private func rows(_ sql: String) throws -> [(id: String, place: Int)] {
    let list = try connection.prepare(sql)
    var rows: [(id: String, place: Int)] = []
    while try list.step() { rows.append((list.text(0) ?? "", list.integer(1))) }
    return rows
  }

  /// Gives every turn the furthest place of what it has seen. Turns name older ones only, so that one pass is enough.
  func settle() throws {
    var seen: [Int: Int] = [:]
    let pages = try connection.prepare("SELECT seen_id, page_index FROM seen_page")
    while try pages.step() { seen[pages.integer(0)] = pages.integer(1) }
    var places: [Int: Int] = [:]
    var changes: [(id: Int, session: Int, turn: Int, furthest: Int)] = []
    let list = try connection.prepare(
      """
      SELECT turn_source.turn_id, turn.session_id, turn.place, ifnull(turn.furthest_page_index, 0), turn_source.least,
        turn_source.pages, turn_source.turns
      FROM turn_source JOIN turn ON turn.turn_id = turn_source.turn_id ORDER BY turn_source.turn_id
      """)
    while try list.step() {
      let old = list.integer(3)
      let source = TurnSource(least: list.integer(4), pages: list.bytes(5), turns: list.bytes(6))
      var furthest = source.least
      for page in source.pages { furthest = max(furthest, seen[page] ?? TurnSources.unknownPlace) }
      // Of a turn that was forgotten nothing is known any more but that it was no further than this one.
      for turn in source.turns { furthest = max(furthest, places[turn] ?? old) }
      places[list.integer(0)] = furthest
      if furthest != old { changes.append((list.integer(0), list.integer(1), list.integer(2), furthest)) }
    }
    let update = try connection.prepare("UPDATE turn SET furthest_page_index = nullif(?2, 0) WHERE turn_id = ?1")
    for change in changes {
      update.bind(1, change.id)
      update.bind(2, change.furthest)
      try update.run()
    }
    let blocks = TurnBlocks(connection)
    for (session, changes) in Dictionary(grouping: changes, by: { $0.session }).sorted(by: { $0.key < $1.key }) {
      try blocks.move(changes.map { (place: $0.turn, furthest: $0.furthest) }, of: session)
    }
  }

  /// Takes over what a database from before remembered of places: of a turn the furthest one. One that remembered none may have
  /// seen as much as its reader ever did.
  func adopt() throws {
    try connection.execute(
      """
      UPDATE session SET (furthest_page_id, furthest_page_index) = (
        SELECT id, page_index FROM page WHERE page_index <= session.furthest_page_index
        ORDER BY page_index DESC, id DESC LIMIT 1)
      WHERE EXISTS (SELECT 1 FROM page WHERE page_index <= session.furthest_page_index);
      UPDATE turn SET furthest_page_index = (
        SELECT furthest_page_index FROM session WHERE session.session_id = turn.session_id)
      WHERE furthest_page_index IS NULL;
      INSERT INTO seen_page (id, anchor, page_index)
        SELECT id, id, page_index FROM page WHERE page_index IN (
          SELECT (SELECT min(page_index) FROM page WHERE page_index >= furthest.place)
          FROM (SELECT DISTINCT furthest_page_index AS place FROM turn WHERE furthest_page_index IS NOT NULL) AS furthest)
      """)
    let list = try connection.prepare(
      """
      SELECT turn_id, furthest_page_index,
        (SELECT min(page_index) FROM page WHERE page_index >= turn.furthest_page_index)
      FROM turn ORDER BY turn_id
      """)
    let find = try connection.prepare("SELECT seen_id FROM seen_page WHERE page_index = ?1 ORDER BY seen_id")
    let store = try connection.prepare(TurnSource.insertion)
    while try list.step() {
      var source = TurnSource()
      if !list.isNull(2) {
        find.bind(1, list.integer(2))
        while try find.step() { source.pages.append(find.integer(0)) }
      } else if !list.isNull(1) {
        source.least = list.integer(1)
      }
      source.bind(to: store, turn: list.integer(0))
      try store.run()
    }
    try TurnBlocks(connection).repackAll()
    try settle()
  }
}

/// What a turn has seen, as it is kept.
struct TurnSource {
  static let insertion = "INSERT INTO turn_source (turn_id, least, pages, turns) VALUES (?1, ?2, ?3, ?4)"

  /// It stands there at least, whatever moves.
  var least = 0
  /// Rows of `seen_page`.
  var pages: [Int] = []
  /// Numbers of turns.
  var turns: [Int] = []

  init() {}

  /// From little-endian numbers: 4 bytes for a page, 8 for a turn.
  init(least: Int, pages: [UInt8], turns: [UInt8]) {
    self.least = least
    self.pages = stride(from: 0, to: pages.count / 4 * 4, by: 4).map { Int(pages.littleEndian(UInt32.self, at: $0)) }
    self.turns = stride(from: 0, to: turns.count / 8 * 8, by: 8).map { Int(turns.littleEndian(Int64.self, at: $0)) }
  }

  func bind(to statement: borrowing Statement, turn: Int) {
    var (pageBytes, turnBytes): ([UInt8], [UInt8]) = ([], [])
    for page in pages { pageBytes.append(littleEndian: UInt32(clamping: page)) }
    for turn in turns { turnBytes.append(littleEndian: Int64(turn)) }
    statement.bind(1, turn)
    statement.bind(2, least)
    statement.bind(3, pageBytes)
    statement.bind(4, turnBytes)
  }
}

/// The pages that there are, in the order in which they stood before a batch and in that of now.
private struct PageOrder {
  /// Without those that were not there; of those in one place the furthest now comes first.
  private let before: [(id: String, place: Int, now: Int)]
  /// Those that were not there, in the order of now.
  private let added: [(id: String, place: Int)]

  /// - Parameter pages: in the order of now.
  init(_ pages: [(id: String, place: Int)], _ moves: PageMoves) {
    added = pages.filter { moves.added.contains($0.id.spelling) }
    before = pages.filter { !moves.added.contains($0.id.spelling) }
      .map { (id: $0.id, place: moves.before[$0.id.spelling] ?? $0.place, now: $0.place) }
      .sorted { $0.place == $1.place ? $0.now > $1.now : $0.place < $1.place }
  }

  /// The page that stands for one that is gone where that must not be read before it was; nil when there is none behind it.
  func next(from place: Int) -> String? {
    before.first { $0.place >= place }?.id ?? added.first { $0.place >= place }?.id
  }

  /// Up to where somebody has read who was on a page that is gone, as a page and its place now; without any page that they
  /// have read no page, and a place before all that they have not.
  func last(upTo place: Int) -> (id: String?, place: Int) {
    if let page = before.last(where: { $0.place <= place }) { return (page.id, page.now) }
    // All that is left was behind it: what is new counts as read only where it stands before that.
    let limit = before.reduce(place) { min($0, $1.now - 1) }
    return added.last { $0.place <= limit }.map { ($0.id, $0.place) } ?? (nil, limit)
  }
}
