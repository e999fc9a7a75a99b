// What a character knows of the pages that the reader has read.

/// Which pages a character may draw on. Whatever it is, nothing after the reader's page.
public enum Knowledge: String, Sendable, CaseIterable {
  /// All that the reader knows.
  case reader
  /// The pages that it tells itself.
  case own
  /// Those, and the pages that name it.
  case mentioned
}
