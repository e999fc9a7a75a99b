// Memory that questions are encoded in, kept for the next one.
internal import Synchronization

/// Lends memory to encoders. Its identity is the model that they encode with. Any thread may borrow.
///
/// A question wants some 230 KB for a millisecond. Taken from the heap each time, what lives longer settles in the hole that it
/// leaves, and the heap grows: docs/design/0022-what-a-prompt-costs.md.
final class EncodingMemory: Sendable {
  /// A stretch of memory.
  struct Block: @unchecked Sendable {  // whoever was lent it has it alone
    let start: UnsafeMutableRawPointer
    fileprivate let bytes: Int
  }

  /// What is larger is not kept: pages want it, many in a row with the same.
  private static let keptBytes = 512 << 10
  private static let alignment = 64

  private let keptBlocks: Int
  private let kept = Mutex<[Block]>([])

  /// - Parameter keptBlocks: how many are kept at most: one for each question that may be encoded at the same time.
  init(keptBlocks: Int) { self.keptBlocks = keptBlocks }

  deinit {
    for block in kept.withLock(\.self) { block.start.deallocate() }
  }

  /// So many bytes at least, at a multiple of 64. They are to be given back.
  func lend(_ bytes: Int) -> Block {
    let known = kept.withLock { kept in
      kept.indices.filter { kept[$0].bytes >= bytes }.min { kept[$0].bytes < kept[$1].bytes }
        .map { kept.remove(at: $0) }
    }
    if let known { return known }
    // Questions differ by some pieces: the next one fits, too.
    let room = bytes <= Self.keptBytes ? (bytes + 0xFFFF) & ~0xFFFF : bytes
    let start = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: Self.alignment)
    return Block(start: start, bytes: room)
  }

  func takeBack(_ block: Block) {
    // Of too many the smallest goes: what fits a long question fits a short one.
    let unwanted: Block? = kept.withLock { kept in
      guard block.bytes <= Self.keptBytes else { return block }
      kept.append(block)
      guard kept.count > keptBlocks else { return nil }
      return kept.indices.min { kept[$0].bytes < kept[$1].bytes }.map { kept.remove(at: $0) }
    }
    unwanted?.start.deallocate()
  }

  /// How much is kept; tests ask.
  var keptNow: Int { kept.withLock { $0.reduce(0) { $0 + $1.bytes } } }
}
