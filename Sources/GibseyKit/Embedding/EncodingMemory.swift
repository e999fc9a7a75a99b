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
  /// More are not kept: as many as there may be threads that build prompts on a usual machine.
  private static let keptBlocks = 4
  private static let alignment = 64

  private let kept = Mutex<[Block]>([])

  deinit {
    for block in kept.withLock(\.self) { block.start.deallocate() }
  }

  /// So many bytes at least, at a multiple of 64. They are to be given back.
  func lend(_ bytes: Int) -> Block {
    let known = kept.withLock { kept in
      kept.firstIndex { $0.bytes >= bytes }.map { kept.remove(at: $0) }
    }
    if let known { return known }
    // Questions differ by some pieces: the next one fits, too.
    let room = bytes <= Self.keptBytes ? (bytes + 0xFFFF) & ~0xFFFF : bytes
    let start = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: Self.alignment)
    return Block(start: start, bytes: room)
  }

  func takeBack(_ block: Block) {
    let isKept = kept.withLock { kept in
      guard block.bytes <= Self.keptBytes, kept.count < Self.keptBlocks else { return false }
      kept.append(block)
      return true
    }
    if !isKept { block.start.deallocate() }
  }

  /// How much is kept; tests ask.
  var keptNow: Int { kept.withLock { $0.reduce(0) { $0 + $1.bytes } } }
}
