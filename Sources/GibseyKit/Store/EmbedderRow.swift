// The embedders that a database knows: each with a fingerprint, one of them active.

/// An embedder whose vectors the database holds.
public struct EmbedderRow: Sendable, Equatable {
  let row: Int
  /// Tells vectors that may be compared from those that may not.
  public let fingerprint: String
  public let coding: VectorCoding
  /// Whether searches use it: one at most does.
  public let isActive: Bool
}

extension Connection {
  /// All of them, in the order in which they came.
  func embedders() throws -> [EmbedderRow] {
    let list = try kept(
      "SELECT embedder_id, fingerprint, dimensions, encoding, is_active FROM embedder ORDER BY embedder_id")
    var rows: [EmbedderRow] = []
    while try list.step() {
      guard let fingerprint = list.text(1), let precision = VectorCoding.Precision(rawValue: list.text(3) ?? "")
      else { throw GibseyError.notADatabase(path: path, reason: "a damaged embedder") }
      rows.append(
        EmbedderRow(
          row: list.integer(0), fingerprint: fingerprint,
          coding: VectorCoding(dimensions: list.integer(2), precision: precision), isActive: list.integer(4) == 1))
    }
    return rows
  }
}

extension PageStore {
  /// The embedders whose vectors are here.
  public func embedders() throws -> [EmbedderRow] { try connection.embedders() }

  /// The one that searches use; nil when pages are found by keywords alone.
  public func activeEmbedder() throws -> EmbedderRow? { try embedders().first(where: \.isActive) }
}
