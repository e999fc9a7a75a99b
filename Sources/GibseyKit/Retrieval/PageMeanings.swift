// What vectors say of pages.

/// How near pages are to a question in meaning, by row.
struct PageMeanings {
  /// The row of a page, and the cosine of the question with the nearest of its vectors; ascending by row.
  let pages: [(row: Int, meaning: Double)]

  /// - Parameter pages: ascending by row.
  init(_ pages: [(row: Int, meaning: Double)] = []) { self.pages = pages }

  /// Nil for a page that was not compared.
  subscript(row: Int) -> Double? {
    var (low, high) = (0, pages.count)
    while low < high {
      let middle = (low + high) / 2
      if pages[middle].row < row { low = middle + 1 } else { high = middle }
    }
    return low < pages.count && pages[low].row == row ? pages[low].meaning : nil
  }
}
